/** Marks in a layer that take away what layers below have (image-spec, "Whiteouts"). Pure. */
import { damaged } from '../image-error.ts'
import { joined, type LayerPath, namesOf, shownPath } from './layer-path.ts'

export type Mark =
  /** This path of the layers below is gone. */
  | { readonly kind: 'whiteout'; readonly path: LayerPath }
  /** All that layers below have in this folder is gone. */
  | { readonly kind: 'opaque'; readonly folder: LayerPath }
  /** What aufs kept for itself. */
  | { readonly kind: 'ignored' }

const prefix = '.wh.'
const reserved = '.wh..wh.'

/** Undefined for a path that is no mark. Throws for one that cannot be. */
export const markOf = (path: LayerPath): Mark | undefined => {
  if (!path.includes(prefix)) return undefined
  const names = namesOf(path)
  const folder = names.slice(0, -1)
  const name = names.at(-1) ?? ''
  if (folder.some((each) => each.startsWith(reserved))) return { kind: 'ignored' }
  if (folder.some((each) => each.startsWith(prefix))) throw damaged(`${shownPath(path)} is below a whiteout`)
  if (name === `${reserved}.opq`) return { kind: 'opaque', folder: joined(folder) }
  if (name.startsWith(reserved)) return { kind: 'ignored' }
  if (!name.startsWith(prefix)) return undefined
  const hidden = name.slice(prefix.length)
  if (hidden === '' || hidden === '.' || hidden === '..') throw damaged(`${shownPath(path)} is no whiteout`)
  return { kind: 'whiteout', path: joined([...folder, hidden]) }
}
