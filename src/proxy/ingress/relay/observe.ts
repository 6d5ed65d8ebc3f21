/** What is told of each request when it is over. */
import type { RequestHead } from '../http/request-head.ts'
import type { Via } from '../http/request-text.ts'
import type { Origin } from '../routes/rule.ts'

export interface Observed {
  /** Undefined when no route knew it. */
  readonly origin: Origin | undefined
  readonly request: RequestHead
  readonly via: Via
  /** Whether its route is logged. */
  readonly logged: boolean
  readonly status: number
  /** Bytes of the answer's body. */
  readonly sent: number
  /** Milliseconds from the head of the request to the end of the answer. */
  readonly duration: number
  /** `address:port` of who answered, empty when nobody was asked. */
  readonly endpoint: string
  readonly tries: number
}

export type Observe = (observed: Observed) => void
