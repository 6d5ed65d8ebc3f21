/** Counts what the peer sends against the windows that it has, and gives it more (RFC 9113 section 6.9). */
import { frameTypes, initialWindow } from './frames.ts'
import type { Output } from './output.ts'
import type { H2Limits } from './seam.ts'
import type { StreamState } from './stream.ts'

export interface Receiver {
  /** Gives the connection its window; once, behind our SETTINGS. */
  open(): void
  /** Counts a DATA frame. False: the peer has exceeded the window of the connection. */
  take(bytes: number): boolean
  /** The same for the stream; the window of the connection is counted already. */
  takeFor(stream: StreamState, bytes: number): boolean
  /** Gives back what nobody is there for. */
  drop(bytes: number): void
  /** Gives back what the stream's user has got, now or after its pause. */
  used(stream: StreamState, bytes: number): void
  pause(stream: StreamState): void
  resume(stream: StreamState): void
  /** The stream is over: what was withheld goes back to the connection. */
  forget(stream: StreamState): void
}

export const createReceiver = (output: Output, { connectionWindow, streamWindow }: H2Limits): Receiver => {
  let window = initialWindow
  let used = 0

  const giveBack = (bytes: number): void => {
    used += bytes
    if (used < connectionWindow / 2) return
    output.number(frameTypes.WINDOW_UPDATE, 0, used)
    window += used
    used = 0
  }

  const giveBackFor = (stream: StreamState, bytes: number): void => {
    giveBack(bytes)
    stream.used += bytes
    if (!stream.receiveOpen || stream.used < streamWindow / 2) return
    output.number(frameTypes.WINDOW_UPDATE, stream.id, stream.used)
    stream.receiveWindow += stream.used
    stream.used = 0
  }

  const release = (stream: StreamState): number => {
    const bytes = stream.withheld
    stream.withheld = 0
    return bytes
  }

  return {
    open: () => {
      const more = connectionWindow - initialWindow
      if (more > 0) output.number(frameTypes.WINDOW_UPDATE, 0, more)
      window += more
    },
    take: (bytes) => {
      window -= bytes
      return window >= 0
    },
    takeFor: (stream, bytes) => {
      stream.receiveWindow -= bytes
      return stream.receiveWindow >= 0
    },
    drop: giveBack,
    used: (stream, bytes) => {
      if (stream.paused) stream.withheld += bytes
      else giveBackFor(stream, bytes)
    },
    pause: (stream) => {
      // What a stream that is over would withhold, nobody would give back.
      stream.paused = stream.receiveOpen
    },
    resume: (stream) => {
      stream.paused = false
      if (stream.withheld > 0) giveBackFor(stream, release(stream))
    },
    forget: (stream) => giveBack(release(stream)),
  }
}
