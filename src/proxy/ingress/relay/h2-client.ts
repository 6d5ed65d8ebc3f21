/** One HTTP/2 connection of a client: each of its streams is a request of its own. */
import type { Socket } from 'node:net'
import type { Plan } from '../decide/plan.ts'
import { countBody } from '../h2/body-length.ts'
import { createH2Connection } from '../h2/connection.ts'
import { errorCodes } from '../h2/errors.ts'
import { checkTrailers } from '../h2/field-rules.ts'
import { readH2Request } from '../h2/request-head.ts'
import type { H2Connection, H2Stream, StreamUser } from '../h2/seam.ts'
import type { Changes } from '../http/changes.ts'
import type { Field } from '../http/fields.ts'
import { isRefusal } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { checkRequestTrailer } from '../http/request-text.ts'
import { plainReply, type Reply, replyFields } from '../http/response-text.ts'
import type { ClientConnection } from './client.ts'
import type { Connection } from './connection.ts'
import type { RelayContext } from './context.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { createGuard } from './guard.ts'
import { createH2Sink } from './h2-sink.ts'
import { createRequest, type RunningRequest } from './request.ts'
import type { Timeouts } from './timeouts.ts'

const nothing = Buffer.alloc(0)

/** Pieces of a body that wait for a backend; more of them stop the client. */
const mostWaiting = 64 * 1024

const serveStream = (
  stream: H2Stream,
  fields: readonly Field[],
  ends: boolean,
  connection: Connection,
  relay: RelayContext,
  onOver: () => void,
): StreamUser => {
  let isOver = false
  let isRead = ends
  let received = 0
  let maxBodyBytes = 0
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let trailers: readonly Field[] = []
  /** Of the request's fields. */
  let changes: Changes | undefined
  let isFinished = false
  let count: ReturnType<typeof countBody> = () => {}
  let waitsFor: keyof Timeouts = 'response'
  let head: RequestHead | undefined
  let exchange: Exchange | undefined
  let running: RunningRequest | undefined

  const over = (): void => {
    if (isOver) return
    isOver = true
    deadline.remove()
    waiting = []
    onOver()
    running?.ended(exchange?.outcome())
  }

  const reply = (answer: Reply): void => {
    if (isOver) return
    const told = running?.answers(answer) ?? answer
    const body = head?.method === 'HEAD' ? '' : told.body
    stream.sendFields(replyFields(told, relay.date()), body === '')
    if (body !== '') stream.write(Buffer.from(body, 'utf8'), true)
    // What the client still sends is of no interest (RFC 9113 section 8.1).
    if (!isRead) stream.reset(errorCodes.NO_ERROR)
    over()
  }

  const resetBroken = (): void => {
    stream.reset(errorCodes.INTERNAL_ERROR)
    over()
  }
  /** By a mistake of ours: nothing of the other streams. */
  const end = createGuard(
    'the end of a stream',
    relay.fault,
    resetBroken,
  )(() => {
    if (isOver) return
    exchange?.abort()
    if (exchange?.answered()) resetBroken()
    else reply(plainReply(500, 'internal error'))
  })
  const broke = (error: unknown): void => {
    relay.fault(head ? `${head.method} ${head.host}${head.path}` : 'a stream', error)
    end()
  }
  const guard = createGuard('a stream of a client', relay.fault, end)

  const wait = (reason: keyof Timeouts, ms?: number): void => {
    waitsFor = reason
    deadline.set(ms ?? relay.timeouts[reason])
  }
  const expired = (): void => {
    if (exchange && !exchange.answered() && (waitsFor === 'connect' || waitsFor === 'response'))
      return exchange.timedOut(waitsFor)
    exchange?.abort()
    if (waitsFor === 'body' && !exchange?.answered()) return reply(plainReply(408, 'the body took too long'))
    stream.reset(errorCodes.CANCEL)
    over()
  }
  const deadline = relay.deadlines.add(guard(expired))

  /** Gives the backend what has come, as far as it takes it. */
  const feed = (): void => {
    while (waiting.length > 0 && exchange?.takesBody()) {
      const piece = waiting.shift()
      if (!piece) break
      waitingBytes -= piece.length
      exchange.send(piece)
    }
    if (waiting.length === 0 && isRead && !isFinished && exchange?.takesBody() && head?.body !== 0) {
      isFinished = true
      exchange.finish(trailers)
    }
    if (waitingBytes < mostWaiting) stream.resume()
  }

  const sink = createH2Sink(stream, () => head?.method ?? 'GET', relay.date)
  const forward = (plan: Plan): void => {
    maxBodyBytes = plan.policy.maxBodyBytes
    changes = plan.outgoing.changes
    if (maxBodyBytes > 0 && typeof head?.body === 'number' && head.body > maxBodyBytes)
      return reply(plainReply(413, 'the body is larger than this route takes'))
    exchange = createExchange(
      plan,
      {
        wait,
        isRequestRead: () => isRead && waiting.length === 0,
        wantsBody: feed,
        switched: () => stream.reset(errorCodes.INTERNAL_ERROR),
        finished: () => {
          if (!isRead) stream.reset(errorCodes.NO_ERROR)
          over()
        },
        failed: (status, why) => reply(plainReply(status, why)),
        broken: () => {
          stream.reset(errorCodes.INTERNAL_ERROR)
          over()
        },
        end: () => {},
      },
      sink,
      relay,
    )
    exchange.start()
  }

  const begin = (): void => {
    let asked: RequestHead
    try {
      asked = readH2Request(fields, ends, relay.limits)
    } catch (error) {
      if (!isRefusal(error)) throw error
      return reply(plainReply(error.status, error.message))
    }
    head = asked
    count = countBody(asked.body)
    wait(ends ? 'response' : 'body')
    running = createRequest(asked, connection, relay, {
      reply,
      forward,
      refused: (status, why) => reply(plainReply(status, why)),
      broke,
      waits: () => wait('response'),
    })
    running.begin()
  }

  const tooLarge = (): void => {
    exchange?.abort()
    if (!exchange?.answered()) return reply(plainReply(413, 'the body is larger than this route takes'))
    stream.reset(errorCodes.CANCEL)
    over()
  }
  const malformedBody = (): void => {
    exchange?.abort()
    stream.reset(errorCodes.PROTOCOL_ERROR)
    over()
  }

  const read = (bytes: Buffer, last: boolean): void => {
    received += bytes.length
    isRead = last
    if (maxBodyBytes > 0 && received > maxBodyBytes) return tooLarge()
    try {
      count(bytes.length, last)
    } catch (error) {
      if (!isRefusal(error)) throw error
      return malformedBody()
    }
    if (bytes.length > 0) {
      waiting.push(bytes)
      waitingBytes += bytes.length
    }
    if (waitingBytes >= mostWaiting) stream.pause()
    feed()
  }

  const user: StreamUser = {
    fields: guard((more, last) => {
      if (isOver) return
      try {
        checkTrailers(more)
        for (const field of more) checkRequestTrailer(field, changes)
      } catch (error) {
        if (!isRefusal(error)) throw error
        return malformedBody()
      }
      trailers = more
      read(nothing, last)
    }),
    data: guard((bytes, last) => {
      if (!isOver) read(bytes, last)
    }),
    drained: guard(() => exchange?.clientDrained()),
    aborted: guard(() => {
      exchange?.abort()
      over()
    }),
  }
  try {
    begin()
  } catch (error) {
    broke(error)
  }
  return user
}

