/** What is known of a client's connection from its start. */
import type { ClientProof } from '../decide/asking.ts'
import type { Via } from '../http/request-text.ts'
import type { RouteTable } from '../routes/match.ts'

export interface Connection {
  readonly via: Via
  /** `viaFields` of `via`. */
  readonly viaText: string
  /** The routes of the entry it came in by; looked at anew by each request. */
  readonly table: RouteTable
  /** The word of the peer on where a request came from is taken. */
  readonly trusted: boolean
  readonly proof: ClientProof | undefined
  /** Whether it was made for another host, so that the client should make one for this. */
  misdirects(host: string): boolean
}
