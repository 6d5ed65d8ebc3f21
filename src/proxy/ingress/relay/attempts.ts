/** Which endpoint gets a request, and which one next when that fails. */
import type { Clock } from '../../../api/clock.ts'
import type { Balancer } from '../balance/balancer.ts'
import type { Plan } from '../decide/plan.ts'
import { isIdempotent } from '../http/request-text.ts'
import type { Endpoint } from '../routes/endpoints.ts'

export interface Choice {
  readonly endpoint: Endpoint
  /** How long a connection may have rested to be used for this. */
  readonly maxRestMs: number
}

export interface Attempts {
  /** Undefined when there is nobody left to ask. */
  next(): Choice | undefined
  /** The connection was lost without an answer, or the answer was none. */
  failed(endpoint: Endpoint, wasResting: boolean): void
  /** It lives. */
  answered(endpoint: Endpoint): void
  /** The request is over, one way or another. */
  finished(): void
  /** Whether `next` may be asked after a failure; `sent` when the backend may have seen the request. */
  mayRetry(sent: boolean, timedOut: boolean): boolean
  count(): number
}

/**
 * A backend may close a connection it thinks idle at the moment a request arrives. A request that cannot be repeated
 * takes only one that was in use this short a while ago, or a new one.
 */
const hotMs = 1_000

const neverRested = -1

/** A request may be repeated when it was not sent, or when doing it twice does no harm and it has no body. */
export const createAttempts = (
  { request, policy, backend, pickBy }: Pick<Plan, 'request' | 'policy' | 'backend' | 'pickBy'>,
  relay: { readonly balancer: Balancer; readonly clock: Pick<Clock, 'now'> },
): Attempts => {
  const { balancer, clock } = relay
  const { retries } = policy
  const repeatable = (isIdempotent(request.method) || retries.nonIdempotent) && request.body === 0
  const tried: Endpoint[] = []
  const until = retries.within > 0 ? clock.now() + retries.within : Number.POSITIVE_INFINITY
  let count = 0
  let asked: Endpoint | undefined

  const finished = (): void => {
    if (asked) balancer.finished(backend, asked)
    asked = undefined
  }
  return {
    next: () => {
      finished()
      const endpoint = balancer.pick(backend, tried, pickBy)
      if (endpoint === undefined) return undefined
      asked = endpoint
      if (retries.tries === 0 && tried.includes(endpoint)) return void finished()
      const maxRestMs = repeatable ? Number.POSITIVE_INFINITY : hotMs
      return { endpoint, maxRestMs: count++ === 0 ? maxRestMs : neverRested }
    },
    failed: (endpoint, wasResting) => {
      // That a resting connection is gone says nothing about the endpoint.
      if (wasResting) return
      // One request that no try helps is no proof against an endpoint that others use as well.
      if (!tried.includes(endpoint)) balancer.failed(endpoint)
      tried.push(endpoint)
    },
    answered: (endpoint) => balancer.answered(endpoint),
    finished,
    mayRetry: (sent, timedOut) =>
      (retries.tries === 0 || count < retries.tries) &&
      clock.now() < until &&
      (!timedOut || retries.timeout) &&
      (!sent || repeatable),
    count: () => count,
  }
}
