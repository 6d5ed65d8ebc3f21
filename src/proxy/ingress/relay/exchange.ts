/** One request: finds an endpoint that takes it, and moves the bytes of both bodies until the answer is complete. */

import type { Plan } from '../decide/plan.ts'
import type { Field } from '../http/fields.ts'
import type { Framing } from '../http/framing.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { type Choice, createAttempts } from './attempts.ts'
import type { RelayContext } from './context.ts'
import type { Deadline } from './deadlines.ts'
import type { Lane, LaneUser } from './lane.ts'
import { startCopies } from './mirror.ts'
import { openLane } from './open-lane.ts'
import type { Sink } from './sink.ts'
import type { Timeouts } from './timeouts.ts'

/** The client's side, as an exchange needs it. `finished`, `failed` and `broken` are each the end of the exchange. */
export interface ExchangeClient {
  /** What the connection waits for from now on, and for how long when that is not the usual time. */
  wait(reason: keyof Timeouts, ms?: number): void
  /** Whether all of the request has been read. */
  isRequestRead(): boolean
  /** The backend takes (more of) the body now. */
  wantsBody(): void
  /** Everything the client sends from now on is passed on. */
  switched(): void
  finished(): void
  /** Nothing was answered. */
  failed(status: number, why: string): void
  /** The answer was begun and cannot be completed. */
  broken(): void
  /** The backend of a switched connection sends no more. */
  end(): void
}

/** How it went, for logs and metrics. */
export interface Outcome {
  /** 0 while nothing is answered. */
  readonly status: number
  /** Bytes of the answer's body. */
  readonly sent: number
  readonly endpoint: string
  readonly tries: number
}

export interface Exchange {
  start(): void
  /** Whether `send` may be called. */
  takesBody(): boolean
  /** Whether the client has got anything of the final answer. */
  answered(): boolean
  switched(): boolean
  /** A piece of the request's body, its framing checked. */
  send(piece: Buffer): void
  /** The body is complete. */
  finish(trailers: readonly Field[]): void
  clientDrained(): void
  /** The client of a switched connection sends no more. */
  clientEnded(): void
  timedOut(reason: 'connect' | 'response'): void
  /** Nobody waits for the answer any more. */
  abort(): void
  outcome(): Outcome
}

