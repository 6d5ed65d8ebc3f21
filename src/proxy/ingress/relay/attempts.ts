/** Which endpoint gets a request, and which one next when that fails. */
import type { RequestHead } from '../http/request-head.ts'
import { isIdempotent } from '../http/request-text.ts'
import type { Endpoint } from '../routes/endpoints.ts'
import type { BackendKey } from '../routes/model.ts'
import type { Balancer } from './balancer.ts'

export interface Choice {
  readonly endpoint: Endpoint
  /** How long a connection may have rested to be used for this. */
  readonly maxRestMs: number
}

export interface Attempts {
  /** Undefined when there is nobody left to ask. */
  next(): Choice | undefined
  /** The connection was lost without an answer. */
  failed(endpoint: Endpoint, wasResting: boolean): void
  /** Whether `next` may be asked after a failure; `sent` when the backend may have seen the request. */
  mayRetry(sent: boolean): boolean
}

const maxAttempts = 3

/**
 * A backend may close a connection it thinks idle at the moment a request arrives. A request that cannot be repeated
 * takes only one that was in use this short a while ago, or a new one.
 */
const hotMs = 1_000

const neverRested = -1

/** A request may be repeated when it was not sent, or when doing it twice does no harm and it has no body. */
export const createAttempts = (request: RequestHead, backend: BackendKey, balancer: Balancer): Attempts => {
  const repeatable = isIdempotent(request.method) && request.body === 0
  const tried: Endpoint[] = []
  let count = 0
  return {
    next: () => {
      const endpoint = balancer.pick(backend, tried)
      if (endpoint === undefined) return undefined
      const maxRestMs = repeatable ? Number.POSITIVE_INFINITY : hotMs
      return { endpoint, maxRestMs: count++ === 0 ? maxRestMs : neverRested }
    },
    failed: (endpoint, wasResting) => {
      // That a resting connection is gone says nothing about the endpoint.
      if (!wasResting) tried.push(endpoint)
    },
    mayRetry: (sent) => count < maxAttempts && (!sent || repeatable),
  }
}
