/** One connection of a client: takes its requests one after another and answers them in order. */
import type { Socket } from 'node:net'
import { type BodyReader, createBodyReader, endlessBody, noBody } from '../http/body.ts'
import { emptyLineLength, headLength, refuseEarly } from '../http/head-end.ts'
import { isRefusal } from '../http/refusal.ts'
import { parseRequestHead, type RequestHead } from '../http/request-head.ts'
import { checkRequestTrailer, requestText, type Via, viaFields } from '../http/request-text.ts'
import { replyText } from '../http/response-text.ts'
import { match } from '../routes/match.ts'
import type { RelayContext } from './context.ts'
import { createExchange, type Exchange, type ExchangeClient } from './exchange.ts'
import type { Timeouts } from './timeouts.ts'

export interface ClientConnection {
  /** Ends after what runs; at once when nothing does. */
  drain(): void
  destroy(): void
}

/** Serves a fresh connection until it ends; then `onClosed` is called. */
export const serveClient = (socket: Socket, via: Via, relay: RelayContext, onClosed: () => void): ClientConnection => {
  const constantFields = viaFields(via)
  const bodyOptions = { decode: false, maxTrailerBytes: relay.limits.trailerBytes, checkTrailer: checkRequestTrailer }
  /** What was read and belongs to nobody yet. */
  let pending: Buffer | undefined
  /** Of `pending`, how much was searched for the end of a head. */
  let searched = 0
  let waitsFor: keyof Timeouts = 'keepAlive'
  let request: RequestHead | undefined
  let body: BodyReader = noBody
  let exchange: Exchange | undefined
  let ended = false
  let closing = false
  let pumping = false

  const wait = (reason: keyof Timeouts): void => {
    waitsFor = reason
    deadline.set(relay.timeouts[reason])
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
    exchange = undefined
    request = undefined
    if (!keepAlive) return linger()
    wait(socket.writableNeedDrain ? 'send' : 'keepAlive')
    pump()
  }

  const mayKeepAlive = (): boolean =>
    (request?.keepAlive ?? false) && body.done && !relay.draining && !ended && !closing

  /** Answers in the place of a backend. */
  const reply = (status: number, why: string): void => {
    const keepAlive = mayKeepAlive()
    const delivery = { minor: request?.minor ?? 1, framing: 0, keepAlive, date: relay.date() } as const
    socket.write(replyText(status, why, delivery, request?.method !== 'HEAD'), 'latin1')
    next(keepAlive)
  }

  const fail = (status: number, why: string): void => {
    const failed = exchange
    exchange = undefined
    failed?.abort()
    if (failed?.answered) socket.resetAndDestroy()
    else reply(status, why)
  }

  /** Runs what may meet a wrong request, which is the last one of its connection. */
  const guarded = (action: () => boolean): boolean => {
    try {
      return action()
    } catch (error) {
      if (!isRefusal(error)) throw error
      body = endlessBody
      fail(error.status, error.message)
      return false
    }
  }

  const sides: ExchangeClient = {
    write: (data) => (typeof data === 'string' ? socket.write(data, 'latin1') : socket.write(data)),
    wait,
    isRequestRead: () => body.done,
    mayKeepAlive,
    wantsBody: () => {
      guarded(feedBody)
      pump()
    },
    switched: () => {
      body = endlessBody
      pump()
    },
    finished: next,
    failed: reply,
    broken: () => socket.resetAndDestroy(),
    end: () => {
      socket.end()
    },
  }

  const begin = (head: RequestHead): void => {
    request = head
    body = createBodyReader(head.body, bodyOptions)
    const route = match(relay.table, head.host, head.path)
    if (route === undefined) return reply(404, 'no route for this host and path')
    if (route.backend === undefined) return reply(503, 'the backend of this route cannot be served')
    const text = requestText(head, via, constantFields, relay.newRequestId)
    exchange = createExchange(head, text, route.backend, sides, relay)
    exchange.start()
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
    if (pending === undefined || body.done || !exchange?.takesBody) return false
    const bytes = pending
    pending = undefined
    const taken = body.read(bytes, exchange.send)
    if (taken < bytes.length) pending = bytes.subarray(taken)
    return true
  }

  /** Makes one step with what is pending; false when it has to wait. */
  const step = (): boolean => {
    if (closing || pending === undefined) return false
    if (exchange !== undefined) return feedBody()
    return !socket.writableNeedDrain && readHead(pending)
  }

  /** Does all that can be done, then reads on only if what comes next has somewhere to go. */
  const pump = (): void => {
    if (pumping || socket.destroyed) return
    pumping = true
    while (guarded(step));
    pumping = false
    const stuck = pending !== undefined && (exchange !== undefined || socket.writableNeedDrain)
    if (stuck) socket.pause()
    else if (socket.isPaused()) socket.resume()
    if (ended && !stuck && exchange === undefined) linger()
  }

  const expired = (): void => {
    if (waitsFor === 'keepAlive') linger()
    else if (waitsFor === 'head') fail(408, 'the head of the request took too long')
    else if (waitsFor === 'body') fail(408, 'the body of the request took too long')
    else if (waitsFor === 'connect') exchange?.connectTimedOut()
    else if (waitsFor === 'response') fail(504, 'the backend took too long')
    else socket.destroy()
  }
  const deadline = relay.deadlines.add(expired)
  wait('keepAlive')

  socket.on('data', (bytes) => {
    if (closing) return
    pending = pending === undefined ? bytes : Buffer.concat([pending, bytes])
    pump()
  })
  socket.on('drain', () => {
    if (exchange !== undefined) exchange.clientDrained()
    else if (!closing) wait('keepAlive')
    pump()
  })
  socket.on('end', () => {
    ended = true
    if (exchange?.switched) exchange.clientEnded()
    else if (exchange !== undefined && !body.done) socket.destroy()
    else pump()
  })
  // Every error is followed by 'close', where it is dealt with.
  socket.on('error', () => {})
  socket.on('close', () => {
    exchange?.abort()
    deadline.remove()
    onClosed()
  })

  return {
    drain: () => {
      if (exchange === undefined && pending === undefined) linger()
    },
    destroy: () => socket.destroy(),
  }
}
