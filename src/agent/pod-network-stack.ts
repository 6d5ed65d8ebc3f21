/** The pod network of a node, put together: addresses, links, the way to other nodes, policies, and the CNI plugin. */
import type { Informer } from '../api/informer.ts'
import type { ServedPort } from '../api/served-ports.ts'
import type { Namespace, NetworkPolicy, Node } from '../api/types/index.ts'
import type { CommandRunner } from '../host/command.ts'
import { createConversations } from '../host/conntrack/conversations.ts'
import type { Iproute } from '../host/iproute.ts'
import type { Logger } from '../host/log.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'
import { writeSysctl } from '../host/sysctl.ts'
import { createFileLeaseStore } from '../ipam/lease-store.ts'
import { openPodAddresses } from '../ipam/pod-addresses.ts'
import { findPodAddresses } from '../overlay/address-recovery.ts'
import type { OverlayIdentity } from '../overlay/annotations.ts'
import type { BackendName } from '../overlay/backend.ts'
import { announceNetwork, type NetworkPlace } from '../overlay/cni/announce.ts'
import { createCniPlugin } from '../overlay/cni/plugin.ts'
import { runCniServer } from '../overlay/cni/server.ts'
import type { HostPortMapping } from '../overlay/host-ports.ts'
import { createOverlay } from '../overlay/overlay.ts'
import type { Rejection } from '../overlay/peers.ts'
import { createPodNetwork } from '../overlay/pod-network.ts'
import { createPolicyEnforcer, type PolicyEnforcer } from '../overlay/policy/enforcer.ts'
import type { PolicyPod } from '../overlay/policy/pod.ts'
import { createPodConnections } from './pod-connections.ts'
import type { PodNetwork } from './pods/pod-network.ts'
import { ownAddresses } from './service-stack.ts'

/** What the operator of a node may choose about the pod network. */
export interface OverlaySettings {
  readonly backend: BackendName
  /** With vxlan: neighbours are reached without the tunnel. */
  readonly directRouting: boolean
  /** Where the node's WireGuard key is kept. */
  readonly keyFile: string
  /** Address leases are kept here. */
  readonly leaseFile: string
  /** Where container runtimes' requests come in. */
  readonly cniSocket: string
  /** Where they are shown the network once requests are served; missing: nowhere. */
  readonly announce?: NetworkPlace
}

export interface PodNetworkStackOptions {
  /** Of all nodes. */
  readonly pods: Informer<PolicyPod>
  readonly namespaces: Informer<Namespace>
  readonly policies: Informer<NetworkPolicy>
  readonly nodes: Informer<Node>
  readonly nodeName: string
  /** The first carries pod traffic. */
  readonly nodeAddresses: readonly string[]
  readonly podCIDRs: readonly string[]
  readonly clusterCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  /** Told of every node that gets no traffic because of what it claims. */
  readonly onRejected: (rejection: Rejection) => void
  readonly clusterDns: string
  /** Where agents (or kubelets) of all nodes answer. */
  readonly agentPort: number
  /** What this node serves itself: no pod gets such a port of it. */
  readonly servedPorts?: readonly ServedPort[]
  readonly settings: OverlaySettings
  readonly identity: OverlayIdentity
  /** One for each family. */
  readonly netfilters: readonly Netfilter[]
  readonly runner: CommandRunner
  readonly iproute: Iproute
  readonly log: Logger
}

export interface PodNetworkStack {
  readonly network: PodNetwork
  readonly policies: PolicyEnforcer
  /** Resolves when pods can be attached. */
  readonly ready: Promise<void>
  /** As the overlay's. */
  setHostPorts(podId: string, mappings: readonly HostPortMapping[]): Promise<readonly string[]>
  /** Runs until `signal` aborts. All that is in the kernel stays: traffic goes on. */
  run(signal: AbortSignal): Promise<void>
}

/** Changes nothing before `run`. Rejects when the node's address is nobody's, or the leases cannot be read. */
export const createPodNetworkStack = async (options: PodNetworkStackOptions): Promise<PodNetworkStack> => {
  const { pods, namespaces, policies: policyObjects, nodes, nodeName, podCIDRs, clusterCIDRs, settings, log } = options
  const { netfilters, runner, clusterDns, identity } = options
  const connections = createPodConnections({
    ...{ families: netfilters.map(({ family }) => family), runner, ownAddresses, log },
  })
  const overlay = await createOverlay({
    ...{ nodes, nodeName, podCIDRs, clusterCIDRs, runner, netfilters, log, writeSysctl, identity },
    ...{ iproute: options.iproute },
    ...{ serviceCIDRs: options.serviceCIDRs, onRejected: options.onRejected },
    ...{ underlayAddress: options.nodeAddresses[0] ?? '', backend: settings.backend },
    ...{ keyFile: settings.keyFile, directRouting: settings.directRouting },
    ...(options.agentPort > 0 ? { probePort: options.agentPort } : {}),
    onHostPorts: connections.setHostPorts,
    servedPorts: options.servedPorts ?? [],
  })
  const onDamage = (message: string): void => log.warn(message)
  const recovery = { onDamage, find: () => findPodAddresses(runner, podCIDRs, onDamage) }
  const addresses = await openPodAddresses({ podCIDRs, store: createFileLeaseStore(settings.leaseFile, recovery) })
  const policies = createPolicyEnforcer({
    ...{ pods, namespaces, policies: policyObjects, nodeName, podCIDRs, clusterDns, netfilters, log },
    ...{ conversations: (family) => createConversations(runner, family), ownAddresses },
  })
  const ready = Promise.all([overlay.synced, policies.synced]).then(() => undefined)
  let isReady = false
  void ready.then(() => {
    isReady = true
  })
  const network = createPodNetwork({
    addresses,
    policies,
    links: overlay.links,
    ready,
    forgetAddresses: connections.forgetAddresses,
  })
  const plugin = createCniPlugin({
    ...{ network, addresses, links: overlay.links, podCIDRs, mtu: overlay.mtu, log },
    ...{ setHostPorts: overlay.setHostPorts, isReady: () => isReady },
  })
  const announce = async (): Promise<void> => {
    if (!settings.announce) return
    try {
      if (await announceNetwork(settings.announce)) log.info(settings.announce, 'container runtimes see the network')
    } catch (error) {
      log.warn({ err: error, ...settings.announce }, 'cannot show the network to container runtimes')
    }
  }
  return {
    ...{ network, policies, ready, setHostPorts: overlay.setHostPorts },
    run: async (signal) => {
      const restored = ready
        .then(plugin.restore)
        .catch((error: unknown) => log.warn({ err: error }, 'cannot take up what container runtimes had asked for'))
      await Promise.all([
        ...[overlay.run(signal), policies.run(signal), connections.run(signal)],
        runCniServer(settings.cniSocket, plugin, log, signal, () => void Promise.all([ready, restored]).then(announce)),
      ])
    },
  }
}
