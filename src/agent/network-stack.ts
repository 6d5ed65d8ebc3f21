/** Everything of a node that carries packets but names: pod network, Service rules, Ingress, put together. */

import type { Client } from '../api/client.ts'
import type { CommandRunner } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'
import { familiesOf, type IpFamily } from '../ip/address.ts'
import { createPolicyMetrics } from '../overlay/policy/metrics.ts'
import type { ClusterInformers } from './cluster-informers.ts'
import { createIngressStack, type IngressStackSettings } from './ingress-stack.ts'
import { createPodNetworkStack, type PodNetworkStack, type PodNetworkStackOptions } from './pod-network-stack.ts'
import { createServiceStack, type ProxySettings, readTcpLiberal } from './service-stack.ts'
import type { WatchFailures } from './watch-failures.ts'

type OfPodNetwork =
  | ('nodes' | 'nodeName' | 'nodeAddresses' | 'podCIDRs' | 'clusterCIDRs' | 'clusterDns')
  | ('settings' | 'identity' | 'agentPort' | 'servedPorts' | 'serviceCIDRs' | 'onRejected')

export interface NetworkStackOptions extends Pick<PodNetworkStackOptions, OfPodNetwork> {
  readonly informers: ClusterInformers
  readonly failures: WatchFailures
  readonly client: Client
  readonly apiServer: { readonly address: string; readonly port: number } | undefined
  readonly ingress: IngressStackSettings
  readonly clusterDomain: string
  readonly proxy: ProxySettings
  readonly netfilterOf: (family: IpFamily) => Netfilter
  readonly runner: CommandRunner
  readonly log: Logger
}

export interface NetworkStack extends Omit<PodNetworkStack, 'policies'> {
  /** Resolves when pods can be attached and reach Services. */
  readonly ready: Promise<void>
}

export const createNetworkStack = async (options: NetworkStackOptions): Promise<NetworkStack> => {
  const { informers, nodes, nodeName, nodeAddresses, podCIDRs, serviceCIDRs, runner, log } = options
  const netfilters = familiesOf([...podCIDRs, ...serviceCIDRs]).map(options.netfilterOf)
  const pods = await createPodNetworkStack({
    ...{ ...options, netfilters, pods: informers.pods(), namespaces: informers.namespaces() },
    policies: informers.policies(),
  })
  const policyMetrics = createPolicyMetrics(pods.policies)
  const proxy = createServiceStack({
    ...{ services: informers.services(), slices: informers.slices(), nodes, nodeName, podCIDRs, runner, log },
    ...{ netfilters, nodeAddresses, serviceCIDRs },
    settings: options.proxy,
    ...{ servedPorts: options.servedPorts ?? [], apiServer: options.apiServer },
    isTcpLiberal: await readTcpLiberal(),
    moreMetrics: () => [policyMetrics],
  })
  const ingress = createIngressStack({
    ...{ client: options.client, informers, failures: options.failures, nodeName, log },
    ...{ clusterDomain: options.clusterDomain, clusterDns: options.clusterDns },
    ...{ nodeAddresses, netfilterOf: options.netfilterOf, runner },
    settings: options.ingress,
  })

  return {
    ...pods,
    ready: Promise.all([pods.ready, proxy.synced]).then(() => undefined),
    run: async (signal) => {
      await Promise.all([pods.run(signal), proxy.run(signal), ingress.run(signal)])
    },
  }
}
