/** One HTTP/1.x connection of a client: takes its requests one after another and answers them in order. */
import type { Socket } from 'node:net'
import type { Plan } from '../decide/plan.ts'
import { type BodyReader, createBodyReader, endlessBody, noBody } from '../http/body.ts'
import type { Changes } from '../http/changes.ts'
import type { Field } from '../http/fields.ts'
import { emptyLineLength, headLength, refuseEarly } from '../http/head-end.ts'
import { isRefusal, Refusal } from '../http/refusal.ts'
import { parseRequestHead, type RequestHead } from '../http/request-head.ts'
import { checkRequestTrailer } from '../http/request-text.ts'
import { plainReply, type Reply, replyText } from '../http/response-text.ts'
import type { Connection } from './connection.ts'
import type { RelayContext } from './context.ts'
import { createExchange, type Exchange, type ExchangeClient } from './exchange.ts'
import { createGuard } from './guard.ts'
import { createH1Sink, type H1Sink } from './h1-sink.ts'
import { createRequest, type RunningRequest } from './request.ts'
import { firstRequestMs, type Timeouts } from './timeouts.ts'

export interface ClientConnection {
  /** Ends after what runs; at once when nothing does, and was asked for at least once. */
  drain(): void
  destroy(): void
}

/** Serves a fresh connection until it ends; then `onClosed` is called. */
export const serveClient = (
  socket: Socket,
  connection: Connection,
  relay: RelayContext,
  onClosed: () => void,
): ClientConnection => {
  /** What was read and belongs to nobody yet. */
  let pending: Buffer | undefined
  /** Of `pending`, how much was searched for the end of a head. */
  let searched = 0
  let hasAsked = false
  let waitsFor: keyof Timeouts = 'keepAlive'
  let running: RunningRequest | undefined
  let request: RequestHead | undefined
  let body: BodyReader = noBody
  /** Told of a body whose framing is taken away. */
  let trailers: readonly Field[] = []
  /** Of the request's fields. */
  let changes: Changes | undefined
  let maxBodyBytes = 0
  let exchange: Exchange | undefined
  let sink: H1Sink | undefined
  let ended = false
  let closing = false
  let pumping = false

  const wait = (reason: keyof Timeouts, ms?: number): void => {
    waitsFor = reason
    deadline.set(ms ?? relay.timeouts[reason])
  }

  /** Ends once all is written, then listens for a while so that the last answer is not lost to a reset. */
  const linger = (): void => {
    if (closing) return
    closing = true
    pending = undefined
    wait('send')
    socket.end(() => wait('linger'))
    socket.resume()
  }

  const next = (keepAlive: boolean): void => {
    const over = running
    const outcome = exchange?.outcome()
    running = undefined
    exchange = undefined
    request = undefined
    over?.ended(outcome)
    if (!keepAlive) return linger()
    wait(socket.writableNeedDrain ? 'send' : 'keepAlive')
    pump()
  }

  const mayKeepAlive = (): boolean =>
    (request?.keepAlive ?? false) && body.done && !relay.draining && !ended && !closing

  /** Answers in the place of a backend. */
  const answer = (reply: Reply): void => {
    const keepAlive = mayKeepAlive()
    const delivery = { minor: request?.minor ?? 1, framing: 0, keepAlive, date: relay.date() } as const
    const told = running?.answers(reply) ?? reply
    exchange = undefined
    socket.write(replyText(told, delivery, request?.method !== 'HEAD'), 'latin1')
    next(keepAlive)
  }
  const reply = (status: number, why: string): void => answer(plainReply(status, why))

  const fail = (status: number, why: string): void => {
    const failed = exchange
    failed?.abort()
    if (failed?.answered()) socket.resetAndDestroy()
    else reply(status, why)
  }

  /** By a mistake of ours. Where something was answered already, nobody could tell one answer from the other. */
  const breakOff = (error: unknown): void => {
    relay.fault(request ? `${request.method} ${request.host}${request.path}` : 'a request', error)
    body = endlessBody
    if (running === undefined || exchange?.answered()) return void socket.destroy()
    fail(500, 'internal error')
  }

  /** Runs what may meet a wrong request, which is the last one of its connection. */
  const guarded = (action: () => boolean): boolean => {
    try {
      return action()
    } catch (error) {
      body = endlessBody
      if (isRefusal(error)) fail(error.status, error.message)
      else breakOff(error)
      return false
    }
  }

  const sides: ExchangeClient = {
    wait,
    isRequestRead: () => body.done,
    wantsBody: () => {
      guarded(feedBody)
      pump()
    },
    switched: () => {
      body = endlessBody
      pump()
    },
    finished: () => next(sink?.keepAlive ?? false),
    failed: reply,
    broken: () => socket.resetAndDestroy(),
    end: () => {
      socket.end()
    },
  }

  const forward = (head: RequestHead, plan: Plan): void => {
    maxBodyBytes = plan.policy.maxBodyBytes
    if (maxBodyBytes > 0 && head.body !== 'chunked' && head.body > maxBodyBytes) {
      body = endlessBody
      return reply(413, 'the body is larger than this route takes')
    }
    sink = createH1Sink({ minor: head.minor, date: relay.date, mayKeepAlive, write: writeToClient })
    exchange = createExchange(plan, sides, sink, relay)
    exchange.start()
  }

  const writeToClient = (data: string | Buffer): boolean =>
    typeof data === 'string' ? socket.write(data, 'latin1') : socket.write(data)

  const begin = (head: RequestHead): void => {
    request = head
    hasAsked = true
    const bodyOptions = {
      maxTrailerBytes: relay.limits.trailerBytes,
      checkTrailer: (field: Field) => checkRequestTrailer(field, changes),
      onTrailer: (fields: readonly Field[]) => {
        trailers = fields
      },
    }
    trailers = []
    changes = undefined
    // Chosen before anything of the body is read: whether its framing is of use is up to the backend.
    const prepareBody = (decode: boolean): void => {
      body = createBodyReader(head.body, { ...bodyOptions, decode })
    }
    prepareBody(false)
    running = createRequest(head, connection, relay, {
      reply: answer,
      forward: (plan) => {
        changes = plan.outgoing.changes
        if (plan.content) prepareBody(true)
        forward(head, plan)
      },
      refused: (status, why) => {
        body = endlessBody
        reply(status, why)
      },
      broke: breakOff,
      waits: () => wait('response'),
    })
    running.begin()
  }

  const readHead = (received: Buffer): boolean => {
    const bytes = searched === 0 ? received.subarray(emptyLineLength(received)) : received
    pending = bytes.length > 0 ? bytes : undefined
    if (pending === undefined) return false
    const length = headLength(bytes, searched, relay.limits.headBytes)
    if (length === 0) return waitForHead(bytes)
    pending = length < bytes.length ? bytes.subarray(length) : undefined
    searched = 0
    begin(parseRequestHead(bytes.toString('latin1', 0, length), relay.limits))
    return true
  }

  const waitForHead = (bytes: Buffer): false => {
    refuseEarly(bytes, relay.limits)
    // A lone CR may still become the empty line before a request.
    searched = bytes.length > 1 ? bytes.length : 0
    if (waitsFor !== 'head') wait('head')
    return false
  }

  /** Passes on what is there of the body, if the backend takes it. */
  const feedBody = (): boolean => {
    if (pending === undefined || body.done || !exchange?.takesBody()) return false
    const bytes = pending
    pending = undefined
    const taken = body.read(bytes, exchange.send)
    if (taken < bytes.length) pending = bytes.subarray(taken)
    if (maxBodyBytes > 0 && body.length > maxBodyBytes)
      throw new Refusal(413, 'the body is larger than this route takes')
    if (body.done) exchange?.finish(trailers)
    return true
  }

  /** Makes one step with what is pending; false when it has to wait. */
  const step = (): boolean => {
    if (closing || pending === undefined) return false
    if (running !== undefined) return feedBody()
    return !socket.writableNeedDrain && readHead(pending)
  }

  /** Does all that can be done, then reads on only if what comes next has somewhere to go. */
  const pump = (): void => {
    if (pumping || socket.destroyed) return
    pumping = true
    try {
      while (guarded(step));
    } finally {
      pumping = false
    }
    const stuck = pending !== undefined && (running !== undefined || socket.writableNeedDrain)
    if (stuck) socket.pause()
    else if (socket.isPaused()) socket.resume()
    if (ended && !stuck && running === undefined) linger()
  }

  const expired = (): void => {
    if (waitsFor === 'keepAlive') linger()
    else if (waitsFor === 'head') fail(408, 'the head of the request took too long')
    else if (waitsFor === 'body') fail(408, 'the body of the request took too long')
    else if (exchange && !exchange.answered() && (waitsFor === 'connect' || waitsFor === 'response'))
      exchange.timedOut(waitsFor)
    else if (waitsFor === 'response') fail(504, 'the backend took too long')
    else socket.destroy()
  }
  const guard = createGuard('a connection of a client', relay.fault, () => socket.destroy())
  const deadline = relay.deadlines.add(guard(expired))
  wait('keepAlive')

  const received = (bytes: Buffer): void => {
    if (closing) return
    pending = pending === undefined ? bytes : Buffer.concat([pending, bytes])
    pump()
  }
  const drained = (): void => {
    if (exchange !== undefined) exchange.clientDrained()
    else if (!closing) wait('keepAlive')
    pump()
  }
  const halfClosed = (): void => {
    ended = true
    if (exchange?.switched()) exchange.clientEnded()
    else if (running !== undefined && !body.done) socket.destroy()
    else pump()
  }
  const closed = (): void => {
    deadline.remove()
    onClosed()
    exchange?.abort()
    running?.ended(exchange?.outcome())
  }
  socket.on('data', guard(received))
  socket.on('drain', guard(drained))
  socket.on('end', guard(halfClosed))
  // Every error is followed by 'close', where it is dealt with.
  socket.on('error', () => {})
  socket.on('close', guard(closed))

  return {
    drain: () => {
      if (running !== undefined || pending !== undefined) return
      if (hasAsked) linger()
      else wait('keepAlive', firstRequestMs)
    },
    destroy: () => socket.destroy(),
  }
}
