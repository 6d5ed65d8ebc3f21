/** What the layers below have at a path: folders that a layer does not name keep what they were, and links lead where they did. */
import type { Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import type { Attributes } from '../tar/entry.ts'
import type { LayerPath } from './layer-path.ts'
import { joined, namesOf } from './layer-path.ts'

export type Below =
  | { readonly kind: 'folder'; readonly attributes: Attributes }
  | { readonly kind: 'symlink'; readonly to: string }
  | { readonly kind: 'other' }

export interface LowerLayers {
  /** What is seen at this path, whose folders are no links; undefined: nothing. */
  at(path: LayerPath): Promise<Below | undefined>
}

export interface LowerLayer {
  readonly folder: string
  /** Of its folders, those that hide what is below. */
  readonly opaque: ReadonlySet<LayerPath>
}

const absent = ['ENOENT', 'ENOTDIR']

const fileIn = (folder: string, path: LayerPath): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')])

const lookAt = (folder: string, path: LayerPath): Promise<Stats | undefined> =>
  lstat(fileIn(folder, path)).catch((error: NodeJS.ErrnoException) => {
    if (absent.includes(error.code ?? '')) return undefined
    throw error
  })

const isWhiteout = (found: Stats): boolean => found.isCharacterDevice() && found.rdev === 0

const belowOf = async (folder: string, path: LayerPath, found: Stats): Promise<Below> => {
  if (found.isSymbolicLink()) {
    const to = await readlink(fileIn(folder, path), { encoding: 'buffer' })
    return { kind: 'symlink', to: to.toString('latin1') }
  }
  if (!found.isDirectory()) return { kind: 'other' }
  const { mode, uid, gid, mtimeMs } = found
  return {
    kind: 'folder',
    attributes: { mode: mode & 0o7777, uid, gid, mtime: String(Math.floor(mtimeMs / 1000)), xattrs: [] },
  }
}

/** What one layer says: what it has there, that it hides what is below, or nothing. Links on the way are not followed. */
const ask = async ({ folder, opaque }: LowerLayer, path: LayerPath): Promise<Below | 'hidden' | undefined> => {
  const names = namesOf(path)
  let hides = opaque.has(joined([]))
  for (let n = 1; n <= names.length; n++) {
    const part = joined(names.slice(0, n))
    const found = await lookAt(folder, part)
    if (!found) return hides ? 'hidden' : undefined
    if (isWhiteout(found)) return 'hidden'
    if (n === names.length) return belowOf(folder, part, found)
    if (!found.isDirectory()) return 'hidden'
    hides ||= opaque.has(part)
  }
  const found = await lookAt(folder, joined([]))
  return found && belowOf(folder, joined([]), found)
}

/** `layers`: the lowest first. */
export const createLowerLayers = (layers: readonly LowerLayer[]): LowerLayers => ({
  at: async (path) => {
    for (const layer of layers.toReversed()) {
      const found = await ask(layer, path)
      if (found === 'hidden') return undefined
      if (found) return found
    }
    return undefined
  },
})
