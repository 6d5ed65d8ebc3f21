/** What HTTP/2 connections and those who use them say to each other. */
import type { Field } from '../http/fields.ts'

/** A field to be sent; the key is its name in small letters, text is latin1. */
export interface SentField {
  readonly key: string
  readonly value: string
}

/** What the owner of a stream hears. After `aborted`, or the end of both directions, nothing more is called. */
export interface StreamUser {
  /** A head, an interim head (1xx), or trailers. `ends`: nothing follows. */
  fields(fields: readonly Field[], ends: boolean): void
  /** A piece of the body, empty only when it ends. The bytes stay as they are: they may be kept. */
  data(bytes: Buffer, ends: boolean): void
  /** After `write` returned false: go on. */
  drained(): void
  /** Reset by the peer, or the connection is gone. `unprocessed`: the peer did nothing with it, it may be tried again. */
  aborted(why: string, unprocessed: boolean): void
}

/** Calls on a stream that is over do nothing. */
export interface H2Stream {
  readonly id: number
  /** Sends a head, an interim head or, behind all data, trailers. Pseudo fields come first in the list. */
  sendFields(fields: readonly SentField[], ends: boolean): void
  /** Takes the bytes without a copy, so they must stay as they are; false: wait for `drained`. */
  write(bytes: Buffer, ends: boolean): boolean
  /**
   * Ends both directions with RST_STREAM; the user hears nothing more. A server that has answered before the request was
   * complete should do so with NO_ERROR: until then the stream counts as open.
   */
  reset(code: number): void
  /** Gives the peer no more window for this stream. What is in flight still comes. */
  pause(): void
  /** What came since `pause` counts as used up. */
  resume(): void
}

export interface H2Connection {
  /** Takes what the peer sent; may keep parts of the bytes. Never throws for what a peer sends. */
  receive(bytes: Buffer): void
  /** The transport takes more again, after `write` returned false. */
  transportDrained(): void
  /** The transport is gone: every user hears `aborted`. */
  transportClosed(): void
  /** Client role only. Undefined when no stream can be opened now: see `canOpen`. */
  request(fields: readonly SentField[], ends: boolean, user: StreamUser): H2Stream | undefined
  /** No new streams; calls `closed` when what runs is finished. */
  goAway(): void
  readonly openStreams: number
  /** Whether another `request` would succeed now. */
  readonly canOpen: boolean
}

export interface H2Limits {
  /** Streams at a time, in both roles. */
  readonly maxConcurrentStreams: number
  /** Names, values and 32 bytes a field; beyond it a request is answered with 431, an answer is reset. */
  readonly headerListBytes: number
  /** What a peer may send on one stream before it has to wait; at least the 65,535 that it may send unasked. */
  readonly streamWindow: number
  /** The same for the whole connection. Paused streams hold on to their part. */
  readonly connectionWindow: number
  /** Streams that a client may reset, or have reset by its mistakes; five times as many in a burst. */
  readonly resetsPerSecond: number
  /** Frames that cost work and bring nothing; ten times as many in a burst, more beside useful ones. */
  readonly controlFramesPerSecond: number
}

export interface H2Options {
  readonly role: 'server' | 'client'
  /** Towards the peer; false: the transport wants a pause. Must not call back into the connection. */
  readonly write: (bytes: Buffer) => boolean
  /**
   * Server role: a new request. Returns who hears of it. The fields are right as HPACK, their meaning is unchecked: see
   * `readH2Request`.
   */
  readonly onStream?: (stream: H2Stream, fields: readonly Field[], ends: boolean) => StreamUser
  /**
   * The connection is of no use any more; called once. Close the transport after what was written is out. `error` is
   * undefined after a graceful end.
   */
  readonly closed: (error: string | undefined) => void
  readonly limits?: Partial<H2Limits>
  /** Milliseconds, for the limits per second. */
  readonly now?: () => number
  /** When to write what was sent outside of `receive`: the later, the more goes out in one piece. */
  readonly defer?: (flush: () => void) => void
}
