/** The Ingress proxy of one node: watches the API, compiles routes, and serves them from threads of their own. */
import { randomBytes } from 'node:crypto'
import { aborted, type Clock, systemClock } from '../../api/clock.ts'
import { createSyncLoop, type Dirty } from '../../api/sync-loop.ts'
import type { Logger } from '../../host/log.ts'
import type { RestartCounts } from '../../host/restarts.ts'
import { parseAddress } from '../../ip/address.ts'
import { cidrOf, contains } from '../../ip/cidr.ts'
import { changesOf, type Sources, sourcesSynced, watchSources } from './changes.ts'
import { createDesired, type Desired } from './desired.ts'
import type { GatewayAddresses, GatewayDoor } from './gateway/serving.ts'
import { defaultLimits, type HeadLimits } from './http/limits.ts'
import type { ClusterNames } from './names/lookup.ts'
import { noOwnAddresses, type OwnAddresses, type ServedAddress } from './own-addresses.ts'
import { defaultTimeouts, type Timeouts } from './relay/timeouts.ts'
import type { RouteProblem, RoutingUpdate } from './routes/routing.ts'
import type { AccessLogOptions } from './thread/access-log.ts'
import type { Listener } from './thread/protocol.ts'
import type { Snapshot } from './thread/statistics.ts'
import { createThreads } from './threads.ts'
import { defaultCertificate } from './tls/default-certificate.ts'

/** What the operator of a node may choose. */
export interface IngressSettings {
  readonly address: string
  /** 0 for any free one. */
  readonly httpPort: number
  /** Undefined: no HTTPS. */
  readonly httpsPort?: number
  /** The pool (a CIDR) out of which Gateways have addresses of their own; missing: they share those of the nodes. */
  readonly gatewayPool?: string
  /** How many threads serve; each has its own connections, rates and counts. */
  readonly threads?: number
  /** CIDRs whose X-Forwarded-* fields count. */
  readonly trustedProxies?: readonly string[]
  /** CIDRs whose connections begin with a PROXY header. */
  readonly proxyProtocol?: readonly string[]
  /** For each thread. */
  readonly maxConnections?: number
  readonly accessLog?: AccessLogOptions
  /** Where the default certificate is kept; missing: made at each start. */
  readonly dataDir?: string
}

export interface IngressOptions extends Sources {
  readonly settings: IngressSettings
  /** Of the node. */
  readonly nodeAddresses?: readonly string[]
  /** Missing: the addresses of Gateways are the node's anyway. */
  readonly ownAddresses?: OwnAddresses
  /** Missing: no name is the cluster's. */
  readonly clusterNames?: ClusterNames
  readonly log: Logger
  readonly timeouts?: Partial<Timeouts>
  readonly limits?: Partial<HeadLimits>
  readonly clock?: Clock
}

export interface IngressProxy {
  /** Serves until `signal` aborts, then finishes what runs. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when requests are served by the first complete table. */
  readonly ready: Promise<void>
  /** The ports on which it listens, by entry: `http` and `https`. */
  ports(): Readonly<Record<string, number>>
  /** What each thread has served. */
  snapshots(): Promise<readonly Snapshot[]>
  problems(): readonly RouteProblem[]
  /** How often its threads were replaced. */
  readonly restarts: RestartCounts
  /** Why requests are not served as they should be; undefined when they are. */
  trouble(): string | undefined
  /** All that is served. */
  state(): RoutingUpdate
}

/** A burst of changes is taken together; a single one is not kept waiting. */
const debounceMs = 10
/** Nobody else writes to the threads: there is no drift to repair. As long as timers can be. */
const resyncMs = 2 ** 31 - 1
/** Plenty for a node, and still some hundred megabytes at most. */
const defaultMaxConnections = 50_000
const ticketKeyBytes = 48

/** Logs each problem when it appears. */
const createProblemLog = (log: Logger) => {
  let known = new Set<string>()
  return (problems: readonly RouteProblem[]): void => {
    const texts = new Set(problems.map(({ ingress, message }) => `Ingress ${ingress}: ${message}`))
    for (const text of texts) if (!known.has(text)) log.warn(text)
    known = texts
  }
}

