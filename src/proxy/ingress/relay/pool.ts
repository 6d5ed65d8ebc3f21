/** Connections to backends that wait for their next request. */
import type { LookupFunction } from 'node:net'
import type { Clock } from '../../../api/clock.ts'
import type { BackendTls } from '../policy/policy.ts'
import type { Endpoint } from '../routes/endpoints.ts'
import { tlsKey } from './backend-tls.ts'
import type { Deadlines } from './deadlines.ts'
import type { OnFault } from './guard.ts'
import { openUpstream, type Upstream, type UpstreamUser } from './upstream.ts'

export interface PoolOptions {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly idleMs: number
  readonly maxIdlePerEndpoint: number
  /** Whether connections to an endpoint are worth keeping. */
  readonly isCurrent: (endpoint: string) => boolean
  readonly lookup: LookupFunction
  readonly fault: OnFault
}

export interface Pool {
  /** A resting connection that has rested for at most `maxIdleMs`, or a new one that is still being opened. */
  take(endpoint: Endpoint, tls: BackendTls | undefined, user: UpstreamUser, maxIdleMs: number): Upstream
  /** Gives a connection back after a complete exchange. `keepAliveMs`: how long the backend says it keeps it. */
  release(upstream: Upstream, keepAliveMs: number | undefined): void
  /** Closes what rests of one endpoint. */
  drop(endpoint: string): void
  close(): void
  /** Connections at rest; for tests. */
  readonly idle: number
}

/** A backend closes its side a little before we may count on it. */
const marginMs = 1_000

export const createPool = (options: PoolOptions): Pool => {
  const { clock, deadlines, idleMs, maxIdlePerEndpoint, isCurrent, lookup } = options
  /** By endpoint, the one that came back last at the end. */
  const resting = new Map<string, Upstream[]>()

  const remove = (upstream: Upstream): void => {
    const left = resting.get(upstream.poolKey)?.filter((each) => each !== upstream) ?? []
    if (left.length > 0) resting.set(upstream.poolKey, left)
    else resting.delete(upstream.poolKey)
    upstream.socket.destroy()
  }

  const dropKey = (key: string): void => {
    const dropped = resting.get(key) ?? []
    resting.delete(key)
    for (const { socket } of dropped) socket.destroy()
  }
  const drop = (endpoint: string): void => {
    dropKey(endpoint)
    for (const key of [...resting.keys()]) if (key.startsWith(`${endpoint} `)) dropKey(key)
  }

  const sweepMs = Math.max(1, idleMs / 4)
  const sweep = deadlines.add(() => {
    const now = clock.now()
    for (const upstreams of [...resting.values()])
      for (const upstream of upstreams) if (upstream.restsUntil <= now) remove(upstream)
    sweep.set(sweepMs)
  })
  sweep.set(sweepMs)

  const takeResting = (endpoint: string, maxIdleMs: number): Upstream | undefined => {
    const now = clock.now()
    for (let last = resting.get(endpoint)?.at(-1); last !== undefined; last = resting.get(endpoint)?.at(-1)) {
      if (last.restsUntil > now) {
        if (now - last.restsSince > maxIdleMs) return undefined
        resting.get(endpoint)?.pop()
        return last
      }
      remove(last)
    }
    return undefined
  }

  return {
    take: (endpoint, tls, user, maxIdleMs) => {
      const poolKey = tls === undefined ? endpoint.key : `${endpoint.key} ${tlsKey(tls)}`
      const upstream = takeResting(poolKey, maxIdleMs)
      if (upstream === undefined) return openUpstream({ endpoint, lookup, tls, poolKey }, user, remove, options.fault)
      upstream.user = user
      return upstream
    },
    release: (upstream, keepAliveMs) => {
      upstream.user = undefined
      upstream.used = true
      const { key } = upstream.endpoint
      const upstreams = resting.get(upstream.poolKey) ?? []
      const restMs = Math.min(idleMs, keepAliveMs === undefined ? idleMs : keepAliveMs - marginMs)
      if (restMs <= 0 || !isCurrent(key) || upstreams.length >= maxIdlePerEndpoint)
        return void upstream.socket.destroy()
      upstream.restsSince = clock.now()
      upstream.restsUntil = upstream.restsSince + restMs
      upstreams.push(upstream)
      resting.set(upstream.poolKey, upstreams)
    },
    drop,
    close: () => {
      sweep.remove()
      for (const key of [...resting.keys()]) dropKey(key)
    },
    get idle() {
      let count = 0
      for (const upstreams of resting.values()) count += upstreams.length
      return count
    },
  }
}
