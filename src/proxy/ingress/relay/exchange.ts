/** One request: finds a backend that takes it, and moves the bytes of both bodies until the answer is complete. */
import { isRefusal } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import type { BackendKey } from '../routes/model.ts'
import { createAnswer } from './answer.ts'
import { createAttempts } from './attempts.ts'
import type { RelayContext } from './context.ts'
import { createHeadedWriter } from './headed-writer.ts'
import type { Timeouts } from './timeouts.ts'
import { abandon, finishWriting, type Upstream, type UpstreamUser } from './upstream.ts'

/** The client's side, as an exchange needs it. `finished`, `failed` and `broken` are each the end of the exchange. */
export interface ExchangeClient {
  /** False: nothing more until `clientDrained`. */
  write(data: string | Buffer): boolean
  /** What the connection waits for from now on. */
  wait(reason: keyof Timeouts): void
  /** Whether all of the request has been read. */
  isRequestRead(): boolean
  /** Whether the connection can serve another request after this one. */
  mayKeepAlive(): boolean
  /** The backend takes (more of) the body now. */
  wantsBody(): void
  /** Everything the client sends from now on is passed on. */
  switched(): void
  finished(keepAlive: boolean): void
  /** Nothing was answered. */
  failed(status: number, why: string): void
  /** The answer was begun and cannot be completed. */
  broken(): void
  /** The backend of a switched connection sends no more. */
  end(): void
}

export interface Exchange {
  start(): void
  /** Whether `send` may be called. */
  readonly takesBody: boolean
  /** Whether the client has got anything of the final answer. */
  readonly answered: boolean
  readonly switched: boolean
  /** A piece of the request's body, its framing checked. */
  send(piece: Buffer): void
  clientDrained(): void
  /** The client of a switched connection sends no more. */
  clientEnded(): void
  connectTimedOut(): void
  /** Nobody waits for the answer any more. */
  abort(): void
}

/** `text` is the head as the backend gets it. */
export const createExchange = (
  request: RequestHead,
  text: string,
  backend: BackendKey,
  client: ExchangeClient,
  relay: RelayContext,
): Exchange => {
  const attempts = createAttempts(request, backend, relay.balancer)
  let upstream: Upstream | undefined
  /** Whether the backend of the moment may have seen the request. */
  let sent = false
  let bodyBegan = false
  /** Of the last attempt; at first, that there was nobody to ask. */
  let failure = { status: 503, why: 'no ready endpoint', where: `${backend}` }
  let backendBlocked = false
  let clientBlocked = false

  const writer = createHeadedWriter((data) => {
    if (upstream === undefined) return true
    return typeof data === 'string' ? upstream.socket.write(data, 'latin1') : upstream.socket.write(data)
  })
  const answer = createAnswer({
    request,
    limits: relay.limits,
    date: relay.date,
    mayKeepAlive: client.mayKeepAlive,
    write: (data) => {
      if (client.write(data)) return true
      clientBlocked = true
      upstream?.socket.pause()
      return false
    },
  })

  const waitForNext = (): void => {
    const clientsTurn = !answer.heard && !client.isRequestRead() && (bodyBegan || !request.expectsContinue)
    if (clientBlocked || backendBlocked) client.wait('send')
    else if (answer.switched) client.wait('tunnel')
    else client.wait(clientsTurn ? 'body' : 'response')
  }

  const discard = (): void => {
    if (upstream) abandon(upstream)
    upstream = undefined
  }

  const giveUp = (): void => {
    relay.report(`${failure.where}: ${failure.why}`)
    client.failed(failure.status, failure.why)
  }

  const attempt = (): void => {
    const choice = attempts.next()
    if (choice === undefined) return giveUp()
    sent = false
    backendBlocked = false
    upstream = relay.pool.take(choice.endpoint, user, choice.maxRestMs)
    if (upstream.used) sendHead()
    else client.wait('connect')
  }

  const sendHead = (): void => {
    sent = true
    writer.head(text)
    client.wantsBody()
    if (!writer.flush()) backendBlocked = true
    if (upstream) waitForNext()
  }

  const lost = (status: number, why: string): void => {
    const failed = upstream
    discard()
    if (answer.written) return client.broken()
    failure = { status, why, where: failed ? `${backend} at ${failed.endpoint.key}` : backend }
    if (failed) attempts.failed(failed.endpoint, failed.used)
    if (!answer.heard && !bodyBegan && attempts.mayRetry(sent)) attempt()
    else giveUp()
  }

  const complete = (): void => {
    const done = upstream
    if (done === undefined || answer.restMs === 0 || !client.isRequestRead()) discard()
    else {
      upstream = undefined
      if (clientBlocked) done.socket.resume()
      relay.pool.release(done, answer.restMs)
    }
    client.finished(answer.keepAlive)
  }

  const read = (bytes: Buffer): void => {
    const wasSwitched = answer.switched
    answer.read(bytes)
    if (answer.switched && !wasSwitched) client.switched()
    if (answer.done) complete()
    else waitForNext()
  }

  const misread = (problem: string): void => {
    relay.report(`${backend} at ${upstream?.endpoint.key}: wrong answer: ${problem}`)
    discard()
    if (answer.written) client.broken()
    else client.failed(502, 'the backend gave a wrong answer')
  }

  const user: UpstreamUser = {
    connected: sendHead,
    data: (bytes) => {
      try {
        read(bytes)
      } catch (error) {
        if (!isRefusal(error)) throw error
        misread(error.message)
      }
    },
    ended: () => {
      if (answer.switched) client.end()
      else if (answer.endsWithConnection) complete()
      else lost(502, 'the backend closed the connection')
    },
    drained: () => {
      backendBlocked = false
      waitForNext()
      client.wantsBody()
    },
    closed: () => {
      if (answer.switched) client.finished(false)
      else lost(502, sent ? 'the backend closed the connection' : 'no endpoint could be reached')
    },
  }

  return {
    start: attempt,
    get takesBody() {
      return sent && !backendBlocked && upstream !== undefined
    },
    get answered() {
      return answer.written
    },
    get switched() {
      return answer.switched
    },
    send: (piece) => {
      bodyBegan = true
      if (!writer.write(piece)) backendBlocked = true
      waitForNext()
    },
    clientDrained: () => {
      if (!clientBlocked) return
      clientBlocked = false
      waitForNext()
      upstream?.socket.resume()
    },
    clientEnded: () => {
      upstream?.socket.end()
    },
    connectTimedOut: () => lost(504, 'no endpoint could be reached in time'),
    abort: () => {
      if (answer.switched && upstream) finishWriting(upstream, relay.timeouts.send)
      else discard()
    },
  }
}
