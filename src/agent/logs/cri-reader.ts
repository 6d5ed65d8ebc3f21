/** Reading a log back that a container runtime writes. */
import { sleep, systemClock } from '../../api/clock.ts'
import { type OpenedLog, openFiles, successorOf } from './cri-files.ts'
import { countLines, createCriDecoder, entriesIn } from './cri-lines.ts'
import type { LogOptions, LogSource } from './reader.ts'

const chunkBytes = 64 * 1024
const newline = 0x0a

const readAt = async ({ handle }: OpenedLog, at: number, length: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}

/** Where the entry begins with which the last `count` lines of a file begin; and how many lines are missing still. */
const tailOf = async (file: OpenedLog, count: number): Promise<{ readonly at: number; readonly missing: number }> => {
  let end = (await file.handle.stat()).size
  let missing = count
  // What follows the beginning of an entry, of which the chunk has not all.
  let rest: Buffer = Buffer.alloc(0)
  while (end > 0) {
    const from = Math.max(0, end - chunkBytes)
    const text = Buffer.concat([await readAt(file, from, end - from), rest])
    const first = from === 0 ? 0 : text.indexOf(newline) + 1
    if (from > 0 && first === 0) rest = text
    else {
      const entries = entriesIn(text.subarray(first))
      const lines = countLines(entries)
      if (lines > missing) return { at: from + first + skipped(entries, lines - missing), missing: 0 }
      missing -= lines
      rest = text.subarray(0, first)
    }
    end = from
  }
  return { at: 0, missing }
}

/** The bytes of entries up to the end of so many lines. */
const skipped = (entries: readonly Buffer[], lines: number): number => {
  let bytes = 0
  let left = lines
  for (const entry of entries) {
    if (left === 0) break
    left -= countLines([entry])
    bytes += entry.length + 1
  }
  return bytes
}

interface Start {
  readonly file: number
  readonly at: number
}

const startOf = async (files: readonly OpenedLog[], tailLines: number | undefined): Promise<Start> => {
  if (tailLines === undefined) return { file: 0, at: 0 }
  const last = files.at(-1)
  if (tailLines === 0 && last) return { file: files.length - 1, at: (await last.handle.stat()).size }
  let wanted = tailLines
  for (let file = files.length - 1; file >= 0; file--) {
    const opened = files[file]
    if (!opened) break
    const { at, missing } = await tailOf(opened, wanted)
    if (missing === 0) return { file, at }
    wanted = missing
  }
  return { file: 0, at: 0 }
}

/** The bytes of all files, and what is written meanwhile. The live file is the last; one that takes its place joins them. */
async function* bytesFrom(
  files: OpenedLog[],
  start: Start,
  source: LogSource,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { clock = systemClock, pollMs = 100 } = source
  let { file: at, at: offset } = start
  while (!signal.aborted) {
    const file = files[at]
    if (!file) return
    // Asked before the end is looked at: what was written before the end is read for sure.
    const isOver = await source.isOver()
    const hasNext = at < files.length - 1
    const bytes = await readAt(file, offset, chunkBytes)
    offset += bytes.length
    if (bytes.length > 0) yield bytes
    else if (hasNext) {
      at++
      offset = 0
    } else {
      const next = await successorOf(file, source.file)
      // The last words of the old one may have come while we looked: it is read once more.
      if (next) files.push(next)
      else if (!follow || isOver) return
      else await sleep(pollMs, signal, clock)
    }
  }
}

/** As `readLog`, for `source.format` cri. */
export async function* readCriLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const files = [...(await openFiles(source.file))]
  try {
    const start = await startOf(files, options.tailLines)
    const decoder = createCriDecoder(options)
    for await (const bytes of bytesFrom(files, start, source, options.follow ?? false, signal)) {
      const said = decoder.decode(bytes)
      if (said.length > 0) yield said
    }
    const last = decoder.end()
    if (last.length > 0) yield last
  } finally {
    for (const { handle } of files) await handle.close()
  }
}

/** What the container said last, in at most so many bytes; empty when there is no log. */
export const lastOfCriLog = async (file: string, bytes: number): Promise<string> => {
  let said = Buffer.alloc(0)
  const source = { file, isOver: () => true }
  try {
    for await (const piece of readCriLog(source, { tailLines: 80 }, new AbortController().signal))
      said = Buffer.concat([said, piece]).subarray(-bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return said.toString()
}
