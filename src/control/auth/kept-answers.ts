/** What a webhook has said, for as long as it holds: whoever asks the same again need not wait for it. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../api/clock.ts'

export interface KeptAnswers<T> {
  /** Undefined for what was not asked, or too long ago. */
  find(question: string): { readonly answer: T } | undefined
  keep(question: string, answer: T, seconds: number): void
}

const limit = 8192

/** Questions may be secrets, and long: their digests are what is kept. */
const keyOf = (question: string): string => createHash('sha256').update(question).digest('base64')

export const createKeptAnswers = <T>(clock: Clock): KeptAnswers<T> => {
  const kept = new Map<string, { readonly answer: T; readonly until: number }>()
  return {
    find: (question) => {
      const key = keyOf(question)
      const known = kept.get(key)
      if (known && known.until > clock.now()) return known
      kept.delete(key)
      return undefined
    },
    keep: (question, answer, seconds) => {
      if (seconds <= 0) return
      const [oldest] = kept.keys()
      if (kept.size >= limit && oldest !== undefined) kept.delete(oldest)
      kept.set(keyOf(question), { answer, until: clock.now() + seconds * 1000 })
    },
  }
}
