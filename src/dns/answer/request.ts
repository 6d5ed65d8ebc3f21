/** What handlers work on. */
import type { Query } from '../wire/query.ts'

export interface Request {
  readonly query: Query
  /** The packet, as it came. */
  readonly message: Buffer
  /** The client's address. */
  readonly client: string
  readonly overTcp: boolean
  /** How long the answer may be. */
  readonly limit: number
}

/** An answer now or later; undefined: none at all. */
export type Reply = Buffer | undefined | Promise<Buffer | undefined>

/** Answers, or leaves it to `next`. */
export type Handler = (request: Request, next: () => Reply) => Reply
