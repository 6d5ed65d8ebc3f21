/** Reading files below a folder that somebody else has filled: no link of theirs leads out of it. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs'
import { pathOnly } from '../../../host/linux-constants.ts'

const maxLinks = 40

/** What there is in place of a regular file. */
export class IrregularFile extends Error {
  override readonly name = 'IrregularFile'
  constructor(path: string, what: string) {
    super(`${path} is a ${what}: it has to be a regular file`)
  }
}

const whatIs = (stat: Stats): string => {
  if (stat.isDirectory()) return 'folder'
  if (stat.isFIFO()) return 'named pipe'
  return stat.isSocket() ? 'socket' : 'device'
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Opens what is found; `open` takes the descriptors that are to be closed at the end. */
const walk = (root: string, path: string, opened: number[]): number | undefined => {
  const open = (file: string, flags: number): number => {
    const fd = openSync(file, flags)
    opened.push(fd)
    return fd
  }
  const folders = [open(root, pathOnly | constants.O_DIRECTORY)]
  const names = path.split('/')
  let links = 0
  while (names.length > 0) {
    const name = names.shift() ?? ''
    const folder = folders.at(-1) ?? 0
    if (name === '' || name === '.') continue
    if (name === '..') {
      // The root is its own parent.
      if (folders.length > 1) folders.pop()
      continue
    }
    const place = `/proc/self/fd/${folder}/${name}`
    const found = open(place, pathOnly | constants.O_NOFOLLOW)
    const stat = fstatSync(found)
    if (stat.isSymbolicLink()) {
      if (++links > maxLinks) return undefined
      const target = readlinkSync(place)
      if (target.startsWith('/')) folders.splice(1)
      names.unshift(...target.split('/'))
    } else if (names.some((each) => each !== '' && each !== '.')) {
      if (!stat.isDirectory()) return undefined
      folders.push(found)
    } else if (stat.isFile()) return open(`/proc/self/fd/${found}`, constants.O_RDONLY)
    else throw new IrregularFile(path, whatIs(stat))
  }
  throw new IrregularFile(path, 'folder')
}

/**
 * The beginning of a file; undefined when there is none. Throws `IrregularFile`. Who fills the folder at the same time changes what
 * is found, and not where.
 */
export const readInRoot = (root: string, path: string, maxBytes: number): string | undefined => {
  const opened: number[] = []
  try {
    const file = walk(root, path, opened)
    if (file === undefined) return undefined
    const buffer = Buffer.alloc(maxBytes)
    let length = 0
    for (let read = -1; read !== 0 && length < maxBytes; length += read)
      read = readSync(file, buffer, length, maxBytes - length, null)
    return buffer.toString('utf8', 0, length)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(codeOf(error) ?? '')) return undefined
    throw error
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}
