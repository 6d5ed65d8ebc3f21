/** The cluster's DNS on one node: Services and their endpoints as names. */
import { aborted, type Clock, sleep, systemClock } from '../api/clock.ts'
import type { Informer } from '../api/informer.ts'
import { servicesOfChange } from '../api/slices.ts'
import { createSyncLoop } from '../api/sync-loop.ts'
import type { EndpointSlice, Service } from '../api/types/index.ts'
import type { Logger } from '../host/log.ts'
import { createRestarts, type RestartCounts } from '../host/restarts.ts'
import { type DnsConfig, defaultDnsConfig } from './config/config.ts'
import type { Upstream } from './config/upstream.ts'
import { followEtcd } from './skydns/etcd.ts'
import type { Published } from './skydns/published.ts'
import type { SkyEntry } from './skydns/record.ts'
import type { DnsStats } from './thread/stats.ts'
import { type DnsThread, startDnsThread } from './thread/thread.ts'
import { type PodName, podOfSource, podRecords, podSource } from './zone/pod-records.ts'
import type { ZoneRecord } from './zone/records.ts'
import { recordsOf } from './zone/service-records.ts'

export interface ClusterDnsOptions {
  readonly services: Informer<Service>
  /** With an index `service`: the key of the Service that a slice belongs to. */
  readonly slices: Informer<EndpointSlice>
  /** For the names of pods; without, there are none. */
  readonly pods?: Informer<PodName>
  /** Records that users publish. */
  readonly published?: Informer<Published>
  readonly clusterDomain: string
  /** Where to listen; they must be addresses of this host. */
  readonly addresses: readonly string[]
  readonly port: number
  /** What to ask for names outside where the configuration does not say. */
  readonly upstreams: readonly Upstream[]
  readonly config?: DnsConfig
  /** Where the last known zone is kept; nowhere when missing. */
  readonly snapshotFile?: string
  /** Whether it is this server that keeps it (true when missing): several may read one file, one writes it. */
  readonly savesSnapshot?: boolean
  /** Who may ask for names outside of the cluster. */
  readonly recursionCIDRs: readonly string[]
  /** The search domains of the node's own resolver, for `searchCompletion`. */
  readonly searches?: readonly string[]
  readonly log: Logger
  readonly clock?: Clock
}

export interface ClusterDns {
  /**
   * Answers until `signal` aborts. A thread that dies is replaced. Until `alone` resolves another one answers on the same
   * port: then this one only does once it knows everything, since the kernel would share the queries out.
   */
  run(signal: AbortSignal, alone?: Promise<void>): Promise<void>
  /** Resolves to the port when cluster names are answered for the first time. */
  readonly ready: Promise<number>
  /** Everything of the cluster is known, and answered. */
  readonly isSynced: boolean
  /** Takes over a new configuration; no query is lost. */
  configure(config: DnsConfig): void
  /** What has been counted; undefined while no thread runs. */
  stats(): Promise<DnsStats | undefined>
  /** How often its thread was replaced. */
  readonly restarts: RestartCounts
  /** Why its thread keeps ending; undefined while it does not. */
  looping(): string | undefined
}

const restartMs = 1_000
const debounceMs = 5

/** A server that asks itself would never end. */
const withoutOurselves = (upstreams: readonly Upstream[], addresses: readonly string[], port: number, log: Logger) =>
  upstreams.filter((upstream) => {
    const isOurselves = addresses.includes(upstream.address) && upstream.port === port
    if (isOurselves) log.warn({ upstream: upstream.address }, 'this upstream server is ourselves: left out')
    return !isOurselves
  })

/** What the operator does not say, the node's own resolver does. */
const complete = (config: DnsConfig, upstreams: readonly Upstream[]): DnsConfig =>
  config.forward.upstreams.length > 0 ? config : { ...config, forward: { ...config.forward, upstreams } }

