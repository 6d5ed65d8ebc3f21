/** What handlers work on. */
import type { Query } from '../wire/query.ts'
import type { NamedRecord } from '../wire/response.ts'

export interface Request {
  readonly query: Query
  /** The client's address. */
  readonly client: string
  readonly overTcp: boolean
  /** How long the answer may be. */
  readonly limit: number
  /**
   * What all handlers together say of another name, on behalf of the same client: where an alias leads. A name that leads
   * back to itself, or on and on, is a failure.
   */
  readonly resolve: (name: string, type: number) => Resolved | Promise<Resolved>
}

/** What is known of a name. */
export interface Resolved {
  readonly rcode: number
  /** With the aliases on the way. */
  readonly answers: readonly NamedRecord[]
  readonly authority: readonly NamedRecord[]
}

/** An answer now or later; undefined: none at all. */
export type Reply = Buffer | undefined | Promise<Buffer | undefined>

/** Answers, or leaves it to `next`. */
export type Handler = (request: Request, next: () => Reply) => Reply
