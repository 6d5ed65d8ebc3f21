/**
 * Where to go on in a log whose connection broke. Its lines have the times at which they were seen, up to half a second late and
 * several at once: it is asked again from a little before the last one, and what has come already is left out. Pure.
 */
import type { LogLine } from './lines.ts'

/** A line that is told a second time may have got another time meanwhile, by no more than this. */
const overlapMs = 2_000
const keptMs = 5_000
const keptLines = 20_000

const msOf = ({ time }: LogLine): number => Date.parse(time)

export interface Resume {
  /** Remembers lines that were told. */
  told(lines: readonly LogLine[]): void
  /** From when to ask; undefined when nothing was told yet. */
  since(): string | undefined
  /** A new reading has begun from there: `fresh` leaves out of it what was told before. */
  restart(): void
  fresh(lines: readonly LogLine[]): readonly LogLine[]
}

export const createResume = (): Resume => {
  let recent: readonly LogLine[] = []
  let repeats = new Map<string, number>()
  /** In milliseconds; zero while nothing is to be left out. */
  let from = 0
  let until = 0

  const isRepeat = (line: LogLine): boolean => {
    if (until === 0 || line.time === '') return false
    const ms = msOf(line)
    if (ms > until) {
      until = 0
      return false
    }
    if (ms < from) return true
    const text = line.text.toString('latin1')
    const left = repeats.get(text) ?? 0
    if (left > 0) repeats.set(text, left - 1)
    return left > 0
  }

  return {
    told: (lines) => {
      const last = lines.findLast(({ time }) => time !== '') ?? recent.at(-1)
      if (!last) return
      const oldest = msOf(last) - keptMs
      recent = [...recent, ...lines].slice(-keptLines).filter((line) => line.time !== '' && msOf(line) >= oldest)
    },
    since: () => {
      const last = recent.at(-1)
      return last && new Date(msOf(last) - overlapMs).toISOString()
    },
    restart: () => {
      const last = recent.at(-1)
      repeats = new Map()
      for (const { text } of recent) {
        const key = text.toString('latin1')
        repeats.set(key, (repeats.get(key) ?? 0) + 1)
      }
      from = last ? msOf(last) - overlapMs : 0
      until = last ? msOf(last) + overlapMs : 0
    },
    fresh: (lines) => lines.filter((line) => !isRepeat(line)),
  }
}