export const createClusterDns = (options: ClusterDnsOptions): ClusterDns => {
  const { services, slices, pods, published, clusterDomain, addresses, port, log, clock = systemClock } = options
  const ready = Promise.withResolvers<number>()
  const upstreams = withoutOurselves(options.upstreams, addresses, port, log)
  let config = complete(options.config ?? defaultDnsConfig, upstreams)
  let thread: DnsThread | undefined
  let isSynced = false
  /** Resolves when the thread of now knows everything. */
  let toldAll = Promise.withResolvers<void>()

  /** Told again to each new thread. */
  const sky = new Map<string, readonly SkyEntry[]>()
  const publish = (source: string, entries: readonly SkyEntry[]): void => {
    if (entries.length > 0) sky.set(source, entries)
    else sky.delete(source)
    thread?.post({ kind: 'published', source, entries })
  }

  /** Follows the etcd that the configuration names, for as long as it does. */
  const followConfigured = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const { etcd: endpoints, prefix } = config.skydns
      const within = AbortSignal.any([signal, reconfigured.signal])
      if (endpoints.length > 0) {
        const onEntries = (key: string, entries: readonly SkyEntry[]): void => publish(`etcd:${key}`, entries)
        await followEtcd({ endpoints, prefix, onEntries, log, clock }, within)
      } else await aborted(within)
      if (signal.aborted) return
      for (const source of [...sky.keys()]) if (source.startsWith('etcd:')) publish(source, [])
      reconfigured = new AbortController()
    }
  }
  let reconfigured = new AbortController()

  /** What makes no names that can be written has none: the others go on. */
  const written = (key: string, make: () => readonly ZoneRecord[]): readonly ZoneRecord[] => {
    try {
      return make()
    } catch (error) {
      log.warn({ err: error, key }, 'no names in DNS')
      return []
    }
  }

  /** What was told of each Service: once for as long as it stays so. */
  const told = new Map<string, string>()
  const tellLeftOut = (key: string, leftOut: readonly string[]): readonly never[] => {
    const text = leftOut.slice(0, 5).join('; ')
    if (text !== '' && told.get(key) !== text) log.warn({ key, leftOut: text }, 'not in DNS: no valid name or address')
    if (text === '') told.delete(key)
    else told.set(key, text)
    return []
  }

  const recordsFor = (source: string): readonly ZoneRecord[] => {
    const podKey = podOfSource(source)
    if (podKey !== undefined) {
      const pod = config.pods === 'verified' ? pods?.get(podKey) : undefined
      return pod ? written(source, () => podRecords(pod, clusterDomain)) : []
    }
    const service = services.get(source)
    if (!service) return tellLeftOut(source, [])
    const leftOut: string[] = []
    const add = (what: string): void => void leftOut.push(what)
    const records = written(source, () => recordsOf(service, slices.by('service', source), clusterDomain, add))
    tellLeftOut(source, leftOut)
    return records
  }

  const allSources = (): readonly string[] => [
    ...[...services.entries()].map(([key]) => key),
    ...[...(pods?.entries() ?? [])].map(([key]) => podSource(key)),
  ]

  const loop = createSyncLoop({
    clock,
    minIntervalMs: debounceMs,
    resyncMs: 3_600_000,
    sync: async (dirty) => {
      const sources = dirty === 'all' ? allSources() : [...dirty]
      thread?.post({ kind: 'records', sources: sources.map((source) => [source, recordsFor(source)]) })
      if (dirty !== 'all') return
      thread?.post({ kind: 'synced', sources })
      isSynced = true
      if (thread) toldAll.resolve()
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot tell the DNS thread; trying again'),
  })

  /** Names of pods and published ones are an addition: who may not list them serves the others. */
  const synced = Promise.all([services.synced, slices.synced, pods?.settled, published?.settled])

  const restarts = createRestarts(clock)

  /** Resolves when nobody would answer better than this thread. */
  const untilUseful = async ({ ended }: DnsThread, alone: Promise<void>, signal: AbortSignal): Promise<void> => {
    const { promise: whole } = toldAll
    await Promise.race([whole, isSynced ? whole : alone, ended, aborted(signal)])
  }

  /** One life of the thread; with why it has ended when nobody asked it to. Rejects when it cannot start. */
  const serve = async (signal: AbortSignal, alone: Promise<void>): Promise<Error | undefined> => {
    const started = await startDnsThread(
      {
        ...{ origin: clusterDomain, addresses, port, config, recursionCIDRs: options.recursionCIDRs },
        ...{
          snapshotFile: options.snapshotFile,
          savesSnapshot: options.savesSnapshot ?? true,
          searches: options.searches ?? [],
        },
      },
      {
        fault: (error) => log.error({ err: error }, 'a fault of the DNS server'),
        damage: (message) => log.warn(message),
        loop: (upstream) => log.error({ upstream }, 'this upstream server leads back to us: left out'),
        query: (query) => log.info(query, 'query'),
      },
    )
    thread = started
    toldAll = Promise.withResolvers()
    const { promise: whole } = toldAll
    try {
      for (const [source, entries] of sky) started.post({ kind: 'published', source, entries })
      loop.markAll()
      await untilUseful(started, alone, signal)
      if (!signal.aborted) {
        const listening = await started.listen()
        log.info({ addresses, port: listening, kept: started.hasZone }, 'cluster DNS is up')
        if (started.hasZone) ready.resolve(listening)
        void whole.then(() => ready.resolve(listening))
      }
      const failure = await Promise.race([started.ended, aborted(signal)])
      if (failure) return failure
    } finally {
      thread = undefined
    }
    await started.stop()
    return undefined
  }

  const keepServing = async (signal: AbortSignal, alone: Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      try {
        const reason = await serve(signal, alone)
        if (reason === undefined) continue
        const retryInMs = restarts.ended(reason)
        log.error({ err: reason, retryInMs }, 'a DNS thread has ended: starting another one')
        await sleep(retryInMs, signal, clock)
      } catch (error) {
        log.error({ err: error, retryInMs: restartMs }, 'cluster DNS cannot start; trying again')
        await sleep(restartMs, signal, clock)
      }
    }
  }

  return {
    ready: ready.promise,
    get isSynced() {
      return isSynced
    },
    configure: (next) => {
      const before = config.skydns
      config = complete(next, upstreams)
      if (JSON.stringify(before) !== JSON.stringify(config.skydns)) reconfigured.abort()
      thread?.post({ kind: 'config', config })
      // Which pods have names is said there, too.
      loop.markAll()
    },
    // One that ends before it can tell has counted nothing.
    stats: async () => thread?.stats().catch(() => undefined),
    restarts: restarts.counts,
    looping: restarts.looping,
    run: async (signal, alone = Promise.resolve()) => {
      services.onChange((key) => loop.mark(key))
      slices.onChange((_key, current, previous) => {
        for (const key of servicesOfChange(current, previous)) loop.mark(key)
      })
      pods?.onChange((key) => loop.mark(podSource(key)))
      published?.onChange((key, current) => {
        for (const problem of current?.problems ?? []) log.warn(problem)
        publish(`configmap:${key}`, current?.entries ?? [])
      })
      // Until everything is known, names are not denied.
      const syncing = Promise.race([synced, aborted(signal)]).then(() => loop.run(signal))
      await Promise.all([syncing, keepServing(signal, alone), followConfigured(signal)])
    },
  }
}
