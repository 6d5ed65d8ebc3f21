/** Everything of a node that carries packets: pod network, Service rules, DNS, Ingress, put together. */
import type { Client } from '../api/client.ts'
import { createInformer, type Informer } from '../api/informer.ts'
import { endpointSlices, ingressClasses, ingresses, type Resource, services } from '../api/resources.ts'
import type { KubeObject, Node, Service } from '../api/types/index.ts'
import type { Upstream } from '../dns/forward/upstream.ts'
import type { CommandRunner } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import { detectBackend } from '../host/netfilter/backend.ts'
import { createNetfilter } from '../host/netfilter/netfilter.ts'
import { writeSysctl } from '../host/sysctl.ts'
import { familiesOf, familyOf, hostCidr } from '../ipam/cidr.ts'
import { createFileLeaseStore } from '../ipam/lease-store.ts'
import { openPodAddresses } from '../ipam/pod-addresses.ts'
import type { BackendName } from '../overlay/backend.ts'
import { podBridge } from '../overlay/bridge.ts'
import { createOverlay } from '../overlay/overlay.ts'
import { createPodNetwork } from '../overlay/pod-network.ts'
import type { HostPortMapping } from '../overlay/rules.ts'
import { createIngress } from '../proxy/ingress/ingress.ts'
import { serviceOfSlice } from '../proxy/iptables/endpoints.ts'
import { createDnsStack, type DnsSettings, watchPodNames, watchPublished } from './dns-stack.ts'
import type { PodNetwork } from './network.ts'
import { createServiceStack, type ProxySettings, readTcpLiberal } from './service-stack.ts'

export interface NetworkStackOptions {
  readonly client: Client
  readonly nodes: Informer<Node>
  readonly nodeName: string
  /** At most one of each IP family; the first carries pod traffic. */
  readonly nodeAddresses: readonly string[]
  readonly podCIDRs: readonly string[]
  readonly clusterCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  readonly clusterDns: string
  readonly clusterDomain: string
  readonly upstreams: readonly Upstream[]
  readonly searches: readonly string[]
  readonly ingressPort: number
  readonly proxy: ProxySettings
  readonly dns: DnsSettings
  readonly overlay: BackendName
  /** Address leases are kept here. */
  readonly leaseFile: string
  readonly runner: CommandRunner
  readonly log: Logger
}

export interface NetworkStack {
  readonly network: PodNetwork
  readonly services: Informer<Service>
  /** Resolves when pods can be attached and reach Services and DNS. */
  readonly ready: Promise<void>
  setHostPorts(podId: string, mappings: readonly HostPortMapping[]): void
  /** Runs until `signal` aborts. All that is in the kernel stays: traffic goes on. */
  run(signal: AbortSignal): Promise<void>
}

export const createNetworkStack = async (options: NetworkStackOptions): Promise<NetworkStack> => {
  const { client, nodes, nodeName, nodeAddresses, podCIDRs, clusterCIDRs, serviceCIDRs, clusterDns, runner, log } =
    options
  const watch = <T extends KubeObject>(
    resource: Resource<T>,
    indexes: Readonly<Record<string, (object: T) => readonly string[]>> = {},
  ): Informer<T> =>
    createInformer(client, resource, {
      indexes,
      onError: (error, retryInMs) => log.warn({ err: error, kind: resource.kind, retryInMs }, 'cannot watch'),
    })

  const { backend, mixed } = await detectBackend(runner)
  if (mixed) log.warn({ backend }, 'both rule stores hold rules: packets pass through both, each tool sees its own')
  const netfilters = familiesOf([...podCIDRs, ...serviceCIDRs]).map((family) =>
    createNetfilter(runner, family, backend),
  )
  const informers = {
    services: watch(services),
    slices: watch(endpointSlices, { service: serviceOfSlice }),
    ingresses: watch(ingresses),
    classes: watch(ingressClasses),
  }

  const podNames = watchPodNames(client, (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot watch pods'))
  const published = watchPublished(client, (error, retryInMs) =>
    log.warn({ err: error, retryInMs }, 'cannot watch published records'),
  )

  const overlay = await createOverlay({
    ...{ nodes, nodeName, podCIDRs, runner, log, writeSysctl },
    clusterCIDRs,
    underlayAddress: nodeAddresses[0] ?? '',
    backend: options.overlay,
    netfilters,
  })
  const addresses = await openPodAddresses({ podCIDRs, store: createFileLeaseStore(options.leaseFile) })
  const proxy = createServiceStack({
    ...{ ...informers, nodes, nodeName, podCIDRs, runner, log },
    ...{ netfilters, nodeAddresses, serviceCIDRs },
    settings: options.proxy,
    isTcpLiberal: await readTcpLiberal(),
  })
  const dns = await createDnsStack({
    ...{
      ...informers,
      pods: podNames,
      published,
      settings: options.dns,
      address: clusterDns,
      device: podBridge,
      clusterDomain: options.clusterDomain,
    },
    ...{
      upstreams: options.upstreams,
      searches: options.searches,
      netfilter: createNetfilter(runner, familyOf(clusterDns), backend),
      runner,
      log,
    },
    recursionCIDRs: [...clusterCIDRs, ...[...nodeAddresses, clusterDns, '::1'].map(hostCidr), '127.0.0.0/8'],
  })
  const ingress = createIngress({ ...informers, listen: { address: '0.0.0.0', port: options.ingressPort }, log })

  return {
    network: createPodNetwork({ addresses, links: overlay.links, ready: overlay.synced }),
    services: informers.services,
    ready: Promise.all([overlay.synced, proxy.synced, dns.ready]).then(() => undefined),
    setHostPorts: overlay.setHostPorts,
    run: async (signal) => {
      await Promise.all([
        ...[...Object.values(informers), podNames, published].map((informer) => informer.run(signal)),
        overlay.run(signal),
        proxy.run(signal),
        ingress.run(signal),
        dns.run(signal, overlay.bridged),
      ])
    },
  }
}
