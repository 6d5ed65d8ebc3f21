/** Reads a backend's answer and writes it on for the client. */
import { type BodyReader, createBodyReader, endlessBody } from '../http/body.ts'
import type { Framing } from '../http/framing.ts'
import { headLength } from '../http/head-end.ts'
import type { HeadLimits } from '../http/limits.ts'
import { malformed } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { parseResponseHead, type ResponseHead } from '../http/response-head.ts'
import { checkResponseTrailer, type Delivery, responseText } from '../http/response-text.ts'
import { createHeadedWriter, type Write } from './headed-writer.ts'

export interface AnswerOptions {
  readonly request: RequestHead
  readonly limits: HeadLimits
  readonly date: () => string
  /** Whether the client's connection can serve another request; asked when the answer begins. */
  readonly mayKeepAlive: () => boolean
  /** Towards the client. */
  readonly write: Write
}

export interface Answer {
  /** Takes what the backend sent. Throws `Refusal` when that is no right answer. */
  read(bytes: Buffer): void
  /** Whether the backend has said anything at all. */
  readonly heard: boolean
  /** Whether the client has got anything of the final answer. */
  readonly written: boolean
  readonly done: boolean
  /** Whether both sides speak another protocol from here on. */
  readonly switched: boolean
  /** Whether the end of the connection is the end of the answer. */
  readonly endsWithConnection: boolean
  /** Whether the client was told that its connection goes on. */
  readonly keepAlive: boolean
  /** Once done: the idle time that the backend grants its connection, 0 when that is of no further use. */
  readonly restMs: number
}

interface Final {
  readonly head: ResponseHead
  readonly body: BodyReader
  readonly keepAlive: boolean
}

export const createAnswer = ({ request, limits, date, mayKeepAlive, write }: AnswerOptions): Answer => {
  const writer = createHeadedWriter(write)
  /** Of a head, as far as it is there. */
  let received: Buffer = Buffer.alloc(0)
  let heard = false
  let switched = false
  let excess = false
  let final: Final | undefined

  const delivery = (framing: Framing, keepAlive: boolean): Delivery => ({
    minor: request.minor,
    framing,
    keepAlive,
    date: date(),
  })

  const begin = (head: ResponseHead): Final => {
    const decode = head.body === 'chunked' && request.minor === 0
    const framing = decode ? 'close' : head.body
    const keepAlive = framing !== 'close' && mayKeepAlive()
    writer.head(responseText(head, delivery(framing, keepAlive)))
    const bodyOptions = { decode, maxTrailerBytes: limits.trailerBytes, checkTrailer: checkResponseTrailer }
    return { head, body: createBodyReader(head.body, bodyOptions), keepAlive }
  }

  const switchProtocols = (head: ResponseHead): Final => {
    if (request.upgrade === undefined) throw malformed('another protocol that nobody asked for')
    switched = true
    writer.head(responseText(head, delivery(0, true)))
    return { head, body: endlessBody, keepAlive: false }
  }

  const accept = (head: ResponseHead): void => {
    if (head.status === 101) final = switchProtocols(head)
    else if (head.status >= 200) final = begin(head)
    else if (request.minor === 1) write(responseText(head, delivery(0, true)))
  }

  /** Returns what follows the head of the final answer; undefined while that is not complete. */
  const readHeads = (bytes: Buffer): Buffer | undefined => {
    let searched = received.length
    received = searched === 0 ? bytes : Buffer.concat([received, bytes])
    while (final === undefined) {
      const length = headLength(received, searched, limits.headBytes)
      if (length === 0) return undefined
      accept(parseResponseHead(received.toString('latin1', 0, length), request.method, limits))
      received = received.subarray(length)
      searched = 0
    }
    return received
  }

  return {
    read: (bytes) => {
      heard = true
      const rest = final === undefined ? readHeads(bytes) : bytes
      if (rest === undefined || final === undefined) return
      const taken = rest.length === 0 ? 0 : final.body.read(rest, writer.write)
      excess = taken < rest.length
      writer.flush()
    },
    get heard() {
      return heard
    },
    get written() {
      return final !== undefined && writer.isFlushed()
    },
    get done() {
      return final?.body.done ?? false
    },
    get switched() {
      return switched
    },
    get endsWithConnection() {
      return final?.head.body === 'close'
    },
    get keepAlive() {
      return final?.keepAlive ?? false
    },
    get restMs() {
      if (!final?.head.keepAlive || excess || final.head.body === 'close') return 0
      return final.head.keepAliveMs ?? Number.POSITIVE_INFINITY
    },
  }
}
