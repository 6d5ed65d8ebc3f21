/** Reading a log back, as `kubectl logs` asks for it. */
import { stat } from 'node:fs/promises'
import { type Clock, sleep, systemClock } from '../../api/clock.ts'
import { createCriDecoder } from './cri-lines.ts'
import { type Cursor, createCursor, readRange } from './cursor.ts'
import { lineTime, nanoText, noteGrowth, offsetSince, readIndex, timeOf, writtenAt } from './log-index.ts'
import { type Extent, extentOf, firstFrom, type LogFormat } from './segments.ts'

export interface LogOptions {
  /** Only so many lines from the end. */
  readonly tailLines?: number
  readonly limitBytes?: number
  /** Milliseconds since 1970. */
  readonly sinceTime?: number
  /** Puts the time in front of each line. */
  readonly timestamps?: boolean
  /** Goes on until the container has ended and everything is read. */
  readonly follow?: boolean
}

export interface LogSource {
  /** The log's file. */
  readonly file: string
  readonly format?: LogFormat | undefined
  /** True when nothing more will be written. */
  readonly isOver: () => boolean | Promise<boolean>
  readonly clock?: Clock
  /** How often a followed log is looked at. */
  readonly pollMs?: number
}

const chunkBytes = 64 * 1024
const newline = 10

/** Goes back from `end` over `count` line ends, to where the line behind the last of them begins. */
const goBack = async (cursor: Cursor, first: number, end: number, count: number): Promise<number> => {
  let missing = count
  for (let to = end; to > first; ) {
    const { at, bytes } = await readRange(cursor, Math.max(first, to - chunkBytes), to)
    for (
      let index = bytes.lastIndexOf(newline);
      index >= 0;
      index = index > 0 ? bytes.lastIndexOf(newline, index - 1) : -1
    )
      if (--missing === 0) return at + index + 1
    to = Math.min(at, to - 1)
  }
  return first
}

/** Where the last `count` lines begin. A line end right at the end closes the last line, it does not begin another. */
const tailStart = async (cursor: Cursor, extent: Extent, count: number): Promise<number> => {
  const first = firstFrom(extent, 0)
  const last = await readRange(cursor, Math.max(first, extent.end - 1), extent.end)
  const isClosed = last.bytes.at(-1) === newline
  return goBack(cursor, first, extent.end, isClosed ? count + 1 : count)
}

const startOf = async (cursor: Cursor, extent: Extent, options: LogOptions, since: number): Promise<number> => {
  if (options.tailLines === 0) return extent.end
  const from = options.sinceTime === undefined || since === 0 ? 0 : await goBack(cursor, firstFrom(extent, 0), since, 1)
  if (options.tailLines === undefined) return from
  return Math.max(from, await tailStart(cursor, extent, options.tailLines))
}

/** The pod, and with it the log, may be removed while somebody follows. */
const whenRemoved = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

async function* chunks(cursor: Cursor, start: number, options: LogOptions, source: LogSource, signal: AbortSignal) {
  const { clock = systemClock, pollMs = 100 } = source
  for (let offset = start; !signal.aborted; ) {
    // Asked before the end is looked at: what was written before the end is read for sure.
    const isOver = await source.isOver()
    const read = await cursor.read(offset, chunkBytes).catch(whenRemoved)
    if (!read) return
    const { at, bytes } = read
    if (bytes.length > 0) yield { at, bytes }
    else if (!options.follow || isOver) return
    else await sleep(pollMs, signal, clock)
    offset = at + bytes.length
  }
}

/** Puts a time in front of every line; lines are held back until they are complete. */
async function* stamped(
  source: LogSource,
  pieces: AsyncIterable<{ at: number; bytes: Buffer }>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { file } = source
  let { notes } = await readIndex(file)
  let rest: Buffer = Buffer.alloc(0)
  let lastWrite = 0
  let end = 0
  const stamp = (lineEnd: number): Buffer => Buffer.from(`${lineTime(notes, lineEnd) ?? nanoText(lastWrite, 0)} `)
  for await (const { at, bytes } of pieces) {
    end = at + bytes.length
    if (timeOf(notes, end) === undefined) notes = await noteGrowth(file)
    if (timeOf(notes, end) === undefined) lastWrite = writtenAt(await stat(file))
    const text = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const lines: Buffer[] = []
    let from = 0
    for (let to = text.indexOf(newline); to >= 0; to = text.indexOf(newline, from)) {
      lines.push(stamp(end - text.length + to + 1), text.subarray(from, to + 1))
      from = to + 1
    }
    rest = text.subarray(from)
    if (lines.length > 0) yield Buffer.concat(lines)
  }
  // Whoever stops in the middle of a line has not seen it.
  if (rest.length > 0 && !signal.aborted) yield Buffer.concat([stamp(end), rest])
}

async function* plain(pieces: AsyncIterable<{ bytes: Buffer }>): AsyncGenerator<Buffer> {
  for await (const { bytes } of pieces) yield bytes
}

/** What a container has said, out of the entries of its runtime. */
async function* decoded(pieces: AsyncIterable<{ bytes: Buffer }>, options: LogOptions): AsyncGenerator<Buffer> {
  const decoder = createCriDecoder(options)
  for await (const { bytes } of pieces) {
    const said = decoder.decode(bytes)
    if (said.length > 0) yield said
  }
  const last = decoder.end()
  if (last.length > 0) yield last
}

/** Resolves when it is known where the reading begins: whatever is written after that is read. */
const openLog = async (
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): Promise<AsyncGenerator<Buffer>> => {
  const { file, format } = source
  const extent = await extentOf(file, format)
  const cursor = createCursor(file, extent)
  if (format === 'cri') {
    const start = await startOf(cursor, extent, options, 0)
    return decoded(chunks(cursor, start, options, source, signal), options)
  }
  const { notes } = await readIndex(file)
  const since = options.sinceTime === undefined ? 0 : offsetSince(notes, options.sinceTime)
  const start = await startOf(cursor, extent, options, since)
  const pieces = chunks(cursor, start, options, source, signal)
  return options.timestamps ? stamped(source, pieces, signal) : plain(pieces)
}

/** What is written to a log from the moment on in which this resolves, until the container has ended or `signal` aborts. */
export const followLog = (source: LogSource, signal: AbortSignal): Promise<AsyncIterable<Buffer>> =>
  openLog(source, { follow: true, tailLines: 0 }, signal)

/**
 * The log's bytes, from where `options` say. Ends at the end of the log, or when the container has ended (`follow`), or
 * when `signal` aborts. Throws ENOENT when there is no such log.
 */
export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  let room = options.limitBytes ?? Number.POSITIVE_INFINITY
  for await (const bytes of await openLog(source, options, signal)) {
    yield bytes.length > room ? bytes.subarray(0, room) : bytes
    room -= bytes.length
    if (room <= 0) return
  }
}
