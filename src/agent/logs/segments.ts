/**
 * A log as one long row of bytes, whatever part of it lies in which file. Offsets count from its very first byte. Containers
 * write to one file for ever, of which parts are copied away; a container runtime goes on with a new file when the old one was
 * renamed.
 */
import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readIndex } from './log-index.ts'

/** A rotated part: `0.log.START-END`. */
export interface Part {
  readonly file: string
  readonly start: number
  /** Where its bytes end: before END, when the file was cut. */
  readonly end: number
  /** END: what follows it begins here. */
  readonly next: number
}

export interface Extent {
  /** In order. What is missing between them, or before the first, was deleted. */
  readonly parts: readonly Part[]
  /** The live file holds the bytes from here to `end`. */
  readonly head: number
  readonly end: number
  /** Where the live file's own first byte belongs. */
  readonly base: number
  readonly format?: LogFormat | undefined
}

/** How lines are written: by a container runtime; as the container has said them, when missing. */
export type LogFormat = 'cri'

export const partFile = (log: string, start: number, end: number): string => `${log}.${start}-${end}`

/** What a container runtime has written and shall no longer write to, while nobody knows yet where it ends. */
export const movingFile = (log: string): string => `${log}.moving`

/** As many bytes as are really there, of those it should have: none of a folder, or of a file that is gone by now. */
const bytesOf = async ({ file, start, next }: Pick<Part, 'file' | 'start' | 'next'>): Promise<number> => {
  try {
    const found = await stat(file)
    return found.isFile() ? Math.min(found.size, next - start) : 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

const partsOf = async (log: string): Promise<readonly Part[]> => {
  const prefix = `${basename(log)}.`
  const found = (await readdir(dirname(log))).flatMap((name) => {
    const range = name.startsWith(prefix) ? /^(\d+)-(\d+)$/.exec(name.slice(prefix.length)) : null
    return range ? [{ file: join(dirname(log), name), start: Number(range[1]), next: Number(range[2]) }] : []
  })
  const parts = await Promise.all(found.map(async (part) => ({ ...part, end: part.start + (await bytesOf(part)) })))
  return parts.sort((a, b) => a.start - b.start)
}

interface Live {
  readonly size: number
  readonly inode: number
}

const liveOf = async (file: string): Promise<Live | undefined> => {
  try {
    const { size, ino } = await stat(file)
    return { size, inode: ino }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const missing = (log: string): Error => Object.assign(new Error(`ENOENT: there is no log ${log}`), { code: 'ENOENT' })

/** Each file begins where the one before it ends. It may be renamed while we look. */
const criExtentOf = async (log: string): Promise<Extent> => {
  for (;;) {
    const before = await liveOf(log)
    const parts = await partsOf(log)
    const moving = await liveOf(movingFile(log))
    const live = await liveOf(log)
    if (before?.inode !== live?.inode) continue
    if (!live && !moving) throw missing(log)
    const start = parts.at(-1)?.next ?? 0
    const head = start + (moving?.size ?? 0)
    const all = moving ? [...parts, { file: movingFile(log), start, end: head, next: head }] : parts
    return { parts: all, head, base: head, end: head + (live?.size ?? 0), format: 'cri' }
  }
}

/** Where the bytes of a log are now. Throws ENOENT when there is no such log. */
export const extentOf = async (log: string, format?: LogFormat): Promise<Extent> => {
  if (format === 'cri') return criExtentOf(log)
  const parts = await partsOf(log)
  const { base } = await readIndex(log)
  const { size } = await stat(log)
  const head = Math.max(base, parts.at(-1)?.next ?? 0)
  return { parts, head, base, end: Math.max(head, base + size) }
}

/** The first offset from `from` on that still exists. */
export const firstFrom = ({ parts, head }: Extent, from: number): number => {
  const part = parts.find(({ end }) => end > from)
  return Math.max(from, part ? part.start : head)
}

const readFrom = async (file: string, at: number, length: number): Promise<Buffer> => {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/**
 * Up to `length` bytes from `offset`, which must lie in the extent. A rotation may move the bytes while they are read:
 * then the answer is undefined, and the caller looks at the new extent.
 */
export const readAt = async (
  log: string,
  extent: Extent,
  offset: number,
  length: number,
): Promise<Buffer | undefined> => {
  const part = extent.parts.find(({ start, end }) => start <= offset && offset < end)
  try {
    if (part) return await readFrom(part.file, offset - part.start, Math.min(length, part.end - offset))
    const bytes = await readFrom(log, offset - extent.base, Math.min(length, extent.end - offset))
    const now = await extentOf(log, extent.format)
    return now.head > offset ? undefined : bytes
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
