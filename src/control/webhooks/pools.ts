/** Connections to servers that objects name, who need not be what they say: so many servers at once, the oldest make room. */
import { createHash } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import Pool from 'undici/lib/dispatcher/pool.js'
import { type ConnectToService, connectSecurely, type ServiceTarget } from '../dial/services.ts'

export interface Pools {
  /** Those to one server. `identity`: all that the options are made of, so that no other server's connection is taken. */
  of(origin: string, identity: readonly unknown[], options: () => Pool.Options): Pool
  close(): void
}

const mostPools = 64

export const createPools = (): Pools => {
  const pools = new Map<string, Pool>()
  return {
    of: (origin, identity, options) => {
      const key = `${origin} ${createHash('sha256').update(JSON.stringify(identity)).digest('hex')}`
      const known = pools.get(key)
      if (known) return known
      if (pools.size >= mostPools) {
        const [[oldest, pool] = []] = pools
        if (oldest !== undefined) pools.delete(oldest)
        void pool?.close()
      }
      const pool = new Pool(origin, options())
      pools.set(key, pool)
      return pool
    },
    close: () => {
      for (const pool of pools.values()) void pool.destroy()
      pools.clear()
    },
  }
}

/** Who signs a server's certificate, of the `caBundle` of an object; the system's authorities when missing. */
export const authorityOf = (caBundle: string | undefined): { readonly ca?: string } =>
  caBundle ? { ca: Buffer.from(caBundle, 'base64').toString('utf8') } : {}

/** How a pool connects to a Service: each connection to one of its endpoints. */
export const connectorTo =
  (
    connect: ConnectToService,
    target: ServiceTarget,
    options: ConnectionOptions,
  ): NonNullable<Pool.Options['connect']> =>
  (_place, callback) => {
    connectSecurely(connect, target, options).then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    )
  }
