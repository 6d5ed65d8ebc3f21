/**
 * Where to go on in a log whose connection broke. A line keeps the time that it was served with, and times never go back: the log
 * is asked again from the time of the last line, and as many lines of that time as were told are left out. Pure.
 */
import type { LogLine } from './lines.ts'

export interface Resume {
  /** From when to ask; undefined when nothing was told yet. */
  since(): string | undefined
  /** A new reading has begun from there. */
  restart(): void
  /** The lines that were not told before; from now on they are. */
  fresh(lines: readonly LogLine[]): readonly LogLine[]
}

/** The last line, and how many of its time. A line in parts counts as so many: only the first of them has the time. */
interface Told {
  readonly time: string
  readonly lines: number
}

const nothing: Told = { time: '', lines: 0 }

export const createResume = (): Resume => {
  let told = nothing
  /** What is still left out of this reading. */
  let skipped = nothing
  let time = ''

  const isRepeat = (): boolean => {
    if (skipped.lines === 0 || time === '') return false
    if (time < skipped.time) return true
    skipped = time === skipped.time ? { time, lines: skipped.lines - 1 } : nothing
    return skipped !== nothing
  }

  const isFresh = (line: LogLine): boolean => {
    time = line.time || time
    if (isRepeat()) return false
    told = { time, lines: time === told.time ? told.lines + 1 : 1 }
    return true
  }

  return {
    since: () => (told.time === '' ? undefined : told.time),
    restart: () => {
      skipped = told
      time = ''
    },
    fresh: (lines) => lines.filter(isFresh),
  }
}
