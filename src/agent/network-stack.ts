/** Everything of a node that carries packets but names: pod network, Service rules, Ingress, put together. */
import type { Informer } from '../api/informer.ts'
import type { Node } from '../api/types/index.ts'
import type { CommandRunner } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import type { IpFamily, Netfilter } from '../host/netfilter/netfilter.ts'
import { writeSysctl } from '../host/sysctl.ts'
import { familiesOf } from '../ipam/cidr.ts'
import { createFileLeaseStore } from '../ipam/lease-store.ts'
import { openPodAddresses } from '../ipam/pod-addresses.ts'
import type { BackendName } from '../overlay/backend.ts'
import { createOverlay } from '../overlay/overlay.ts'
import { createPodNetwork } from '../overlay/pod-network.ts'
import { createPolicyEnforcer } from '../overlay/policy/enforcer.ts'
import { createPolicyMetrics } from '../overlay/policy/metrics.ts'
import type { HostPortMapping } from '../overlay/rules.ts'
import { createIngress } from '../proxy/ingress/ingress.ts'
import type { ClusterInformers } from './cluster-informers.ts'
import type { PodNetwork } from './network.ts'
import { createServiceStack, type ProxySettings, readTcpLiberal } from './service-stack.ts'

export interface NetworkStackOptions {
  readonly informers: ClusterInformers
  readonly nodes: Informer<Node>
  readonly nodeName: string
  /** At most one of each IP family; the first carries pod traffic. */
  readonly nodeAddresses: readonly string[]
  readonly podCIDRs: readonly string[]
  readonly clusterCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  readonly clusterDns: string
  readonly ingressPort: number
  readonly proxy: ProxySettings
  readonly overlay: BackendName
  /** Address leases are kept here. */
  readonly leaseFile: string
  readonly netfilterOf: (family: IpFamily) => Netfilter
  readonly runner: CommandRunner
  readonly log: Logger
}

export interface NetworkStack {
  readonly network: PodNetwork
  /** Resolves when the pods' bridge is there. */
  readonly bridged: Promise<void>
  /** Resolves when pods can be attached and reach Services. */
  readonly ready: Promise<void>
  setHostPorts(podId: string, mappings: readonly HostPortMapping[]): void
  /** Runs until `signal` aborts. All that is in the kernel stays: traffic goes on. */
  run(signal: AbortSignal): Promise<void>
}

export const createNetworkStack = async (options: NetworkStackOptions): Promise<NetworkStack> => {
  const { informers, nodes, nodeName, nodeAddresses, podCIDRs, clusterCIDRs, serviceCIDRs, runner, log } = options
  const netfilters = familiesOf([...podCIDRs, ...serviceCIDRs]).map(options.netfilterOf)
  const overlay = await createOverlay({
    ...{ nodes, nodeName, podCIDRs, runner, log, writeSysctl },
    clusterCIDRs,
    underlayAddress: nodeAddresses[0] ?? '',
    backend: options.overlay,
    netfilters,
  })
  const addresses = await openPodAddresses({ podCIDRs, store: createFileLeaseStore(options.leaseFile) })
  const policies = createPolicyEnforcer({
    ...{ pods: informers.pods, namespaces: informers.namespaces, policies: informers.policies },
    ...{ nodeName, podCIDRs, netfilters, log, clusterDns: options.clusterDns },
  })
  const proxy = createServiceStack({
    ...{ ...informers, nodes, nodeName, podCIDRs, runner, log },
    ...{ netfilters, nodeAddresses, serviceCIDRs },
    settings: options.proxy,
    isTcpLiberal: await readTcpLiberal(),
    moreMetrics: [createPolicyMetrics(policies)],
  })
  const ingress = createIngress({ ...informers, listen: { address: '0.0.0.0', port: options.ingressPort }, log })

  return {
    network: createPodNetwork({ addresses, policies, links: overlay.links, ready: overlay.synced }),
    bridged: overlay.bridged,
    ready: Promise.all([overlay.synced, policies.synced, proxy.synced]).then(() => undefined),
    setHostPorts: overlay.setHostPorts,
    run: async (signal) => {
      await Promise.all([overlay.run(signal), policies.run(signal), proxy.run(signal), ingress.run(signal)])
    },
  }
}
