/** What a connection knows of one stream. */
import { max31Bits } from './frames.ts'
import type { SentField, StreamUser } from './seam.ts'

export interface StreamState {
  readonly id: number
  /** Undefined until the user of a new request is known. */
  user: StreamUser | undefined
  /** Whether we may still send. */
  sendOpen: boolean
  /** Whether the peer may. */
  receiveOpen: boolean
  /** Whether the head was received: what follows are data and trailers. */
  headed: boolean

  sendWindow: number
  /** What waits for window or for the transport. */
  readonly queue: Buffer[]
  queued: number
  /** Whether the queue is all that comes. */
  queueEnds: boolean
  /** What follows behind the queue. */
  trailers: readonly SentField[] | undefined
  wantsDrained: boolean

  receiveWindow: number
  /** Received and used up, but not yet given back to the peer. */
  used: number
  paused: boolean
  /** Received while paused: given back, to the connection too, after that. */
  withheld: number
}

export const createStreamState = (
  id: number,
  user: StreamUser | undefined,
  sendWindow: number,
  receiveWindow: number,
): StreamState => ({
  id,
  user,
  sendOpen: true,
  receiveOpen: true,
  headed: false,
  sendWindow,
  queue: [],
  queued: 0,
  queueEnds: false,
  trailers: undefined,
  wantsDrained: false,
  receiveWindow,
  used: 0,
  paused: false,
  withheld: 0,
})

/** Whether a window that grows so much stays one (RFC 9113 section 6.9.1). */
export const fitsWindow = (window: number, more: number): boolean => window + more <= max31Bits
