/**
 * When a log's bytes were written. Containers write to their logs themselves, so the agent notes from time to time how
 * long a log is: pairs of (length, time) in a file beside it. A line bears the time at which it was first seen complete.
 */
import { appendFileSync } from 'node:fs'
import { readDurable, readOrSetAside } from '../../host/durable-file.ts'
import { writeFileAtomic } from '../../host/files.ts'

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

/** When the byte before `end` was written; undefined when that is not noted. */
export const timeOf = (notes: readonly Note[], end: number): number | undefined => {
  let low = 0
  for (let high = notes.length; low < high; ) {
    const middle = (low + high) >> 1
    if ((notes[middle]?.offset ?? 0) < end) low = middle + 1
    else high = middle
  }
  return notes[low]?.time
}

/** More notes than this are thinned out: old ones need no such precision, and the index must not outgrow its log. */
export const maxNotes = 20_000

/** Drops notes about bytes before `from`, and every second one while there are too many. */
export const trimNotes = (notes: readonly Note[], from: number): readonly Note[] => {
  const kept = notes.filter(({ offset }) => offset > from)
  return kept.length <= maxNotes ? kept : kept.filter((_, at) => (kept.length - at) % 2 === 1)
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

/** One short write to a local file that is open in the page cache: not worth a thread. */
export const appendNote = (log: string, note: Note): void => appendFileSync(indexFile(log), renderNote(note))

export const appendBase = (log: string, base: number): void => appendFileSync(indexFile(log), renderBase(base))

export const writeIndex = ({ notes, base }: LogIndex, log: string): Promise<void> =>
  writeFileAtomic(indexFile(log), `${base === 0 ? '' : renderBase(base)}${notes.map(renderNote).join('')}`)
