/** What an agent is told when it starts. */
import type { Logger } from '../../host/log.ts'
import type { CollectionPolicy } from '../../images/collect/candidates.ts'
import type { DnsSettings } from '../dns-stack.ts'
import type { EvictionSettings } from '../eviction/manager.ts'
import type { IngressStackSettings } from '../ingress-stack.ts'
import type { LogForwardSettings } from '../logs/forward/open-sinks.ts'
import type { Reservation } from '../node/reserved.ts'
import type { PartName } from '../part-names.ts'
import type { OverlaySettings } from '../pod-network-stack.ts'
import type { NodeRuntimeName } from '../runtime/runtime-names.ts'
import type { ProxySettings } from '../service-stack.ts'

export interface AgentOptions {
  /** The parts that run here; with `pods` they are all, and the Node is the agent's own. */
  readonly only: ReadonlySet<PartName>
  readonly kubeconfig: string
  /** The kubeconfig was made by joining: the certificate in it is renewed there. */
  readonly hasJoined: boolean
  readonly nodeName: string
  /** Among the nodes, at most one of each IP family; the first carries pod traffic. */
  readonly nodeAddresses: readonly string[]
  /** What need not outlive a reboot. */
  readonly stateDir: string
  /** What must. */
  readonly dataDir: string
  /** Different for each node of one machine. */
  readonly cgroupParent: string
  /** Where CSI drivers of the node have their sockets. */
  readonly csiPlugins: string
  /** What runs pods that do not ask for another. */
  readonly runtime: NodeRuntimeName
  /** Where a container runtime of the machine listens; the usual places are tried when missing. */
  readonly criSocket: string | undefined
  readonly eviction: EvictionSettings
  /** What is kept for the machine, and for its daemons. */
  readonly reserved: readonly Reservation[]
  readonly imageCollection: CollectionPolicy
  /** A folder with manifests of pods that run here whatever the API says. */
  readonly podManifestPath: string | undefined
  readonly overlay: OverlaySettings
  /** Where the node has no pod range of its own, the cluster's counts as local. */
  readonly clusterCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  readonly clusterDns: string
  readonly clusterDomain: string
  /** Where names outside are asked for; those of the node's resolv.conf when missing. */
  readonly upstreams: readonly string[] | undefined
  readonly ingress: IngressStackSettings
  readonly proxy: ProxySettings
  readonly dns: DnsSettings
  /** 0 for none: the control plane comes over the connection that the agent dials. */
  readonly agentPort: number
  /** No targets: nothing is forwarded. */
  readonly logForward: LogForwardSettings
  /** The folder with the `podway` that containers find on their PATH. */
  readonly launcherDir: string
  readonly version: string
  readonly log: Logger
}
