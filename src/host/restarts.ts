/** When what has ended is started again: at once, and ever later while it keeps ending. Pure but for its clock. */
import { ThreadStuck } from './watched-thread.ts'

export interface RestartCounts {
  /** It did not answer any more. */
  readonly stuck: number
  /** It ended by itself. */
  readonly crashed: number
}

export const sumRestarts = (all: readonly RestartCounts[]): RestartCounts => ({
  stuck: all.reduce((sum, { stuck }) => sum + stuck, 0),
  crashed: all.reduce((sum, { crashed }) => sum + crashed, 0),
})

export interface Restarts {
  /** It has ended; so many milliseconds are to be waited. */
  ended(reason: Error): number
  readonly counts: RestartCounts
  /** Why it keeps ending; undefined while it does not. */
  looping(): string | undefined
}

const firstMs = 1_000
const mostMs = 30_000
/** What has lasted so long has nothing to do with what was before. */
const calmMs = 60_000
/** So many in a row are a loop. */
const loop = 3

export const createRestarts = (clock: { now(): number }): Restarts => {
  const counts = { stuck: 0, crashed: 0 }
  let inARow = 0
  let last = Number.NEGATIVE_INFINITY
  let why = ''
  return {
    ended: (reason) => {
      const now = clock.now()
      counts[reason instanceof ThreadStuck ? 'stuck' : 'crashed']++
      inARow = now - last > calmMs + mostMs ? 1 : inARow + 1
      last = now
      why = reason.message
      return inARow === 1 ? 0 : Math.min(mostMs, firstMs * 2 ** (inARow - 2))
    },
    counts,
    looping: () =>
      inARow >= loop && clock.now() - last <= calmMs ? `ended ${inARow} times in a row: ${why}` : undefined,
  }
}
