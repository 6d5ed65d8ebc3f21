/** What each part is given. */
import type { Registry } from 'prom-client'
import type { Client } from '../../api/client.ts'
import type { ServedPort } from '../../api/served-ports.ts'
import type { CommandRunner } from '../../host/command.ts'
import type { ListenAddress } from '../../host/http-listener.ts'
import type { Netfilter } from '../../host/netfilter/netfilter.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { AgentOptions } from '../agent.ts'
import type { ClusterInformers } from '../cluster-informers.ts'
import type { Part } from '../part-names.ts'
import type { WatchFailures } from '../watch-failures.ts'

type Shared =
  | ('kubeconfig' | 'nodeName' | 'nodeAddresses' | 'clusterCIDRs' | 'serviceCIDRs' | 'clusterDns' | 'clusterDomain')
  | ('upstreams' | 'ingress' | 'agentPort' | 'proxy' | 'dns' | 'overlay' | 'stateDir' | 'dataDir' | 'log')

/** Where the node has no pod range of its own, the cluster's counts as local. */
export interface PartsOptions extends Pick<AgentOptions, Shared> {
  readonly only: ReadonlySet<Part>
}

export interface PartContext {
  readonly options: PartsOptions
  readonly client: Client
  readonly informers: ClusterInformers
  readonly failures: WatchFailures
  readonly netfilterOf: (family: IpFamily) => Netfilter
  readonly runner: CommandRunner
  /** What this node serves itself. */
  readonly served: readonly ServedPort[]
  readonly apiServer: ListenAddress | undefined
  /** What one part counts, and another one shows. */
  readonly metrics: Set<Registry>
}
