/** Reads what `pod-root.ts` has to know of the node. */
import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { readMounts } from '../../../host/mount-table.ts'
import { type NodeFiles, type PathKind, podPaths } from './pod-root.ts'

const kindOf = async (path: string): Promise<PathKind | undefined> => {
  const found = await lstat(path).catch(() => undefined)
  if (!found) return undefined
  if (found.isSymbolicLink()) return { link: await readlink(path) }
  return found.isDirectory() ? 'folder' : 'file'
}

export const readNodeFiles = async (programs: readonly string[]): Promise<NodeFiles> => {
  const kinds = await Promise.all(podPaths(programs).map(async (path) => [path, await kindOf(path)] as const))
  return {
    mounts: await readMounts(),
    kinds: new Map(kinds.flatMap(([path, kind]) => (kind === undefined ? [] : [[path, kind] as const]))),
  }
}

/** The package that this file is part of: its folder is four up from here, compiled or not. */
const packageRoot = join(import.meta.dirname, '../../../..')

/**
 * Podway, for pods that run it, and the Node that runs us. Not the whole of its folder: in a git clone people keep other
 * things there.
 */
export const podwayPrograms: readonly string[] = [
  ...['podway', 'package.json', 'dist', 'src', 'node_modules', 'examples', 'test'].map((name) =>
    join(packageRoot, name),
  ),
  process.execPath,
]
