/** Keeps the kernel's rules in line with Services and EndpointSlices. */

import { setImmediate as otherWork } from 'node:timers/promises'
import { aborted, type Clock, systemClock, untilBeat } from '../../api/clock.ts'
import type { Informer } from '../../api/informer.ts'
import { servicesOfChange } from '../../api/slices.ts'
import { createSyncLoop, type Dirty } from '../../api/sync-loop.ts'
import type { EndpointSlice, Node, Service } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import type { Written } from '../../host/netfilter/kernel-chains.ts'
import type { Netfilter } from '../../host/netfilter/netfilter.ts'
import { parseAddress } from '../../ip/address.ts'
import { parseMaskedCidr } from '../../ip/cidr.ts'
import type { ProxyObserver, RuleCounts, SyncKind } from '../observer.ts'
import type { Relays } from '../relays.ts'
import type { RuleContext } from './context.ts'
import { type ModelContext, protocolOf, readFor } from './endpoints.ts'
import { frameJumps, type ProxyTable } from './frame.ts'
import { createKernelRules } from './kernel.ts'
import { modelService, type ServiceModel, type ServicePortView } from './model.ts'
import { fixedChains } from './names.ts'
import type { PolicySide } from './policy.ts'
import { nothingReserved, type ReservedPorts, reservedPort } from './reserved.ts'
import { portalsOf } from './service-rules.ts'
import { compileModel, createWantedChains } from './wanted.ts'

export interface ServiceProxyOptions {
  readonly services: Informer<Service>
  /** With the index `service` that `serviceOfSlice` computes. */
  readonly slices: Informer<EndpointSlice>
  /** Its family is the proxy's: one proxy for each family of the node. */
  readonly netfilter: Netfilter
  readonly nodeName: string
  /** The node's addresses among the nodes, of either family. */
  readonly nodeAddresses?: readonly string[]
  /** To know the node's zone; without, hints for zones are not heeded. */
  readonly nodes?: Informer<Node>
  /** Serve the Services labelled for this proxy instead of those labelled for none. */
  readonly proxyName?: string
  /** Ranges of this node's pods, of either family. Empty: cluster addresses are never masqueraded. */
  readonly podCIDRs: readonly string[]
  /** What only cluster addresses are in, of either family. Fewer rules when it is known. */
  readonly serviceCIDRs?: readonly string[]
  /** Node ports answer at the node's addresses within these ranges only; all but loopback when missing. */
  readonly nodePortAddresses?: readonly string[]
  /** One bit of the packet mark (default 0x4000). */
  readonly masqueradeMark?: number
  readonly masqueradeAll?: boolean
  /** Node ports answer at 127.0.0.1 too. Sets route_localnet; off by default. */
  readonly localhostNodePorts?: boolean
  readonly writeSysctl: (key: string, value: string) => Promise<void>
  /** Off where the kernel is liberal about TCP sequence numbers; on by default. */
  readonly dropInvalid?: boolean
  /** What nodes serve themselves: no Service is forwarded there. */
  readonly reserved?: Omit<ReservedPorts, 'isNodeAddress'>
  /** Whether an address is this machine's, of whatever device. */
  readonly isOwnAddress?: (address: string) => boolean
  /** Relay Services that do not say otherwise (`podway.dev/proxy-mode`) by a process. */
  readonly relayByDefault?: boolean
  /** Who relays; without, the kernel translates all. */
  readonly relays?: Relays
  readonly followers?: readonly PortFollower[]
  readonly observer?: ProxyObserver
  readonly log: Logger
  readonly clock?: Clock
  /** How often to look whether others touched our rules (default 5 s). */
  readonly checkEveryMs?: number
}

/** Others to whom it matters what Services are on this node. */
export interface PortFollower {
  /** All ports of a Service, in place of those it had; none when it is gone. `relays`: by portal, as rules lead there. */
  set(service: string, ports: readonly ServicePortView[], relays: ReadonlyMap<string, number>): void
  /** The rules of all that was set are in the kernel. */
  written(): void
}

export interface ServiceProxy {
  /** Runs until `signal` aborts. The rules stay: traffic goes on while nobody runs. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when all Services of the first lists are in the kernel. */
  readonly synced: Promise<void>
  /** Rules in the kernel. */
  rules(): RuleCounts
  /** Packets that were dropped because no connection knows them. */
  invalidDropped(): Promise<number>
  /** Compiles a Service again: what it is made of beside the API has changed. */
  refresh(service: string): void
  /** Services whose policy is Local and that have endpoints on other nodes only. */
  withoutLocalEndpoints(): { readonly internal: number; readonly external: number }
}

const noRelays: ReadonlyMap<string, number> = new Map()

