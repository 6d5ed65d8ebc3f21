/**
 * Remembers what upstream servers said: answers and denials for as long as they allow, failures as RFC 9520 wants. Asks
 * ahead for what is still wanted, and gives an old answer rather than none (RFC 8767). One question at a time is asked only once.
 */
import { type Clock, systemClock } from '../../api/clock.ts'
import type { Request } from '../chain/request.ts'
import type { CacheConfig } from '../config/config.ts'
import { flags, rcodes } from '../wire/constants.ts'
import { scanAnswer } from '../wire/scan.ts'
import { addressed } from './addressed.ts'
import { createFailures } from './failures.ts'
import { Busy } from './forwarder.ts'
import { onlyQuestion } from './received.ts'

export type CacheEvent = 'hit' | 'miss' | 'stale' | 'prefetch'

export interface CacheOptions {
  readonly config: CacheConfig
  /** Asks the upstream servers. */
  readonly ask: (request: Request) => Promise<Buffer>
  readonly onEvent?: (event: CacheEvent) => void
  readonly clock?: Clock
}

export interface Cache {
  /** The answer for this client. Rejects when there is neither a new nor an old one. */
  answer(request: Request): Promise<Buffer> | Buffer
  readonly size: number
}

/** Shorter times would only make load: CoreDNS' floor. */
const minTtl = 5
/** What an old answer says of itself: ask again soon. */
const staleTtl = 30
/** Larger answers are rare, and would let a stranger's server fill the memory. */
const maxBytes = 4_096

interface Entry {
  readonly message: Buffer
  readonly ttlOffsets: readonly number[]
  readonly storedAt: number
  readonly ttlMs: number
  hits: number
  isRefreshing: boolean
}

/** Everything but an answer or a denial says that the name could not be resolved (RFC 9520, 2; RFC 8767, 4). */
const isFailure = (message: Buffer): boolean => {
  const rcode = message.readUInt16BE(2) & 15
  return rcode !== rcodes.ok && rcode !== rcodes.noName
}

/** What tells answers apart, and nothing else of a client: DNSSEC wanted, its checks off, no recursion. */
const keyOf = ({ query }: Request): string => {
  const isSecure = query.edns?.isSecure ? 'D' : ''
  const isUnchecked = (query.flags & flags.checking) === 0 ? '' : 'C'
  return `${query.name} ${query.type} ${isSecure}${isUnchecked}${(query.flags & flags.wanted) === 0 ? 'N' : ''}`
}

/** A server may fail over TCP alone. */
const wayOf = (key: string, { overTcp }: Request): string => (overTcp ? `${key} tcp` : key)

const ttlOf = (message: Buffer, config: CacheConfig) => {
  const scan = message.length <= maxBytes ? scanAnswer(message) : undefined
  if (!scan || scan.isTruncated) return undefined
  const { ttlOffsets, ttl, isNegative } = scan
  if (ttl === undefined || ttl === 0) return undefined
  const most = isNegative ? config.maxNegativeTtl : config.maxTtl
  return { ttlOffsets, seconds: Math.min(Math.max(ttl, minTtl), most) }
}

export const createCache = ({ config, ask, onEvent = () => undefined, clock = systemClock }: CacheOptions): Cache => {
  const entries = new Map<string, Entry>()
  const asking = new Map<string, Promise<Buffer>>()
  /** What servers say when they fail; what went wrong where none said anything. */
  const failures = createFailures<Buffer | Error>(clock, config.maxEntries)

  const store = (key: string, message: Buffer): void => {
    const found = ttlOf(message, config)
    if (!found || found.seconds === 0) return
    entries.delete(key)
    entries.set(key, {
      message,
      ttlOffsets: found.ttlOffsets,
      ...{ storedAt: clock.now(), ttlMs: found.seconds * 1000, hits: 0, isRefreshing: false },
    })
    const [oldest] = entries.keys()
    if (entries.size > config.maxEntries && oldest !== undefined) entries.delete(oldest)
  }

  /** Asks, or waits for who asks already. A truncated answer is for that client alone. */
  const fetch = (key: string, request: Request): Promise<Buffer> => {
    const shared = wayOf(key, request)
    const running = asking.get(shared)
    if (running) return running
    const started = ask(request)
      .then(
        (message) => {
          // An old answer is worth more than a new failure.
          if (isFailure(message)) failures.add(shared, onlyQuestion(message) ?? message)
          else {
            failures.delete(shared)
            store(key, message)
          }
          return message
        },
        (reason: unknown) => {
          const error = reason instanceof Error ? reason : new Error(String(reason))
          if (!(error instanceof Busy)) failures.add(shared, error)
          throw error
        },
      )
      .finally(() => asking.delete(shared))
    asking.set(shared, started)
    return started
  }

  const withTtls = (entry: Entry, change: (ttl: number) => number): Buffer => {
    const copy = Buffer.from(entry.message)
    for (const offset of entry.ttlOffsets) copy.writeUInt32BE(change(copy.readUInt32BE(offset)), offset)
    return copy
  }

  const fromEntry = (key: string, entry: Entry, request: Request, ageMs: number): Buffer => {
    const age = Math.floor(ageMs / 1000)
    entry.hits++
    // The map's order is that of the last use.
    entries.delete(key)
    entries.set(key, entry)
    const isNearlyOver = entry.ttlMs - ageMs <= entry.ttlMs / 10
    if (config.prefetch && isNearlyOver && entry.hits > 1 && !entry.isRefreshing) {
      entry.isRefreshing = true
      onEvent('prefetch')
      fetch(key, request).catch(() => undefined)
    }
    return addressed(
      withTtls(entry, (ttl) => Math.max(0, ttl - age)),
      request,
    )
  }

  return {
    get size() {
      return entries.size
    },
    answer: (request) => {
      const key = keyOf(request)
      const entry = entries.get(key)
      const ageMs = entry ? clock.now() - entry.storedAt : 0
      if (entry && ageMs < entry.ttlMs) {
        onEvent('hit')
        return fromEntry(key, entry, request, ageMs)
      }
      const isUsable = entry !== undefined && ageMs < entry.ttlMs + config.staleSeconds * 1000
      /** What there is where there is no answer: an old one, else what the servers said. */
      const without = (failure: Buffer | Error): Buffer => {
        if (isUsable) {
          onEvent('stale')
          return addressed(
            withTtls(entry, () => staleTtl),
            request,
          )
        }
        if (failure instanceof Error) throw failure
        return addressed(failure, request)
      }
      const failed = failures.get(wayOf(key, request))
      if (failed && isUsable) return without(failed)
      if (failed) {
        onEvent('hit')
        return Promise.resolve(failed).then(without)
      }
      onEvent('miss')
      return fetch(key, request).then(
        (message) => (isFailure(message) ? without(message) : addressed(message, request)),
        without,
      )
    },
  }
}