/** Serves a fresh connection, of which `first` has been read, until it ends; then `onClosed` is called. */
export const serveH2Client = (
  socket: Socket,
  connection: Connection,
  relay: RelayContext,
  onClosed: () => void,
): ClientConnection => {
  let running = 0
  /** Each stream watches its own time: as long as one runs, the connection stays. */
  const wait = (): void => (running === 0 ? deadline.set(relay.timeouts.keepAlive) : deadline.clear())
  const guard = createGuard('a connection of a client', relay.fault, () => socket.destroy())
  const expired = (): void => {
    h2.goAway()
    socket.destroySoon()
  }
  const deadline = relay.deadlines.add(guard(expired))

  const h2: H2Connection = createH2Connection({
    role: 'server',
    limits: { headerListBytes: relay.limits.headBytes },
    // Answers of many backends that come at once go out at once.
    defer: (action) => setImmediate(guard(action)),
    write: (bytes) => socket.write(bytes),
    onStream: (stream, fields, ends) => {
      running++
      wait()
      return serveStream(stream, fields, ends, connection, relay, () => {
        running--
        if (!socket.destroyed) wait()
      })
    },
    closed: () => {
      socket.destroySoon()
    },
  })

  const received = (bytes: Buffer): void => {
    h2.receive(bytes)
    // A client that takes no answers gets no further questions in.
    if (socket.writableNeedDrain) socket.pause()
  }
  const drained = (): void => {
    h2.transportDrained()
    socket.resume()
  }
  const closed = (): void => {
    deadline.remove()
    onClosed()
    h2.transportClosed()
  }
  socket.on('data', guard(received))
  socket.on('drain', guard(drained))
  socket.on('end', () => socket.destroySoon())
  // Every error is followed by 'close', where it is dealt with.
  socket.on('error', () => {})
  socket.on('close', guard(closed))
  wait()
  return {
    drain: () => h2.goAway(),
    destroy: () => socket.destroy(),
  }
}
