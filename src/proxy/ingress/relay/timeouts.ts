/** How long the relay waits for what. Milliseconds; the defaults are those users know from nginx. */
export interface Timeouts {
  /** An idle client connection is closed. */
  readonly keepAlive: number
  /** From the first byte of a head to its last; then 408. */
  readonly head: number
  /** Between two reads of a request body; then 408. */
  readonly body: number
  /** For a backend to accept a connection; then another one is tried, at last 504. */
  readonly connect: number
  /** Between two reads from a backend; then 504, or the end when the answer had begun. */
  readonly response: number
  /** For a client or a backend to take more bytes; then the end. */
  readonly send: number
  /** An upgraded connection on which nobody says anything, where no time between two reads is set for its route. */
  readonly tunnel: number
  /** After a last answer, for the client to stop sending. */
  readonly linger: number
  /** An idle connection to a backend is closed. */
  readonly upstreamIdle: number
  /** After the order to stop, for what runs to end. */
  readonly drain: number
}

/**
 * After the order to stop, for the first request of a connection: who has just come knows nothing of it, and would take the
 * end of a connection that has served nobody for a failure.
 */
export const firstRequestMs = 1_000

export const defaultTimeouts: Timeouts = {
  keepAlive: 75_000,
  head: 60_000,
  body: 60_000,
  connect: 5_000,
  response: 60_000,
  send: 60_000,
  tunnel: 3_600_000,
  linger: 5_000,
  upstreamIdle: 60_000,
  drain: 30_000,
}
