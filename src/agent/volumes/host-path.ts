/** Volumes that are a path of the node. */
import type { Stats } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { textIn } from './fields.ts'
import type { PreparedVolume, VolumePlugin } from './plugin.ts'

interface Kind {
  readonly name: string
  is(found: Stats): boolean
  /** Missing: it has to be there. */
  make?(path: string): Promise<void>
}

const makeFolder = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o755 })
}

const makeFile = async (path: string): Promise<void> => {
  await (await open(path, 'a', 0o644)).close()
}

/** By `type`. Where it is empty anything will do, and a folder is made of nothing, as runtimes do. */
const kinds: Readonly<Record<string, Kind>> = {
  '': { name: 'file', is: () => true, make: makeFolder },
  DirectoryOrCreate: { name: 'directory', is: (found) => found.isDirectory(), make: makeFolder },
  Directory: { name: 'directory', is: (found) => found.isDirectory() },
  FileOrCreate: { name: 'file', is: (found) => found.isFile(), make: makeFile },
  File: { name: 'file', is: (found) => found.isFile() },
  Socket: { name: 'socket file', is: (found) => found.isSocket() },
  CharDevice: { name: 'character device', is: (found) => found.isCharacterDevice() },
  BlockDevice: { name: 'block device', is: (found) => found.isBlockDevice() },
}

const look = (path: string): Promise<Stats | undefined> =>
  stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

/** What is at a path of the node, made if the type says so. Throws an Error in the kubelet's words. */
export const prepareHostPath = async (path: string, type: string): Promise<PreparedVolume> => {
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined
  if (!kind) throw new Error(`${JSON.stringify(type)} is an invalid volume type`)
  if (!isAbsolute(path) || path.includes('\0') || path.split('/').includes('..'))
    throw new Error(`${JSON.stringify(path)} is no path of a node`)
  if (!(await look(path))) await kind.make?.(path)
  const found = await look(path)
  if (!found || !kind.is(found)) throw new Error(`hostPath type check failed: ${path} is not a ${kind.name}`)
  return { path, kind: found.isDirectory() ? 'folder' : 'file', readOnly: false }
}

export const hostPath: VolumePlugin = {
  prepare: ({ source }) => prepareHostPath(textIn(source, 'path'), textIn(source, 'type')),
}
