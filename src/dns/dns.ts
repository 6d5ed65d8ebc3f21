/** The cluster's DNS on one node: Services and their endpoints as names. */
import { type Clock, sleep, systemClock } from '../api/clock.ts'
import type { Informer } from '../api/informer.ts'
import { createSyncLoop } from '../api/sync-loop.ts'
import type { EndpointSlice, Service } from '../api/types/index.ts'
import type { Logger } from '../host/log.ts'
import type { Upstream } from './forward/forwarder.ts'
import { type DnsThread, startDnsThread } from './thread/thread.ts'
import type { ZoneRecord } from './zone/records.ts'
import { recordsOf } from './zone/service-records.ts'

export interface ClusterDnsOptions {
  readonly services: Informer<Service>
  /** With an index `service`: the key of the Service that a slice belongs to. */
  readonly slices: Informer<EndpointSlice>
  readonly clusterDomain: string
  /** Where to listen; they must be addresses of this host. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly upstreams: readonly Upstream[]
  /** Who may ask for names outside of the cluster. */
  readonly recursionCIDRs: readonly string[]
  readonly log: Logger
  readonly ttl?: number
  readonly clock?: Clock
}

export interface ClusterDns {
  /** Answers until `signal` aborts. A thread that dies is replaced. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves to the port when cluster names are answered for the first time. */
  readonly ready: Promise<number>
}

const defaultTtl = 30
const restartMs = 1_000
const debounceMs = 5

const serviceKeyOf = ({ metadata }: EndpointSlice): string | undefined => {
  const name = metadata.labels?.['kubernetes.io/service-name']
  return name === undefined ? undefined : `${metadata.namespace}/${name}`
}

/** A server that asks itself would never end. */
const withoutOurselves = (upstreams: readonly Upstream[], addresses: readonly string[], port: number, log: Logger) =>
  upstreams.filter((upstream) => {
    const isOurselves = addresses.includes(upstream.address) && upstream.port === port
    if (isOurselves) log.warn({ upstream: upstream.address }, 'this upstream server is ourselves: left out')
    return !isOurselves
  })

export const createClusterDns = (options: ClusterDnsOptions): ClusterDns => {
  const { services, slices, clusterDomain, addresses, port, log, ttl = defaultTtl, clock = systemClock } = options
  const ready = Promise.withResolvers<number>()
  const workerData = {
    ...{ origin: clusterDomain, addresses, port, ttl, recursionCIDRs: options.recursionCIDRs },
    upstreams: withoutOurselves(options.upstreams, addresses, port, log),
  }
  let thread: DnsThread | undefined

  /** A Service whose names cannot be written has none: the others go on. */
  const recordsFor = (key: string): readonly ZoneRecord[] => {
    const service = services.get(key)
    try {
      return service ? recordsOf(service, slices.by('service', key), clusterDomain) : []
    } catch (error) {
      log.warn({ err: error, service: key }, 'this Service has no names in DNS')
      return []
    }
  }

  const loop = createSyncLoop({
    clock,
    minIntervalMs: debounceMs,
    resyncMs: 3_600_000,
    sync: async (dirty) => {
      const keys = dirty === 'all' ? [...services.entries()].map(([key]) => key) : [...dirty]
      thread?.post({ kind: 'records', sources: keys.map((key) => [key, recordsFor(key)]) })
      if (dirty === 'all') thread?.post({ kind: 'synced' })
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot tell the DNS thread; trying again'),
  })

  /** One life of the thread. */
  const serve = async (signal: AbortSignal): Promise<void> => {
    thread = await startDnsThread(workerData, (error) => log.error({ err: error }, 'a DNS query could not be answered'))
    log.info({ addresses, port: thread.port }, 'cluster DNS is up')
    loop.markAll()
    await Promise.all([services.synced, slices.synced])
    void loop.synced.then(() => ready.resolve(thread?.port ?? port))
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    const failure = await Promise.race([thread.ended, stopped])
    if (failure) throw failure
    await thread.stop()
  }

  const keepServing = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await serve(signal)
      } catch (error) {
        log.error({ err: error, retryInMs: restartMs }, 'cluster DNS is down; starting it again')
        await sleep(restartMs, signal, clock)
      }
    }
  }

  return {
    ready: ready.promise,
    run: async (signal) => {
      services.onChange((key) => loop.mark(key))
      slices.onChange((_key, current, previous) => {
        for (const key of new Set([current, previous].flatMap((slice) => (slice && serviceKeyOf(slice)) ?? [])))
          loop.mark(key)
      })
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      // Until everything is known, names are not denied.
      const synced = Promise.all([services.synced, slices.synced])
      const syncing = Promise.race([synced, stopped]).then(() => loop.run(signal))
      await Promise.all([syncing, keepServing(signal)])
    },
  }
}