export const createExchange = (first: Plan, client: ExchangeClient, sink: Sink, relay: RelayContext): Exchange => {
  const { request, policy } = first
  const { timeouts } = policy
  const copies = policy.mirrors.length > 0 ? startCopies(first, relay) : undefined
  let plan = first
  let attempts = createAttempts(first, relay)
  let lane: Lane | undefined
  /** The head of the final answer was passed on. */
  let isAnswering = false
  let heard = false
  let bodyBegan = false
  let switched = false
  let isOver = false
  /** Of the last attempt; at first, that there was nobody to ask. */
  let failure = { status: 503, why: 'no ready endpoint', where: `${first.backend}` }
  let backendBlocked = false
  let clientBlocked = false
  let status = 0
  let sentBytes = 0
  let isCopied = false
  let endpoint = ''
  let pause: Deadline | undefined
  let next: (() => void) | undefined

  /** The backend that explains failures is asked without the body, which would be another request to it. */
  const isExplaining = (): boolean => plan !== first

  /** A backend that takes nothing must say something all the same, once the connection is its own. */
  const shorterOf = (send = relay.timeouts.send, read = relay.timeouts.tunnel): number => Math.min(send, read)

  const waitForNext = (): void => {
    if (isOver) return
    const clientsTurn = !heard && !client.isRequestRead() && (bodyBegan || !request.expectsContinue)
    if (backendBlocked) client.wait('send', switched ? shorterOf(timeouts.send, timeouts.read) : timeouts.send)
    else if (clientBlocked) client.wait('send')
    else if (switched) client.wait('tunnel', timeouts.read)
    else if (clientsTurn) client.wait('body')
    else client.wait('response', timeouts.read)
  }

  const over = (then: () => void): void => {
    if (isOver) return
    isOver = true
    attempts.finished()
    if (!isCopied) copies?.abort()
    total?.remove()
    attemptDeadline?.remove()
    pause?.remove()
    then()
  }

  const discard = (): void => {
    const gone = lane
    lane = undefined
    gone?.release(false)
  }

  const giveUp = (): void => {
    if (explain(failure.status, attempts.count() === 0)) return
    over(() => {
      relay.report(`${failure.where}: ${failure.why}`)
      client.failed(failure.status, failure.why)
    })
  }

  const attempt = (): void => {
    const choice = attempts.next()
    if (choice === undefined) giveUp()
    else tryAt(choice)
  }

  const tryAt = (choice: Choice): void => {
    backendBlocked = false
    endpoint = choice.endpoint.key
    const { attempt: ms } = timeouts
    if (ms !== undefined) attemptDeadline?.set(ms)
    lane = openLane(plan, choice, sink, user, relay)
    if (!lane.wasResting) client.wait('connect', timeouts.connect)
    lane.start()
  }

  const lost = (newStatus: number, why: string): void => {
    const failed = lane
    const sent = failed?.sent ?? false
    discard()
    if (sink.begun()) return over(client.broken)
    failure = { status: newStatus, why, where: failed ? `${plan.backend} at ${failed.endpoint.key}` : plan.backend }
    if (failed) attempts.failed(failed.endpoint, failed.wasResting)
    if (!heard && !bodyBegan && attempts.mayRetry(sent, newStatus === 504)) {
      relay.counts.retries++
      afterPause(attempt)
    } else giveUp()
  }

  /** A backend that has just failed gets some time. */
  const afterPause = (action: () => void): void => {
    const ms = policy.retries.backoff
    if (ms === 0) return action()
    attemptDeadline?.clear()
    // Nothing else is waited for meanwhile.
    client.wait('response', ms + relay.timeouts.response)
    pause ??= relay.deadlines.add(() => next?.())
    next = action
    pause.set(ms)
  }

  /** Whether another endpoint is asked because of this status. */
  const isTriedAgain = (head: ResponseHead): boolean => {
    if (!policy.retries.statuses.includes(head.status) || bodyBegan || !attempts.mayRetry(true, false)) return false
    if (lane) attempts.failed(lane.endpoint, false)
    const choice = attempts.next()
    // With nobody else to ask, this answer is the best there is.
    if (choice === undefined) return false
    discard()
    heard = false
    failure = { status: head.status, why: 'the backend answered so', where: plan.backend }
    relay.counts.retries++
    afterPause(() => tryAt(choice))
    return true
  }

  /** Starts over with the backend that explains failures. */
  const explain = (newStatus: number, nobodyAsked = false): boolean => {
    const next = plan.errorPlan?.(newStatus, nobodyAsked)
    if (!next) return false
    discard()
    attempts.finished()
    plan = next
    attempts = createAttempts(next, relay)
    heard = false
    attempt()
    return true
  }

  const begin = (head: ResponseHead, framing: Framing): void => {
    if (!lane) return
    heard = true
    attemptDeadline?.clear()
    if (head.status >= 200 && (isTriedAgain(head) || explain(head.status))) return
    const changes = plan.responseChanges?.(head, lane.endpoint)
    status = head.status
    isAnswering = true
    attempts.answered(lane.endpoint)
    sink.begin(head, framing, changes)
    if (head.status !== 101) return
    switched = true
    sink.flush()
    client.switched()
  }

  const complete = (trailers: readonly Field[]): void => {
    const done = lane
    lane = undefined
    sink.end(trailers)
    over(() => {
      done?.release(client.isRequestRead())
      client.finished()
    })
  }

  const user: LaneUser = {
    ready: () => {
      client.wantsBody()
      if (lane) waitForNext()
    },
    interim: (head) => {
      heard = true
      sink.interim(head)
    },
    head: begin,
    data: (piece) => {
      sentBytes += piece.length
      if (sink.write(piece)) return
      clientBlocked = true
      lane?.pause()
    },
    done: complete,
    settled: () => {
      if (isAnswering) sink.flush()
      waitForNext()
    },
    drained: () => {
      backendBlocked = false
      waitForNext()
      client.wantsBody()
    },
    halfClosed: client.end,
    broke: (error) => {
      relay.fault(`the answer to ${request.method} ${request.host}${request.path}`, error)
      discard()
      over(() => (sink.begun() ? client.broken() : client.failed(500, 'internal error')))
    },
    lost: (why, wrongAnswer) => {
      if (!wrongAnswer) return lost(502, why)
      relay.report(`${plan.backend} at ${lane?.endpoint.key}: wrong answer: ${why}`)
      if (!sink.begun() && explain(502)) return
      discard()
      over(sink.begun() ? client.broken : () => client.failed(502, 'the backend gave a wrong answer'))
    },
  }

  const total = timeouts.request === undefined ? undefined : relay.deadlines.add(() => expired())
  const attemptDeadline =
    timeouts.attempt === undefined ? undefined : relay.deadlines.add(() => lost(504, 'the backend took too long'))
  if (timeouts.request !== undefined) total?.set(timeouts.request)

  const expired = (): void => {
    discard()
    over(sink.begun() ? client.broken : () => client.failed(504, 'the answer took too long'))
  }

  return {
    start: attempt,
    takesBody: () => lane?.sent === true && !backendBlocked,
    answered: sink.begun,
    switched: () => switched,
    send: (piece) => {
      bodyBegan = true
      copies?.send(piece)
      if (lane && !isExplaining() && !lane.send(piece)) backendBlocked = true
      waitForNext()
    },
    finish: (trailers) => {
      isCopied = true
      copies?.finish()
      if (!isExplaining()) lane?.finish(trailers)
    },
    clientDrained: () => {
      if (!clientBlocked) return
      clientBlocked = false
      waitForNext()
      lane?.resume()
    },
    clientEnded: () => lane?.halfClose(),
    timedOut: (reason) => {
      if (reason === 'connect') lost(504, 'no endpoint could be reached in time')
      else lost(504, 'the backend took too long')
    },
    abort: () =>
      over(() => {
        discard()
      }),
    outcome: () => ({ status, sent: sentBytes, endpoint, tries: attempts.count() }),
  }
}
