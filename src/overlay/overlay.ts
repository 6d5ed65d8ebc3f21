/** The pod network of one node: bridge, way to the other nodes, rules, and the links of its pods. */

import { aborted, type Clock, sleep } from '../api/clock.ts'
import type { Informer } from '../api/informer.ts'
import type { ServedPort } from '../api/served-ports.ts'
import { createSyncLoop } from '../api/sync-loop.ts'
import type { Node } from '../api/types/index.ts'
import type { CommandRunner } from '../host/command.ts'
import { createIproute, type Iproute, type Line, line } from '../host/iproute.ts'
import type { Logger } from '../host/log.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'
import { createRuleKeeper, removeChains } from '../host/netfilter/rule-keeper.ts'
import { answersTcp } from '../host/tcp-probe.ts'
import { familyOf, isIPv6 } from '../ip/address.ts'
import { networkOf } from '../ip/cidr.ts'
import { gatewayOf } from '../ipam/pod-addresses.ts'
import type { OverlayIdentity } from './annotations.ts'
import type { BackendName, Underlay } from './backend.ts'
import { createBackend } from './backends.ts'
import { ensureBridge, loopbackSysctl, podBridge } from './bridge.ts'
import { type HostPortMapping, type HostPorts, readHostPorts } from './host-ports.ts'
import { findAddress, showLinks, showRoutes } from './kernel-view.ts'
import { removeLeftovers, tunnelDevices } from './leftovers.ts'
import { createLinkKeeper, type LinkTroubles } from './link-keeper.ts'
import { probeOffload } from './offload.ts'
import { type OwnEnd, type Peer, type Rejection, selectPeers, toPeer, wrongRange } from './peers.ts'
import { createPodLinks, linkName, type PodLinks } from './pod-links.ts'
import { compileRules, isOverlayChain, overlayJumps } from './rules.ts'

export interface OverlayOptions {
  readonly nodes: Informer<Node>
  readonly nodeName: string
  /** Of this node, one for each family. */
  readonly podCIDRs: readonly string[]
  /** Of all nodes. */
  readonly clusterCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  /** This node's address on the network between the nodes. */
  readonly underlayAddress: string
  readonly backend: BackendName
  readonly identity: OverlayIdentity
  /** Where the node's WireGuard key is kept. */
  readonly keyFile: string
  /** With vxlan: neighbours on the network between the nodes are reached without the tunnel. */
  readonly directRouting?: boolean
  /** Programs run in the node's network namespace. */
  readonly runner: CommandRunner
  /** Of the same; its answers may be a little old. */
  readonly iproute: Iproute
  /** One for each family. */
  readonly netfilters: readonly Netfilter[]
  readonly writeSysctl: (key: string, value: string) => Promise<void>
  readonly log: Logger
  readonly clock?: Clock
  /** How often to look whether all is in place. */
  readonly resyncMs?: number
  /** Told of every node that gets no traffic because of what it claims, once for each reason. */
  readonly onRejected?: (rejection: Rejection) => void
  /** Told of the host ports of a pod when their rules are in place; of none when they are gone. */
  readonly onHostPorts?: (podId: string, ports: HostPorts['ports']) => void
  /** What this node serves itself: no pod gets such a port of it. */
  readonly servedPorts?: readonly ServedPort[]
  /** A port that agents answer on: nodes are asked through the tunnel, too. Missing: they are not. */
  readonly probePort?: number
}

export interface Overlay {
  /** Keeps everything in place until `signal` aborts, and leaves it there: traffic outlives the agent. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when pods can be attached. */
  readonly synced: Promise<void>
  /** What is attached is kept whole. */
  readonly links: PodLinks
  readonly linkTroubles: LinkTroubles
  /** Of the pods' interfaces. */
  readonly mtu: number
  /**
   * The host ports of one pod; none when empty. Resolves when they are forwarded, or are no longer: to those that cannot be,
   * and why. Nothing for the same again.
   */
  setHostPorts(podId: string, mappings: readonly HostPortMapping[]): Promise<readonly string[]>
}

const probeEveryMs = 60_000

