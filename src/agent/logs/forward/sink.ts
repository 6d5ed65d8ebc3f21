/** Where log records go. */
import type { LogRecord } from './record.ts'

/** The target has looked at the records and will never take them: there is no use in trying again. */
export class Rejected extends Error {
  override readonly name = 'Rejected'
}

/**
 * One target. Nobody sends while another `send` is under way.
 */
export interface LogSink {
  /** What messages and metrics call it: holds no password. */
  readonly name: string
  /**
   * Resolves when the target has all of them, in their order. Rejects with `Rejected`, or with any other error when they may be
   * sent again; the target may have some of them then. Ends soon after `signal` aborts, as far as the kernel lets it.
   */
  send(records: readonly LogRecord[], signal: AbortSignal): Promise<void>
  /** Lets go of connections and files. */
  close(): Promise<void>
}
