/** A request to an endpoint that speaks HTTP/1.1, on a connection of its own for as long as it takes. */
import { type BodyReader, createBodyReader, endlessBody } from '../http/body.ts'
import { type Field, trailerLines } from '../http/fields.ts'
import { headLength } from '../http/head-end.ts'
import type { HeadLimits } from '../http/limits.ts'
import { isRefusal, malformed } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { parseResponseHead, type ResponseHead } from '../http/response-head.ts'
import { checkResponseTrailer } from '../http/response-text.ts'
import { createHeadedWriter } from './headed-writer.ts'
import type { Lane, LaneUser } from './lane.ts'
import type { Pool } from './pool.ts'
import { abandon, finishWriting, type Upstream, type UpstreamUser } from './upstream.ts'

export interface H1LaneOptions {
  readonly request: RequestHead
  /** The head as the endpoint gets it. */
  readonly text: string
  /** The body comes without framing and is to be chunked here. */
  readonly frameBody: boolean
  /** Chunked answers are told without their framing. */
  readonly decode: boolean
  readonly limits: HeadLimits
  readonly sendTimeoutMs: number
  readonly take: (user: UpstreamUser) => Upstream
  readonly pool: Pool
}

/** Answers before the answer (1xx). They are written without asking whether the client takes them. */
const mostInterims = 32

interface Final {
  readonly head: ResponseHead
  readonly body: BodyReader
}

export const openH1Lane = (options: H1LaneOptions, user: LaneUser): Lane => {
  const { request, limits, decode, pool } = options
  /** Of a head, as far as it is there. */
  let received: Buffer = Buffer.alloc(0)
  let final: Final | undefined
  let trailers: readonly Field[] = []
  let interims = 0
  let switched = false
  let excess = false
  let blocked = false
  let isDone = false
  let released = false

  const writer = createHeadedWriter((data) =>
    typeof data === 'string' ? upstream.socket.write(data, 'latin1') : upstream.socket.write(data),
  )

  const accept = (head: ResponseHead): void => {
    if (head.status < 200 && head.status !== 101) {
      if (++interims > mostInterims) throw malformed('too many early answers')
      return user.interim(head)
    }
    if (head.status === 101) {
      if (request.upgrade === undefined) throw malformed('another protocol that nobody asked for')
      switched = true
      final = { head, body: endlessBody }
      return user.head(head, 0)
    }
    const bodyOptions = {
      decode,
      maxTrailerBytes: limits.trailerBytes,
      checkTrailer: checkResponseTrailer,
      onTrailer: (fields: readonly Field[]) => {
        trailers = fields
      },
    }
    final = { head, body: createBodyReader(head.body, bodyOptions) }
    user.head(head, head.body)
  }

  /** Returns what follows the head of the final answer; undefined while that is not complete. */
  const readHeads = (bytes: Buffer): Buffer | undefined => {
    let searched = received.length
    received = searched === 0 ? bytes : Buffer.concat([received, bytes])
    while (final === undefined) {
      const length = headLength(received, searched, limits.headBytes)
      if (length === 0) return undefined
      accept(parseResponseHead(received.toString('latin1', 0, length), request.method, limits))
      if (released) return undefined
      received = received.subarray(length)
      searched = 0
    }
    return received
  }

  const complete = (): void => {
    isDone = true
    user.done(trailers)
  }

  const read = (bytes: Buffer): void => {
    const rest = final === undefined ? readHeads(bytes) : bytes
    if (rest === undefined || final === undefined || released) return
    const taken = rest.length === 0 ? 0 : final.body.read(rest, user.data)
    if (released) return
    excess = taken < rest.length
    if (final.body.done) complete()
    else user.settled()
  }

  const sendHead = (): void => {
    lane.sent = true
    writer.head(options.text)
    user.ready()
    if (released) return
    if (!writer.flush()) blocked = true
  }

  const upstreamUser: UpstreamUser = {
    connected: sendHead,
    data: (bytes) => {
      try {
        read(bytes)
      } catch (error) {
        if (isRefusal(error)) user.lost(error.message, true)
        else user.broke(error)
      }
    },
    ended: () => {
      if (switched) user.halfClosed()
      else if (final?.head.body === 'close') complete()
      else user.lost('the backend closed the connection', false)
    },
    drained: () => {
      blocked = false
      user.drained()
    },
    closed: () => {
      if (switched) complete()
      else user.lost(lane.sent ? 'the backend closed the connection' : 'no endpoint could be reached', false)
    },
  }

  const upstream = options.take(upstreamUser)

  /** The idle time that the endpoint grants its connection; 0 when that is of no further use. */
  const restMs = (): number => {
    if (!isDone || !final?.head.keepAlive || excess || switched || final.head.body === 'close') return 0
    return final.head.keepAliveMs ?? Number.POSITIVE_INFINITY
  }
  const lane: Lane & { sent: boolean } = {
    endpoint: upstream.endpoint,
    wasResting: upstream.used,
    start: () => {
      if (upstream.used) sendHead()
    },
    sent: false,
    send: (piece) => {
      // Framed, an empty piece would be the last chunk, and what follows another request.
      if (options.frameBody && piece.length === 0) return !blocked
      const framed = options.frameBody
        ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1'), piece, Buffer.from('\r\n')])
        : piece
      if (!writer.write(framed)) blocked = true
      return !blocked
    },
    finish: (fields) => {
      if (!options.frameBody) return
      writer.write(Buffer.from(`0\r\n${trailerLines(fields)}\r\n`, 'latin1'))
    },
    pause: () => upstream.socket.pause(),
    resume: () => upstream.socket.resume(),
    release: (reusable) => {
      released = true
      const rest = reusable ? restMs() : 0
      if (rest > 0) {
        if (upstream.socket.isPaused()) upstream.socket.resume()
        pool.release(upstream, rest)
      } else if (switched) finishWriting(upstream, options.sendTimeoutMs)
      else abandon(upstream)
    },
    halfClose: () => {
      upstream.socket.end()
    },
  }
  return lane
}
