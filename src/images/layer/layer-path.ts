/** Paths of a layer: lists of plain names below its root. Pure. */
import { damaged, unsupported } from '../image-error.ts'
import type { Limits } from '../limits.ts'

export type PathLimits = Pick<Limits, 'pathDepth' | 'pathBytes' | 'nameBytes'>

/** `a/b`, without a slash at either end; empty: the root of the layer. */
export type LayerPath = string & { readonly __brand: 'LayerPath' }

const shown = (path: string): string => JSON.stringify(Buffer.from(path, 'latin1').toString('utf8').slice(0, 200))

/** Names that were checked, one below the other. */
export const joined = (names: readonly string[]): LayerPath => names.join('/') as LayerPath

export const root: LayerPath = joined([])

/** Of a path that was checked. */
export const namesOf = (path: LayerPath): readonly string[] => (path === '' ? [] : path.split('/'))

/** The folder that a path is in, and its name there. */
export const splitPath = (path: LayerPath): readonly [LayerPath, string] => {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? [root, path] : [path.slice(0, slash) as LayerPath, path.slice(slash + 1)]
}

/** `name`: one that was checked; empty for the folder itself. */
export const below = (folder: LayerPath, name: string): LayerPath =>
  (folder === '' || name === '' ? `${folder}${name}` : `${folder}/${name}`) as LayerPath

/** Throws for a path that leads out of the layer, or is longer than there may be. */
export const parseLayerPath = (text: string, limits: PathLimits): LayerPath => {
  const names = text.split('/').filter((name) => name !== '' && name !== '.')
  if (names.includes('..')) throw damaged(`${shown(text)} leads out of the layer`)
  const path = joined(names)
  if (names.length > limits.pathDepth) throw unsupported(`${shown(text)} is more than ${limits.pathDepth} folders deep`)
  if (path.length > limits.pathBytes || names.some((name) => name.length > limits.nameBytes))
    throw unsupported(`${shown(text)} is too long a path`)
  return path
}

export const shownPath = (path: LayerPath): string => shown(`/${path}`)
