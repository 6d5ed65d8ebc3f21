/**
 * Asks upstream servers the client's question in a packet of our own; of what comes back only an answer to this very
 * question from this very server counts (RFC 5452).
 */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type Clock, systemClock } from '../../api/clock.ts'
import { isIPv6 } from '../../ip/address.ts'
import type { ForwardConfig } from '../config/config.ts'
import type { Upstream } from '../config/upstream.ts'
import { flags, headerBytes, rcodeName, rcodes, types } from '../wire/constants.ts'
import { readName } from '../wire/name.ts'
import { createQuery, type Query, writeOnward } from '../wire/query.ts'
import { type Received, received } from './received.ts'

export interface ForwarderOptions extends ForwardConfig {
  /** How each question to each server ended. */
  readonly onResult?: (upstream: Upstream, ok: boolean, seconds: number) => void
  readonly clock?: Clock
}

/** More questions are being asked than may be: it says nothing of the name. */
export class Busy extends Error {
  override readonly name = 'Busy'
  constructor() {
    super('too many questions at a time')
  }
}

export interface Forwarder {
  /**
   * The answer, whole or with TC, without an OPT record, and with no client's id. Rejects when no upstream gives one, and
   * with `Busy` when none is asked.
   */
  forward(query: Query, overTcp: boolean): Promise<Buffer>
  /** The server leads back to us: it is not asked again. */
  exclude(upstream: Upstream): void
  close(): void
}

/** Names are compared without case: some servers write them small. */
const questionOf = (message: Buffer): string | undefined => {
  const name = readName(message, headerBytes)
  if (!name || message.length < name.end + 4) return undefined
  return `${message.readUInt32BE(name.end)} ${name.name}`
}

const rcodeOf = (message: Buffer): number => message.readUInt16BE(2) & 15

/** One that could not read the question may give none back. */
const isBare = (message: Buffer): boolean => message.readUInt16BE(4) === 0 && rcodeOf(message) !== rcodes.ok

const isAnswerTo = (query: Buffer, message: Buffer): boolean =>
  message.length >= headerBytes &&
  message.readUInt16BE(0) === query.readUInt16BE(0) &&
  (message.readUInt16BE(2) & flags.response) !== 0 &&
  (isBare(message) || questionOf(message) === questionOf(query))

type Ask = (query: Buffer, upstream: Upstream, signal: AbortSignal) => Promise<Buffer>

/** A socket of its own for each question: its port is half of what a forger has to guess. */
const askUdp: Ask = async (query, { address, port }, signal) => {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      socket.on('error', reject)
      socket.on('message', (message) => {
        if (isAnswerTo(query, message)) resolve(message)
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

const askTcp: Ask = async (query, { address, port }, signal) => {
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
      if (isAnswerTo(query, message)) return message
      break
    }
    throw new Error(`${address} did not answer the question`)
  } finally {
    socket.destroy()
  }
}

/** Before RFC 6891 a server could not know what an OPT record is. */
const knowsNoOption = (message: Buffer): boolean =>
  (rcodeOf(message) === rcodes.malformed || rcodeOf(message) === rcodes.notImplemented) &&
  !(received(message)?.hasOption ?? false)

/** So many failures one after another, and a server is asked only when there is no better one. */
const maxFailures = 2
/** How often a server that is down is asked whether it is back. */
const probeMs = 500
/** Clients ask again after five seconds: no question is worked on for longer. */
const deadlineMs = 5_000

interface Health {
  failures: number
  isExcluded: boolean
  cancelProbe: (() => void) | undefined
}

const shuffled = <T>(list: readonly T[]): readonly T[] =>
  list
    .map((each) => [Math.random(), each] as const)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each)