/** Does all of it, whatever fails on the way; then rejects with the first failure. */
const eachOf = async (works: readonly (() => Promise<void>)[]): Promise<void> => {
  const failures: unknown[] = []
  for (const work of works) await work().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

/** Throws when no device has the address. */
const findUnderlay = async (iproute: Iproute, address: string): Promise<Underlay> => {
  const found = await findAddress(iproute, address)
  if (!found) throw new Error(`no device of this node has the address ${address}: is --node-ip right?`)
  const { device, mtu, prefixLength } = found
  return { address, device, mtu, network: networkOf(address, prefixLength) }
}

/**
 * Looks at the node's devices, and changes nothing before `run`. Rejects when the underlay address is nobody's, or the pods'
 * range cannot be right.
 */
export const createOverlay = async (options: OverlayOptions): Promise<Overlay> => {
  const { nodes, nodeName, podCIDRs, clusterCIDRs, runner, iproute, log, clock, resyncMs = 5_000 } = options
  const underlay = await findUnderlay(iproute, options.underlayAddress)
  const own: OwnEnd = {
    ...{ nodeName, podCIDRs, clusterCIDRs, serviceCIDRs: options.serviceCIDRs, identity: options.identity },
    ...{ address: underlay.address, underlayNetwork: underlay.network },
  }
  const wrong = podCIDRs.flatMap((cidr) => wrongRange(cidr, own) ?? [])[0]
  if (wrong !== undefined) throw new Error(`this node's ${wrong}: see kubectl get node ${nodeName} -o yaml`)
  const backend = createBackend(options.backend, {
    ...{ iproute, runner, podCIDRs, underlay, identity: options.identity, keyFile: options.keyFile },
    directRouting: options.directRouting ?? false,
  })
  const mtu = underlay.mtu - backend.overhead
  const keepers = options.netfilters.map((netfilter) => ({
    family: netfilter.family,
    keeper: createRuleKeeper(netfilter, overlayJumps(netfilter.family, backend.device)),
  }))
  const hostPorts = new Map<string, HostPorts>()
  const context = { podCIDRs, servedPorts: options.servedPorts ?? [] }

  const syncRules = async (): Promise<void> => {
    await eachOf(
      keepers.map(({ family, keeper }) => async () => {
        const ports = [...hostPorts.values()].flatMap((own) => own.ports[family])
        const isNews = await keeper.ensure(compileRules({ family, clusterCIDRs, podCIDRs, hostPorts: ports }))
        if (isNews) log.info({ family }, 'rules of the pod network written')
      }),
    )
  }

  let told: ReadonlySet<string> = new Set()
  const tellRejected = (rejected: readonly Rejection[]): void => {
    const textOf = ({ node, reason }: Rejection): string => `${node}: ${reason}`
    for (const rejection of rejected.filter((each) => !told.has(textOf(each)))) {
      log.error(rejection, 'node gets no pod traffic: what it claims is not its own')
      options.onRejected?.(rejection)
    }
    told = new Set(rejected.map(textOf))
  }

  const currentPeers = (): readonly Peer[] => {
    const { peers, rejected } = selectPeers(nodes.values(), own)
    tellRejected(rejected)
    return peers
  }

  /** What could not be written for other nodes: one that cannot be reached stops nobody else, and is told once. */
  let unwritten: ReadonlySet<string> = new Set()
  const syncPeers = async (look: 'kernel' | 'memory'): Promise<void> => {
    const failures = new Set(await backend.sync(currentPeers(), look))
    for (const failure of failures)
      if (!unwritten.has(failure)) log.warn({ failure }, 'no way to the pods of another node')
    unwritten = failures
  }

  /** Looks from time to time whether the tunnel carries more than pings. */
  const keepProbing = async (port: number, device: string, signal: AbortSignal): Promise<void> => {
    await Promise.race([loop.synced, aborted(signal)])
    for (; !signal.aborted; await sleep(probeEveryMs, signal, clock))
      await probeOffload({ runner, device, log, answers: (address) => answersTcp(address, port) }, currentPeers())
  }

  const podLinks = createPodLinks({ runner, mtu, gateways: podCIDRs.map(gatewayOf) })
  const keeper = createLinkKeeper({ runner, iproute, links: podLinks, log, resyncMs, ...(clock ? { clock } : {}) })
  const bridge = async (): Promise<void> => {
    const isNew = await ensureBridge({ iproute, podCIDRs, mtu, writeSysctl: options.writeSysctl })
    // Links that were put back without it are no ports of it, and those that could not be need wait no longer.
    if (isNew) keeper.look()
  }

  let isTidy = false
  const tidy = async (): Promise<void> => {
    await removeLeftovers(iproute, backend, isIPv6(underlay.address) ? '-6' : '-4')
    isTidy = true
  }
  const loop = createSyncLoop({
    ...{ resyncMs, onBeat: true },
    ...(clock ? { clock } : {}),
    sync: async (dirty) => {
      const isAll = dirty === 'all'
      // Begun first: at a beat they are asked for together with what other rooms ask.
      const rules = syncRules()
      rules.catch(() => undefined)
      await eachOf([
        ...(isAll ? [bridge] : []),
        ...(isTidy ? [] : [tidy]),
        ...(isAll || dirty.has('peers') ? [() => syncPeers(isAll ? 'kernel' : 'memory')] : []),
        async () => {
          await rules
          // Only behind the rules that guard it.
          if (isAll) await options.writeSysctl(...loopbackSysctl)
        },
      ])
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'the pod network is not in place; trying again'),
  })

  return {
    synced: loop.synced,
    mtu,
    links: keeper.links,
    linkTroubles: keeper.troubles,
    setHostPorts: async (podId, mappings) => {
      const wanted = readHostPorts(mappings, context)
      const before = hostPorts.get(podId) ?? readHostPorts([], context)
      if (JSON.stringify(before) === JSON.stringify(wanted)) return []
      if (mappings.length > 0) hostPorts.set(podId, wanted)
      else hostPorts.delete(podId)
      await loop.done('host ports')
      options.onHostPorts?.(podId, wanted.ports)
      return wanted.problems
    },
    run: async (signal) => {
      await bridge().catch((error: unknown) => log.warn({ err: error }, 'no bridge for the pods yet; trying again'))
      await Promise.race([nodes.synced, aborted(signal)])
      const family = familyOf(underlay.address)
      nodes.onChange((_key, current, previous) => {
        const isSame =
          JSON.stringify(current && toPeer(current, family)) === JSON.stringify(previous && toPeer(previous, family))
        if (!isSame) loop.mark('peers')
      })
      const { probePort } = options
      const { device, name } = backend
      const isProbed = probePort !== undefined && device !== undefined && name === 'vxlan'
      await Promise.all([
        ...[loop.run(signal), keeper.run(signal)],
        isProbed ? keepProbing(probePort, device, signal) : undefined,
      ])
      podLinks.close()
    },
  }
}

/** Removes what is there now. What goes by itself meanwhile is gone all the same; throws for what stays. */
const removeAll = async (
  iproute: Iproute,
  find: () => Promise<readonly string[]>,
  removal: (one: string) => Line,
): Promise<void> => {
  const failures = await iproute.each('ip', (await find()).map(removal))
  if (failures.length === 0) return
  const left = await find()
  if (left.length > 0) throw new Error(`cannot remove ${left.join(', ')}: ${failures.join('; ')}`)
}

/** Takes away everything an overlay has ever made on this node; running pods lose their network. Safe to repeat. */
export const cleanupOverlay = async (runner: CommandRunner, netfilters: readonly Netfilter[]): Promise<void> => {
  const iproute = createIproute(runner)
  const isOurs = ({ name, alias }: { readonly name: string; readonly alias: string }): boolean =>
    [...tunnelDevices, podBridge].includes(name) || (alias !== '' && name === linkName(alias))
  await removeAll(
    iproute,
    async () => (await showLinks(iproute)).filter(isOurs).map(({ name }) => name),
    (name) => line`link del dev ${name}`,
  )
  for (const family of ['-4', '-6'] as const)
    await removeAll(
      iproute,
      async () => (await showRoutes(iproute, family, ['proto', '117'])).map(({ destination }) => destination),
      (destination) => line`route del ${destination} proto 117`,
    )
  for (const netfilter of netfilters) await removeChains(netfilter, ['nat', 'filter', 'mangle'], isOverlayChain)
}
