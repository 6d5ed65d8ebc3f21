/** The streams of a connection, by their numbers (RFC 9113 section 5.1.1). */
import { max31Bits } from './frames.ts'
import type { StreamState } from './stream.ts'

export interface Streams {
  readonly open: ReadonlyMap<number, StreamState>
  /** The highest number that the peer has used. */
  readonly lastOfPeer: number
  /** Whether the peer may open a stream with this number. */
  isNext(id: number): boolean
  /** Whether nobody has used the number yet. */
  isIdle(id: number): boolean
  /** Keeps the number as used. */
  use(id: number): void
  /** The next number of our own; undefined when all are used up. */
  nextOfOurs(): number | undefined
  add(stream: StreamState): void
  /** False when it was removed before. */
  remove(stream: StreamState): boolean
  /** We reset the stream, and the peer may not know yet. */
  keepReset(id: number): void
  wasReset(id: number): boolean
}

/** More than a peer has on the way. */
const maxResets = 1024

export const createStreams = (role: 'server' | 'client'): Streams => {
  const open = new Map<number, StreamState>()
  const reset = new Set<number>()
  let lastOfPeer = 0
  let next = 1
  const isNext = (id: number): boolean => role === 'server' && id % 2 === 1 && id > lastOfPeer

  return {
    open,
    get lastOfPeer() {
      return lastOfPeer
    },
    isNext,
    // Even numbers are for pushes, which we do not allow.
    isIdle: (id) => id % 2 === 0 || (role === 'server' ? id > lastOfPeer : id >= next),
    use: (id) => {
      lastOfPeer = id
    },
    nextOfOurs: () => {
      if (next > max31Bits) return undefined
      next += 2
      return next - 2
    },
    add: (stream) => {
      open.set(stream.id, stream)
    },
    remove: (stream) => open.delete(stream.id),
    keepReset: (id) => {
      reset.add(id)
      if (reset.size <= maxResets) return
      for (const oldest of reset) {
        reset.delete(oldest)
        return
      }
    },
    wasReset: (id) => reset.has(id),
  }
}