/** Ports are shared, so that a successor can bind while this process drains; one that the kernel chose cannot be. */
const listenersOf = ({ address, httpPort, httpsPort, threads = 1 }: IngressSettings): readonly Listener[] => {
  const listener = (entry: string, tls: boolean, port: number): Listener => ({
    ...{ entry, tls, port, address, reusePort: threads > 1 || port !== 0 },
  })
  return [listener('http', false, httpPort), ...(httpsPort === undefined ? [] : [listener('https', true, httpsPort)])]
}

const isIn = (pool: string): ((text: string) => boolean) => {
  const cidr = cidrOf(pool)
  return (text) => {
    const address = parseAddress(text)
    return address !== undefined && contains(cidr, address)
  }
}

const addressesOf = ({ settings, nodeAddresses = [] }: IngressOptions): GatewayAddresses => ({
  isOfPool: settings.gatewayPool === undefined ? undefined : isIn(settings.gatewayPool),
  isOfNode: (address) => nodeAddresses.includes(address),
})

/** The addresses that are no one's but Gateways', with their ports. */
const servedAddresses = (doors: readonly GatewayDoor[]): readonly ServedAddress[] => {
  const own = doors.flatMap(({ address, port }) => (address === undefined ? [] : [{ address, port }]))
  const byAddress = Map.groupBy(own, ({ address }) => address)
  return [...byAddress].map(([address, each]) => ({ address, ports: each.map(({ port }) => port) }))
}

const nothing: RoutingUpdate = { tables: [], backends: [] }

/** Stores its options; everything else happens in `run`. */
export const createIngress = (options: IngressOptions): IngressProxy => {
  const { settings, secrets, configMaps, log, ownAddresses = noOwnAddresses } = options
  const logProblems = createProblemLog(log)
  let desired: Desired | undefined

  const threads = createThreads({
    ...{ count: settings.threads ?? 1, listeners: listenersOf(settings), address: settings.address, log },
    data: {
      timeouts: { ...defaultTimeouts, ...options.timeouts },
      limits: { ...defaultLimits, ...options.limits },
      trustedProxies: settings.trustedProxies ?? [],
      proxyProtocol: settings.proxyProtocol ?? [],
      maxConnections: settings.maxConnections ?? defaultMaxConnections,
      httpsPort: settings.httpsPort ?? 443,
      clusterNames: options.clusterNames,
      ticketKeys: randomBytes(ticketKeyBytes),
      accessLog: settings.accessLog,
    },
    clock: options.clock ?? systemClock,
    missing: () => loop.markAll(),
  })

  const open = async (): Promise<Desired> => {
    const usual = { http: settings.httpPort, https: settings.httpsPort }
    const fallback = await defaultCertificate(settings.dataDir, (message) => log.warn(message))
    desired = createDesired(options, usual, addressesOf(options), fallback)
    return desired
  }

  const sync = async (dirty: Dirty): Promise<void> => {
    const wanted = desired ?? (await open())
    if (dirty === 'all') await wanted.readAll()
    else await wanted.read(changesOf(dirty))
    const { isMissing } = threads
    const update = wanted.update(isMissing)
    // A door at an address opens when the address is there.
    await ownAddresses.hold(servedAddresses(wanted.doors()))
    threads.update(update, wanted.doors())
    if (isMissing) await threads.start(update, wanted.doors())
    // What takes longer the more routes there are comes when the threads know.
    logProblems(wanted.problems())
  }

  const loop = createSyncLoop({
    sync,
    minIntervalMs: debounceMs,
    resyncMs,
    onError: (error, retryInMs) => log.error({ err: error, retryInMs }, 'ingress cannot serve'),
  })

  return {
    ready: loop.synced,
    ports: threads.ports,
    snapshots: threads.snapshots,
    problems: () => desired?.problems() ?? [],
    restarts: threads.restarts,
    trouble: threads.problem,
    state: () => desired?.state() ?? nothing,
    run: async (signal) => {
      if (signal.aborted) return
      const following = [secrets.run(signal), configMaps.run(signal), ownAddresses.run(signal)]
      await Promise.race([aborted(signal), sourcesSynced(options)])
      if (!signal.aborted) {
        watchSources(options, loop.mark)
        await loop.run(signal)
      }
      await Promise.all([threads.stop(), ...following])
    },
  }
}
