/** What is known of a client's connection from its start. */
import type { ClientProof } from '../decide/asking.ts'
import type { Via } from '../http/request-text.ts'
import type { RouteTable } from '../routes/match.ts'
import type { ServerTls } from '../tls/server-tls.ts'

export interface Connection {
  readonly via: Via
  /** `viaFields` of `via`. */
  readonly viaText: string
  /** The routes of the entry it came in by; looked at anew by each request. */
  readonly table: RouteTable
  /** Of ours, that it came in by. */
  readonly localAddress: string
  /** The word of the peer on where a request came from is taken. */
  readonly trusted: boolean
  readonly proof: ClientProof | undefined
  /** What clients of a host must show at this entry. */
  readonly clientsOf: ServerTls['clientsOf']
  /** Whether it was made for another host, so that the client should make one for this. */
  misdirects(host: string): boolean
}