/** Not the key of a Service: those have a name. */
const checkKey = ''

const zoneLabel = 'topology.kubernetes.io/zone'

/** When the newest change happened that the slice shows, as its writer says. */
const triggerOf = (slice: EndpointSlice | undefined): number | undefined => {
  const text = slice?.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time']
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/** Everything is compiled and read back once in a while, as kube-proxy does. */
const fullSyncMs = 3_600_000

/** Other work of the process gets its turn after so many Services. */
const servicesPerTurn = 100

const contextOf = (
  options: ServiceProxyOptions,
  isNodeAddress: (address: string) => boolean,
): RuleContext & ModelContext => {
  const { family } = options.netfilter
  const parse = (texts: readonly string[]) =>
    texts
      .map((text) =>
        readFor(text, family, parseMaskedCidr, () => {
          throw new Error(`"${text}" is not an address range such as 10.1.0.0/24`)
        }),
      )
      .filter((range) => range !== undefined)
  return {
    family,
    nodeName: options.nodeName,
    zone: undefined,
    relayed: options.relayByDefault ?? false,
    nodeAddress: options.nodeAddresses?.find((address) => parseAddress(address, family) !== undefined),
    proxyName: options.proxyName,
    reserved: { ...nothingReserved, ...options.reserved, isNodeAddress },
    podRanges: parse(options.podCIDRs),
    serviceRanges: parse(options.serviceCIDRs ?? []),
    masqueradeMark: options.masqueradeMark ?? 0x4000,
    masqueradeAll: options.masqueradeAll ?? false,
    nodePortRanges: options.nodePortAddresses && parse(options.nodePortAddresses),
    localhostNodePorts: options.localhostNodePorts ?? false,
    dropInvalid: options.dropInvalid ?? true,
  }
}

/** Whether the Service has a port that nodes serve, and addresses that may be a node's. */
const isTouchy = (service: Service | undefined, { ports }: ReservedPorts): boolean => {
  const { ports: own = [], externalIPs = [] } = service?.spec ?? {}
  const hasAddresses = externalIPs.length + (service?.status?.loadBalancer?.ingress ?? []).length > 0
  return (
    hasAddresses &&
    own.some((port) => {
      const protocol = port && protocolOf(port)
      return protocol !== undefined && ports.has(reservedPort(protocol, port.port))
    })
  )
}

const addressesOfNode = (node: Node | undefined): readonly string[] =>
  (node?.status?.addresses ?? []).map(({ address }) => address)

/** Throws when an address range makes no sense. */
export const createServiceProxy = (options: ServiceProxyOptions): ServiceProxy => {
  const { services, slices, relays, followers = [], observer, log, clock = systemClock, checkEveryMs = 5_000 } = options
  /** The addresses of each node, as its object says. */
  const nodeAddresses = new Map<string, readonly string[]>()
  const isNodeAddress = (address: string): boolean =>
    (options.nodeAddresses ?? []).includes(address) ||
    options.isOwnAddress?.(address) === true ||
    [...nodeAddresses.values()].some((addresses) => addresses.includes(address))
  const context = contextOf(options, isNodeAddress)
  /** Services that want a port which nodes serve, by whatever address: these are compiled again when nodes come. */
  const touchy = new Set<string>()
  const wanted = createWantedChains(context)
  const kernel = createKernelRules(options.netfilter, frameJumps(context))
  const withoutLocal = new Map<string, readonly PolicySide[]>()
  let zone: string | undefined
  /** What was told of each Service, so that it is told once. */
  const told = new Map<string, string>()

  const tell = (key: string, problems: readonly string[]): void => {
    const text = problems.join('; ')
    if (text === (told.get(key) ?? '')) return
    if (text === '') told.delete(key)
    else told.set(key, text)
    for (const problem of problems) log.warn(problem)
  }

  /** The Service as this room knows it; one that cannot be read has no rules, and the others theirs. */
  const modelOf = (key: string): ServiceModel | undefined => {
    const service = services.get(key)
    try {
      return service && modelService(service, slices.by('service', key), { ...context, zone })
    } catch (error) {
      return { ports: [], problems: [`Service ${key} has no rules: it cannot be read: ${String(error)}`] }
    }
  }

  const compile = (key: string): void => {
    const model = modelOf(key)
    const views = model?.ports ?? []
    const places = relays?.place(key, views.flatMap(portalsOf)) ?? noRelays
    for (const follower of followers) follower.set(key, views, places)
    const rules = model && compileModel(model, context, places)
    tell(key, rules?.problems ?? [])
    wanted.replace(key, rules)
    if (isTouchy(services.get(key), context.reserved)) touchy.add(key)
    else touchy.delete(key)
    if (rules && rules.withoutLocal.length > 0) withoutLocal.set(key, rules.withoutLocal)
    else withoutLocal.delete(key)
  }

  const compileAll = async (keys: Iterable<string>): Promise<void> => {
    let count = 0
    for (const key of keys) {
      compile(key)
      if (++count % servicesPerTurn === 0) await otherWork()
    }
  }

  const everyKey = (): ReadonlySet<string> =>
    new Set([...wanted.keys(), ...[...services.entries()].map(([key]) => key)])

  /** Tells the observer of a sync. */
  const observed = async (kind: SyncKind, write: () => Promise<Written<ProxyTable>>): Promise<Written<ProxyTable>> => {
    const { family } = context
    const started = clock.now()
    observer?.started(family, kind)
    try {
      const written = await write()
      relays?.written()
      for (const follower of followers) follower.written()
      observer?.synced(family, { kind, seconds: (clock.now() - started) / 1000, written: written.rules })
      return written
    } catch (error) {
      observer?.failed(family, kind)
      throw error
    }
  }

  const repair = async (why: string): Promise<void> => {
    const started = clock.now()
    wanted.takeChange()
    const { restores } = await observed('full', () => kernel.repair(wanted.all()))
    log.info({ why, restores, services: services.size, ms: clock.now() - started }, 'service rules read back')
  }

  const look = async (): Promise<void> => {
    if (await kernel.isIntact()) return
    log.warn('somebody changed the rules of Services: reading them back')
    await repair('rules were missing')
  }

  const sync = async (dirty: Dirty): Promise<void> => {
    const keys = dirty === 'all' ? everyKey() : [...dirty].filter((key) => key !== checkKey)
    await compileAll(keys)
    if (dirty === 'all' || kernel.isUnsure) return repair(dirty === 'all' ? 'full sync' : 'a sync failed')
    if (dirty.size > (dirty.has(checkKey) ? 1 : 0)) {
      const { restores } = await observed('partial', () => kernel.advance(wanted.takeChange()))
      if (restores > 0) log.debug({ restores, changed: dirty.size }, 'service rules changed')
    }
    if (dirty.has(checkKey)) await look()
  }

  const loop = createSyncLoop({
    sync,
    resyncMs: fullSyncMs,
    clock,
    onError: (error, retryInMs) => log.error({ err: error, retryInMs }, 'cannot write the rules of Services'),
  })

  const watch = (): void => {
    services.onChange((key) => {
      observer?.changed(context.family, 'service')
      loop.mark(key)
    })
    slices.onChange((_, current, previous) => {
      observer?.changed(context.family, 'endpoints', triggerOf(current))
      for (const key of servicesOfChange(current, previous)) loop.mark(key)
    })
    options.nodes?.onChange((key, node, previous) => {
      const addresses = addressesOfNode(node)
      nodeAddresses.set(key, addresses)
      if (!node) nodeAddresses.delete(key)
      if (JSON.stringify(addresses) !== JSON.stringify(addressesOfNode(previous)))
        for (const service of touchy) loop.mark(service)
      const now = node?.metadata.labels?.[zoneLabel]
      if (key !== options.nodeName || now === zone) return
      zone = now
      // The next sync compiles all of it; what has no hints comes out as it is.
      for (const service of everyKey()) loop.mark(service)
    })
  }

  /** Marks the check due, again and again. Returns what ends it. */
  const keepChecking = (): (() => void) => {
    let cancel = clock.after(untilBeat(checkEveryMs, clock), function due() {
      loop.mark(checkKey)
      cancel = clock.after(untilBeat(checkEveryMs, clock), due)
    })
    return () => cancel()
  }

  const countWithout = (side: PolicySide): number =>
    [...withoutLocal.values()].filter((sides) => sides.includes(side)).length

  return {
    synced: loop.synced,
    rules: () => kernel.count(),
    invalidDropped: async () =>
      ((await options.netfilter.counts('filter')).get(fixedChains.guard) ?? []).reduce(
        (sum, { packets }) => sum + packets,
        0,
      ),
    refresh: (service) => loop.mark(service),
    withoutLocalEndpoints: () => ({ internal: countWithout('internal'), external: countWithout('external') }),
    run: async (signal) => {
      await Promise.race([Promise.all([services.synced, slices.synced]), aborted(signal)])
      if (signal.aborted) return
      if (context.localhostNodePorts && context.family === 'IPv4')
        await options
          .writeSysctl('net.ipv4.conf.all.route_localnet', '1')
          .catch((error: unknown) =>
            log.warn({ err: error }, 'no node ports at 127.0.0.1: they need the setting route_localnet'),
          )
      watch()
      const stopChecking = keepChecking()
      await loop.run(signal)
      stopChecking()
    },
  }
}
