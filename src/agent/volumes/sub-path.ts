/**
 * A part of a volume, found so that nothing a pod does at the same time leads out of the volume: the way is looked up once, and
 * then gone step by step without following any link. What is found is held open, and mounted from there.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pathOnly } from '../../host/linux-constants.ts'

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

export interface OpenPath {
  readonly handle: FileHandle
  readonly kind: 'file' | 'folder'
}

/** Throws an Error for what could lead out of a volume. */
const checkSubPath = (path: string): void => {
  if (path.startsWith('/') || path.includes('\0'))
    throw new Error(`subPath ${JSON.stringify(path)} is not below a volume`)
  if (path.split('/').includes('..')) throw new Error(`subPath ${JSON.stringify(path)} must not contain ".."`)
}

/** Where links lead, as far as there is anything: the rest of the way will be made. */
const resolveLinks = async (path: string): Promise<string> => {
  try {
    return await realpath(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || path === '/') throw error
    return join(await resolveLinks(dirname(path)), path.slice(dirname(path).length))
  }
}

const openAt = (folder: FileHandle, name: string): Promise<FileHandle> =>
  open(`/proc/self/fd/${folder.fd}/${name}`, pathOnly | constants.O_NOFOLLOW)

const step = async (folder: FileHandle, name: string): Promise<FileHandle> => {
  try {
    return await openAt(folder, name)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  await mkdir(`/proc/self/fd/${folder.fd}/${name}`, 0o755).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  return openAt(folder, name)
}

/** Follows no link: where there is one now, there was none before. */
const walk = async (root: string, names: readonly string[]): Promise<OpenPath> => {
  let handle = await open(root, pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    for (const name of names) {
      const before = handle
      handle = await step(before, name)
      await before.close()
      if ((await handle.stat()).isSymbolicLink()) throw new Error(`${name} has become a link`)
    }
    return { handle, kind: (await handle.stat()).isDirectory() ? 'folder' : 'file' }
  } catch (error) {
    // The first failure is the one that counts.
    await handle.close().catch(() => undefined)
    throw error
  }
}

/** Opens a part of the volume at `root`; folders that are missing are made. Whoever gets the handle closes it. */
export const openSubPath = async (root: string, path: string): Promise<OpenPath> => {
  checkSubPath(path)
  const top = await realpath(root)
  const found = await resolveLinks(join(top, path))
  const below = relative(top, found)
  if (below === '..' || below.startsWith('../') || below.startsWith('/'))
    throw new Error(`subPath ${JSON.stringify(path)} leads out of its volume`)
  return walk(top, below === '' ? [] : below.split('/'))
}
