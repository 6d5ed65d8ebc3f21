/**
 * Asks upstream servers. The client's packet goes on as it is but for its id; of what comes back only an answer to this
 * very question from this very server counts (RFC 5452).
 */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, isIPv6 } from 'node:net'
import { flags, headerBytes } from '../wire/constants.ts'
import { readName } from '../wire/name.ts'

export interface Upstream {
  readonly address: string
  readonly port: number
}

export interface ForwarderOptions {
  /** Asked in this order, the next one when one does not answer. */
  readonly upstreams: readonly Upstream[]
  readonly timeoutMs?: number
  /** More at a time are refused. */
  readonly maxConcurrent?: number
}

export interface Forwarder {
  /** The answer, with the client's id. Rejects when no upstream gives one. */
  forward(message: Buffer, overTcp: boolean): Promise<Buffer>
  isBusy(): boolean
}

/** Questions are compared as they are, case included. */
const questionOf = (message: Buffer): Buffer | undefined => {
  const name = message.length < headerBytes ? undefined : readName(message, headerBytes)
  return name && message.length >= name.end + 4 ? message.subarray(headerBytes, name.end + 4) : undefined
}

const isAnswerTo = (query: Buffer, question: Buffer, message: Buffer): boolean =>
  message.length >= headerBytes &&
  message.readUInt16BE(0) === query.readUInt16BE(0) &&
  (message.readUInt16BE(2) & flags.response) !== 0 &&
  (questionOf(message)?.equals(question) ?? false)

const isTruncated = (message: Buffer): boolean => (message.readUInt16BE(2) & flags.truncated) !== 0

type Ask = (query: Buffer, question: Buffer, upstream: Upstream, signal: AbortSignal) => Promise<Buffer>

/** A socket of its own for each question: its port is half of what a forger has to guess. */
const askUdp: Ask = async (query, question, { address, port }, signal) => {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      socket.on('error', reject)
      socket.on('message', (message) => {
        if (isAnswerTo(query, question, message)) resolve(message)
      })
      // A connected socket takes packets from that server only, and learns when nobody listens there.
      // Where there is no route, that is told at once: to the callback, not as an event.
      socket.connect(port, address, (error?: Error) => {
        if (error) reject(error)
        else socket.send(query, (failure) => failure && reject(failure))
      })
    })
  } finally {
    socket.close()
  }
}

const askTcp: Ask = async (query, question, { address, port }, signal) => {
  const socket = connect({ host: address, port, signal })
  try {
    await once(socket, 'connect')
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.length)
    socket.write(Buffer.concat([length, query]))
    let received = Buffer.alloc(0)
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) continue
      const message = received.subarray(2, 2 + received.readUInt16BE(0))
      if (isAnswerTo(query, question, message)) return message
      break
    }
    throw new Error(`${address} did not answer the question`)
  } finally {
    socket.destroy()
  }
}

const withId = (message: Buffer, id: number): Buffer => {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(id, 0)
  return copy
}

export const createForwarder = (options: ForwarderOptions): Forwarder => {
  const { upstreams, timeoutMs = 2_000, maxConcurrent = 1_000 } = options
  let running = 0

  /** What is too long for UDP is fetched over TCP when the client is there over TCP, and told to it otherwise. */
  const askOne = async (query: Buffer, question: Buffer, upstream: Upstream, overTcp: boolean): Promise<Buffer> => {
    const answer = await askUdp(query, question, upstream, AbortSignal.timeout(timeoutMs))
    if (!overTcp || !isTruncated(answer)) return answer
    return askTcp(query, question, upstream, AbortSignal.timeout(timeoutMs))
  }

  const askAll = async (message: Buffer, overTcp: boolean): Promise<Buffer> => {
    const question = questionOf(message)
    if (!question) throw new Error('no question to forward')
    let failure: unknown = new Error('there is no upstream server')
    for (const upstream of upstreams) {
      const query = withId(message, randomInt(0x10000))
      try {
        return withId(await askOne(query, question, upstream, overTcp), message.readUInt16BE(0))
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  return {
    isBusy: () => running >= maxConcurrent,
    forward: async (message, overTcp) => {
      running++
      try {
        return await askAll(message, overTcp)
      } finally {
        running--
      }
    },
  }
}
