/**
 * When a log's bytes were written. Containers write to their logs themselves, so the agent notes from time to time how
 * long a log is: pairs of (length, time) in a file beside it, both of which only grow. A line bears the time at which it was first
 * seen complete, and keeps it: who reads with times notes the growth before, so that a reading may be resumed from a line's time.
 */
import {
  appendFileSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { readDurable, readDurableBytes, readOrSetAside } from '../../host/durable-file.ts'

/** At `time` (milliseconds since 1970) the log was `offset` bytes long. */
export interface Note {
  readonly offset: number
  readonly time: number
}

export interface LogIndex {
  /** In order. */
  readonly notes: readonly Note[]
  /** The offset of the live file's first byte; above zero once a log was cut off by copying (see rotate.ts). */
  readonly base: number
}

export const indexFile = (log: string): string => `${log}.index`

const newline = 10

const renderNote = ({ offset, time }: Note): string => `${offset} ${time}\n`
const renderBase = (base: number): string => `base ${base}\n`

/** Reads the text form. A last line that was cut off by a crash is left out. Throws when there is anything else wrong. */
export const parseIndex = (text: string): LogIndex => {
  const notes: Note[] = []
  let base = 0
  for (const line of text.split('\n').slice(0, -1)) {
    const [, first = '', second = ''] = /^(base|\d+) (\d+)$/.exec(line) ?? []
    if (first === '') throw new Error(`it holds the line ${JSON.stringify(line.slice(0, 40))}`)
    if (first === 'base') base = Number(second)
    else notes.push({ offset: Number(first), time: Number(second) })
  }
  return { notes, base }
}

/** Everything before this offset was written before `time`. */
export const offsetSince = (notes: readonly Note[], time: number): number =>
  notes.findLast((note) => note.time < time)?.offset ?? 0

/** The first note that covers the byte before `end`, as its index. */
const noteOf = (notes: readonly Note[], end: number): number => {
  let low = 0
  for (let high = notes.length; low < high; ) {
    const middle = (low + high) >> 1
    if ((notes[middle]?.offset ?? 0) < end) low = middle + 1
    else high = middle
  }
  return low
}

/** When the byte before `end` was written; undefined when that is not noted. */
export const timeOf = (notes: readonly Note[], end: number): number | undefined => notes[noteOf(notes, end)]?.time

const nanosPerMs = 1_000_000

/** Milliseconds and what of one is over, in RFC 3339 with nine digits of a second. */
export const nanoText = (time: number, nanos: number): string =>
  `${new Date(time).toISOString().slice(0, -1)}${String(nanos).padStart(6, '0')}Z`

/**
 * The time of a line that ends at `end`, which no other line has: below a millisecond it says where in the growth of its note the
 * line stands. Undefined when that is not noted.
 */
export const lineTime = (notes: readonly Note[], end: number): string | undefined => {
  const at = noteOf(notes, end)
  const note = notes[at]
  if (!note) return undefined
  const from = notes[at - 1]?.offset ?? 0
  const span = note.offset - from
  const nanos = span < nanosPerMs ? end - from : Math.floor(((end - from) * (nanosPerMs - 1)) / span)
  return nanoText(note.time, nanos)
}

/** More notes than this are thinned out: old ones need no such precision, and the index must not outgrow its log. */
export const maxNotes = 20_000

/** Notes about bytes before `from` go, but for the last: the next one's growth begins there. Of too many, old ones are thinned out. */
export const trimNotes = (notes: readonly Note[], from: number): readonly Note[] => {
  const kept = notes.slice(Math.max(0, noteOf(notes, from + 1) - 1))
  if (kept.length <= maxNotes) return kept
  const recent = kept.slice(-maxNotes / 2)
  const every = Math.ceil((2 * (kept.length - recent.length)) / (maxNotes / 2))
  const old = kept.slice(0, -recent.length).filter((_, at, all) => (all.length - 1 - at) % every === 0)
  return [...old, ...recent]
}

const nothing: LogIndex = { notes: [], base: 0 }

/** An index that is missing or damaged knows nothing: the log is read all the same, without exact times. */
export const readIndex = async (log: string): Promise<LogIndex> => {
  const found = await readDurable(indexFile(log), parseIndex)
  return found.state === 'read' ? found.value : nothing
}

/** Sets a damaged index aside, before it is written to. */
export const mendIndex = async (log: string, onDamage: (message: string) => void): Promise<void> => {
  await readOrSetAside(indexFile(log), parseIndex, onDamage)
}

/** More than the last few lines. */
const tailBytes = 256

const lastNote = (tail: string): Note | undefined => {
  const [, offset, time] = [...tail.matchAll(/^(\d+) (\d+)\n/gm)].at(-1) ?? []
  return offset === undefined || time === undefined ? undefined : { offset: Number(offset), time: Number(time) }
}

/**
 * Notes a growth, unless somebody has; later than the one before, whatever the clock says. What a crash has cut off goes. A few
 * short calls to a local file that is in the page cache: not worth a thread, and so nobody comes between them.
 */
export const appendNote = (log: string, { offset, time }: Note): void => {
  const file = openSync(indexFile(log), 'a+')
  try {
    const { size } = fstatSync(file)
    const from = Math.max(0, size - tailBytes)
    const bytes = Buffer.alloc(size - from)
    const tail = bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, from))
    const whole = tail.slice(0, tail.lastIndexOf('\n') + 1)
    if (whole.length < tail.length && tail.length - whole.length < tailBytes) ftruncateSync(file, from + whole.length)
    const last = lastNote(whole)
    if (last && offset <= last.offset) return
    writeSync(file, renderNote({ offset, time: last ? Math.max(time, last.time + 1) : time }))
  } finally {
    closeSync(file)
  }
}

/** When a log was last written to. A container may set that of its own log to anything: it is a time since 1970, and not in the future. */
export const writtenAt = ({ mtimeMs }: Pick<Stats, 'mtimeMs'>): number =>
  Math.floor(Math.min(Math.max(0, mtimeMs), Date.now()))

/** Notes how long a log is, as the last look of its keeper may be a while ago. Resolves to all notes. */
export const noteGrowth = async (log: string): Promise<readonly Note[]> => {
  const index = await readDurable(indexFile(log), parseIndex)
  // It is set aside before it is written to.
  if (index.state === 'damaged') return nothing.notes
  const { base } = index.state === 'read' ? index.value : nothing
  try {
    const found = statSync(log)
    appendNote(log, { offset: base + found.size, time: writtenAt(found) })
  } catch {
    // The disk may be full, or the log be removed: lines are told all the same, with times that are less exact.
  }
  return (await readIndex(log)).notes
}

export const appendBase = (log: string, base: number): void => appendFileSync(indexFile(log), renderBase(base))

const renderIndex = ({ notes, base }: LogIndex): string =>
  `${base === 0 ? '' : renderBase(base)}${notes.map(renderNote).join('')}`

const parseWhole = (bytes: Buffer) => {
  const length = bytes.lastIndexOf(newline) + 1
  return { ...parseIndex(bytes.toString('latin1', 0, length)), length }
}

/** Trims the notes about what is before `from`. What is noted meanwhile stays. A damaged index is left to `mendIndex`. */
export const trimIndex = async (log: string, from: number): Promise<void> => {
  const file = indexFile(log)
  const found = await readDurableBytes(file, parseWhole)
  if (found.state !== 'read') return
  const { notes, base, length } = found.value
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await writeFile(temporary, renderIndex({ notes: trimNotes(notes, from), base }), { mode: 0o600, flush: true })
    appendFileSync(temporary, readFileSync(file).subarray(length))
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
