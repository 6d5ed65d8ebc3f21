/** Sends what streams have, as far as the peer's windows and the transport allow (RFC 9113 section 6.9). */
import { frameBytes, initialWindow } from './frames.ts'
import type { Output } from './output.ts'
import type { SentField } from './seam.ts'
import { fitsWindow, type StreamState } from './stream.ts'

export interface Sender {
  /** Returns false when the stream's user should wait. */
  write(stream: StreamState, bytes: Buffer, ends: boolean): boolean
  fields(stream: StreamState, fields: readonly SentField[], ends: boolean): void
  /** Widens the window of the connection. False: beyond what a window can be. */
  widen(increment: number): boolean
  /** Sends what a wider window of the stream allows. */
  resume(stream: StreamState): void
  /** Sends what the transport takes, of each stream in turn. */
  resumeAll(): void
  /** Drops what the stream has not sent. */
  forget(stream: StreamState): void
}

/** A user who has more than this unsent should wait, until half of it is left. */
const fullBytes = 64 * 1024

/** `sent` is called when a stream has ended its direction; `framed` for each DATA frame. */
export const createSender = (output: Output, sent: (stream: StreamState) => void, framed: () => void): Sender => {
  let window = initialWindow
  /** Streams that have something queued, the one whose turn it is first. */
  const waiting = new Set<StreamState>()

  const ended = (stream: StreamState): void => {
    stream.sendOpen = false
    sent(stream)
  }

  const sendData = (stream: StreamState, bytes: Buffer, from: number, to: number, ends: boolean): void => {
    window -= to - from
    stream.sendWindow -= to - from
    output.data(stream.id, bytes, from, to, ends)
    framed()
  }

  const mayWrite = (stream: StreamState): boolean =>
    stream.sendOpen && !stream.queueEnds && stream.trailers === undefined

  const mayDrain = (stream: StreamState): void => {
    if (!stream.wantsDrained || stream.queued > fullBytes / 2) return
    stream.wantsDrained = false
    if (mayWrite(stream)) stream.user?.drained()
  }

  /** Behind the last data. */
  const finish = (stream: StreamState): void => {
    waiting.delete(stream)
    if (stream.trailers !== undefined) output.headers(stream.id, stream.trailers, true)
    if (stream.trailers !== undefined || stream.queueEnds) ended(stream)
  }

  /** Sends one frame of what is queued. */
  const sendOne = (stream: StreamState, room: number): void => {
    const [bytes] = stream.queue
    if (bytes === undefined) return
    const length = Math.min(bytes.length, room, frameBytes)
    if (length === bytes.length) stream.queue.shift()
    else stream.queue[0] = bytes.subarray(length)
    stream.queued -= length
    sendData(stream, bytes, 0, length, stream.queued === 0 && stream.queueEnds)
    if (stream.queued === 0) finish(stream)
    mayDrain(stream)
  }

  const resume = (stream: StreamState): void => {
    while (stream.queued > 0 && output.ready) {
      const room = Math.min(window, stream.sendWindow)
      if (room <= 0) return
      sendOne(stream, room)
    }
  }

  /** Sends at once what may be sent; returns how much that was. */
  const sendNow = (stream: StreamState, bytes: Buffer, ends: boolean): number => {
    let from = 0
    while (from < bytes.length && output.ready) {
      const to = from + Math.min(bytes.length - from, frameBytes, window, stream.sendWindow)
      if (to <= from) break
      sendData(stream, bytes, from, to, ends && to === bytes.length)
      from = to
    }
    return from
  }

  const enqueue = (stream: StreamState, bytes: Buffer, ends: boolean): void => {
    stream.queueEnds = ends
    if (bytes.length === 0) return
    stream.queue.push(bytes)
    stream.queued += bytes.length
    waiting.add(stream)
  }

  /** An empty last frame needs no window. */
  const writeEmpty = (stream: StreamState, bytes: Buffer, ends: boolean): void => {
    if (!ends) return
    if (stream.queued > 0) return enqueue(stream, bytes, ends)
    sendData(stream, bytes, 0, 0, true)
    ended(stream)
  }

  const writeSome = (stream: StreamState, bytes: Buffer, ends: boolean): void => {
    const from = stream.queued > 0 ? 0 : sendNow(stream, bytes, ends)
    if (from < bytes.length) enqueue(stream, from === 0 ? bytes : bytes.subarray(from), ends)
    else if (ends) ended(stream)
  }

  return {
    write: (stream, bytes, ends) => {
      if (!mayWrite(stream)) return true
      if (bytes.length === 0) writeEmpty(stream, bytes, ends)
      else writeSome(stream, bytes, ends)
      stream.wantsDrained = stream.queued > fullBytes
      return !stream.wantsDrained
    },
    fields: (stream, fields, ends) => {
      if (!mayWrite(stream)) return
      if (stream.queued > 0) {
        // Only trailers can stand behind data.
        stream.trailers = fields
        return
      }
      output.headers(stream.id, fields, ends)
      if (ends) ended(stream)
    },
    widen: (increment) => {
      if (!fitsWindow(window, increment)) return false
      window += increment
      return true
    },
    resume,
    resumeAll: () => {
      // Who sent a frame goes to the end of the set, where this loop meets it again.
      for (const stream of waiting) {
        if (window <= 0 || !output.ready) return
        const room = Math.min(window, stream.sendWindow)
        if (room <= 0) continue
        sendOne(stream, room)
        if (waiting.delete(stream)) waiting.add(stream)
      }
    },
    forget: (stream) => {
      if (stream.queued === 0) return
      waiting.delete(stream)
      stream.queue.length = 0
      stream.queued = 0
    },
  }
}