export const createForwarder = (options: ForwarderOptions): Forwarder => {
  const { upstreams, policy, timeoutMs, maxConcurrent, forceTcp, failover, onResult, clock = systemClock } = options
  const health = new Map(
    upstreams.map((upstream): [Upstream, Health] => [
      upstream,
      { failures: 0, isExcluded: false, cancelProbe: undefined },
    ]),
  )
  let running = 0
  let turn = 0
  let isClosed = false

  /** What is too long for UDP is fetched over TCP when the client is there over TCP, and told to it otherwise. */
  const exchange = async (query: Buffer, upstream: Upstream, overTcp: boolean): Promise<Buffer> => {
    if (forceTcp) return askTcp(query, upstream, AbortSignal.timeout(timeoutMs))
    const answer = await askUdp(query, upstream, AbortSignal.timeout(timeoutMs))
    if (!overTcp || (answer.readUInt16BE(2) & flags.truncated) === 0) return answer
    return askTcp(query, upstream, AbortSignal.timeout(timeoutMs))
  }

  /** Rejects when what comes back says nothing of the question. */
  const askOne = async (query: Query, upstream: Upstream, overTcp: boolean): Promise<Received> => {
    const first = await exchange(writeOnward(query), upstream, overTcp)
    const message = knowsNoOption(first) ? await exchange(writeOnward(query, false), upstream, overTcp) : first
    const answer = isBare(message) ? undefined : received(message)
    if (answer && answer.rcode < rcodes.badVersion) return answer
    const code = answer?.rcode ?? rcodeOf(message)
    throw new Error(`${upstream.address} sent a malformed answer (${rcodeName(code) ?? `RCODE${code}`})`)
  }

  const probe = async (upstream: Upstream, state: Health): Promise<void> => {
    // `. NS`: any server has an answer.
    try {
      await askOne(createQuery('', types.NS), upstream, false)
      state.failures = 0
      state.cancelProbe = undefined
    } catch {
      watch(upstream, state)
    }
  }

  const watch = (upstream: Upstream, state: Health): void => {
    state.cancelProbe = isClosed ? undefined : clock.after(probeMs, () => void probe(upstream, state))
  }

  const note = (upstream: Upstream, ok: boolean, seconds: number): void => {
    onResult?.(upstream, ok, seconds)
    const state = health.get(upstream)
    if (!state) return
    state.failures = ok ? 0 : state.failures + 1
    if (state.failures >= maxFailures && !state.cancelProbe) watch(upstream, state)
  }

  /** Those that are well first, as the policy wants them; the others after them, by chance. */
  const inOrder = (): readonly Upstream[] => {
    const usable = upstreams.filter((upstream) => !health.get(upstream)?.isExcluded)
    const well = usable.filter((upstream) => (health.get(upstream)?.failures ?? 0) < maxFailures)
    const others = shuffled(usable.filter((upstream) => !well.includes(upstream)))
    if (policy === 'random') return [...shuffled(well), ...others]
    const start = policy === 'round-robin' && well.length > 0 ? turn++ % well.length : 0
    return [...well.slice(start), ...well.slice(0, start), ...others]
  }

  const askAll = async (query: Query, overTcp: boolean): Promise<Buffer> => {
    let failure: unknown = new Error('there is no upstream server')
    /** The word of a server that others shall be asked after. */
    let passed: Buffer | undefined
    const started = clock.now()
    for (const upstream of inOrder()) {
      const began = clock.now()
      if (began - started >= deadlineMs) break
      try {
        const { message, rcode } = await askOne(query, upstream, overTcp)
        note(upstream, true, (clock.now() - began) / 1000)
        if (!failover.includes(rcode)) return message
        passed ??= message
      } catch (error) {
        note(upstream, false, (clock.now() - began) / 1000)
        failure = error
      }
    }
    if (passed) return passed
    throw failure
  }

  return {
    forward: async (query, overTcp) => {
      if (running >= maxConcurrent) throw new Busy()
      running++
      try {
        return await askAll(query, overTcp)
      } finally {
        running--
      }
    },
    exclude: (upstream) => {
      const state = health.get(upstream)
      if (state) state.isExcluded = true
    },
    close: () => {
      isClosed = true
      for (const { cancelProbe } of health.values()) cancelProbe?.()
    },
  }
}
