/** One attempt at one endpoint, whatever HTTP it speaks. */
import type { Field } from '../http/fields.ts'
import type { Framing } from '../http/framing.ts'
import type { ResponseHead } from '../http/response-head.ts'
import type { Endpoint } from '../routes/endpoints.ts'

export interface LaneUser {
  /** The head of the request is on its way; the lane takes the body. */
  ready(): void
  interim(head: ResponseHead): void
  /** The final answer begins. `framing`: how its body comes. */
  head(head: ResponseHead, framing: Framing): void
  data(piece: Buffer): void
  /** The answer is complete. */
  done(trailers: readonly Field[]): void
  /** All that came in one piece has been told. */
  settled(): void
  /** The endpoint takes more. */
  drained(): void
  /** A switched connection: the endpoint sends no more. */
  halfClosed(): void
  /** By a mistake of ours, while an answer was read. */
  broke(error: unknown): void
  /** The attempt has failed: the connection is gone (`wrongAnswer` false) or what came is no right answer. */
  lost(why: string, wrongAnswer: boolean): void
}

export interface Lane {
  readonly endpoint: Endpoint
  /** To be called once: the head goes out as soon as there is a connection. */
  start(): void
  /** Whether the endpoint may have seen the request. */
  readonly sent: boolean
  /** Whether the connection served before: that it is gone says nothing about the endpoint. */
  readonly wasResting: boolean
  /** A piece of the request's body. False: no more until `drained`. */
  send(piece: Buffer): boolean
  /** The request is complete. */
  finish(trailers: readonly Field[]): void
  /** The client takes no more of the answer; it does again. */
  pause(): void
  resume(): void
  /** Nobody listens any more. The connection serves others if it can: only after `done` and with the request read. */
  release(reusable: boolean): void
  /** A switched connection: the client sends no more. What was written still goes out. */
  halfClose(): void
}
