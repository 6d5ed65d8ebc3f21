/** Differences that are meant: those of the version, and those that we decided. */
import { readFileSync } from 'node:fs'

export interface Known {
  /** A pattern for `ABOUT | QUESTION | DIFFERENCE`. */
  readonly where: string
  readonly reason: string
}

const read = (): readonly Known[] => JSON.parse(readFileSync(new URL('known.json', import.meta.url), 'utf8'))

/** Why a difference is meant; undefined for one that is a fault. */
export const createKnown = (list: readonly Known[] = read()) => {
  const patterns = list.map(({ where, reason }) => ({ pattern: new RegExp(where), reason }))
  return (line: string): string | undefined => patterns.find(({ pattern }) => pattern.test(line))?.reason
}
