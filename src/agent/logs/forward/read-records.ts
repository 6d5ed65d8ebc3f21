/** Reads lines of one log from an offset on, as records. */
import { stat } from 'node:fs/promises'
import { parseEntry } from '../cri-lines.ts'
import { createCursor, readRange } from '../cursor.ts'
import { type Note, readIndex, timeOf, writtenAt } from '../log-index.ts'
import { extentOf, firstFrom } from '../segments.ts'
import type { LogOrigin, LogRecord } from './record.ts'
import type { ForwardedLog } from './sources.ts'

export interface ReadLimits {
  readonly maxRecords: number
  readonly maxBytes: number
}

export interface ReadRecords {
  readonly records: readonly LogRecord[]
  /** Where each of them ends. */
  readonly ends: readonly number[]
  /** From where they were read: after the offset when rotation has taken bytes away. */
  readonly from: number
}

/** A longer line comes in parts, as container runtimes do it. */
export const maxRecordBytes = 16 * 1024

const newline = 10

/** Not in the middle of a character. */
const cutAt = (bytes: Buffer, at: number): number => {
  for (let back = 0; back < 4; back++) if (((bytes[at - back] ?? 0) & 0xc0) !== 0x80) return at - back
  return at
}

interface Piece {
  readonly text: Buffer
  /** In the bytes that were read: behind its line end. */
  readonly end: number
  readonly isPartial: boolean
}

/** Whole lines, and parts of lines that are too long. `isLast`: nothing follows, and what has no line end is a line, too. Pure. */
export const piecesOf = (
  bytes: Buffer,
  isLast: boolean,
  most: number,
  maxPieceBytes = maxRecordBytes,
): readonly Piece[] => {
  const pieces: Piece[] = []
  for (let from = 0; from < bytes.length && pieces.length < most; ) {
    const found = bytes.indexOf(newline, from)
    const to = found < 0 ? bytes.length : found
    if (to - from > maxPieceBytes) {
      const cut = cutAt(bytes, from + maxPieceBytes)
      pieces.push({ text: bytes.subarray(from, cut), end: cut, isPartial: true })
      from = cut
    } else {
      if (found < 0 && !isLast) return pieces
      const end = found < 0 ? to : to + 1
      pieces.push({ text: bytes.subarray(from, to), end, isPartial: false })
      from = end
    }
  }
  return pieces
}

/** A line in the parts that a container runtime makes of it, and what it writes in front of each. */
const maxEntryBytes = 2 * maxRecordBytes

const entriesOf = (pieces: readonly Piece[], from: number, origin: LogOrigin): ReadRecords => ({
  from,
  ends: pieces.map(({ end }) => from + end),
  records: pieces.map((piece) => {
    const { time, isPartial, content } = parseEntry(piece.text)
    return {
      ...origin,
      time: Date.parse(time) || 0,
      log: content.toString('utf8'),
      isPartial: isPartial || piece.isPartial,
    }
  }),
})

/** Throws ENOENT when there is no such log. */
export const readRecords = async (
  { file, format, isOver }: ForwardedLog,
  offset: number,
  origin: LogOrigin,
  { maxRecords, maxBytes }: ReadLimits,
): Promise<ReadRecords> => {
  const extent = await extentOf(file, format)
  const start = firstFrom(extent, offset)
  if (start >= extent.end) return { records: [], ends: [], from: Math.min(start, extent.end) }
  const { at, bytes } = await readRange(createCursor(file, extent), start, Math.min(extent.end, start + maxBytes))
  const isLast = isOver && at + bytes.length >= extent.end
  if (format === 'cri') return entriesOf(piecesOf(bytes, isLast, maxRecords, maxEntryBytes), at, origin)
  const pieces = piecesOf(bytes, isLast, maxRecords)
  const { notes } = await readIndex(file)
  const lastWrite = writtenAt(await stat(file))
  const timed = (end: number, all: readonly Note[]): number => timeOf(all, end) ?? lastWrite
  return {
    from: at,
    ends: pieces.map(({ end }) => at + end),
    records: pieces.map(({ text, end, isPartial }) => ({
      ...origin,
      time: timed(at + end, notes),
      log: text.toString('utf8'),
      isPartial,
    })),
  }
}

/** How many bytes there were in all; undefined when there is no such log. */
export const endOf = async ({ file, format }: ForwardedLog): Promise<number | undefined> => {
  try {
    return (await extentOf(file, format)).end
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
