/** The parts of an agent, and what each is given. */
import type { Registry } from 'prom-client'
import type { Client } from '../../api/client.ts'
import type { Connection } from '../../api/kubeconfig.ts'
import type { ServedPort } from '../../api/served-ports.ts'
import type { CommandRunner } from '../../host/command.ts'
import type { ListenAddress } from '../../host/http-listener.ts'
import type { Iproute } from '../../host/iproute.ts'
import type { Netfilter } from '../../host/netfilter/netfilter.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { OverlayIdentity } from '../../overlay/annotations.ts'
import type { ClusterInformers } from '../cluster-informers.ts'
import type { PartName } from '../part-names.ts'
import type { WatchFailures } from '../watch-failures.ts'
import type { AgentOptions } from './options.ts'
import type { PodNetworkSlot } from './pod-network-slot.ts'
import type { Readiness } from './readiness.ts'

/** How a part comes to the place of another process' one. */
export interface Succession {
  /** To be called once the part serves. */
  readonly onReady: () => void
  /** Resolves when no other process serves any more, or is waited for. */
  readonly alone: Promise<void>
}

export interface Part {
  readonly name: PartName
  /** It can serve beside another process: it starts before that one ends, so that no question goes unanswered. */
  readonly isWarm: boolean
  /** Runs until `signal` aborts; rejects when it cannot start. What is in the kernel stays: traffic goes on. */
  run(signal: AbortSignal, succession: Succession): Promise<void>
}

export interface NodeContext {
  readonly options: AgentOptions
  readonly client: Client
  readonly connection: Connection
  /** The client reads again where and as whom it asks. */
  readonly refreshConnection: () => Promise<void>
  /** Where the servers of the API are kept. */
  readonly serversFile: string
  readonly informers: ClusterInformers
  readonly failures: WatchFailures
  readonly netfilterOf: (family: IpFamily) => Netfilter
  readonly runner: CommandRunner
  /** For whoever looks from time to time whether all is in place: it asks the kernel only when something has changed. */
  readonly iproute: Iproute
  /** What this node serves itself. */
  readonly served: readonly ServedPort[]
  readonly apiServer: ListenAddress | undefined
  /** As other nodes know it. */
  readonly identity: () => Promise<OverlayIdentity>
  /** What one part counts, and another one shows. */
  readonly metrics: Set<Registry>
  readonly readiness: Readiness
  readonly podNetwork: PodNetworkSlot
}

/** Nothing is started before `run`; what the node's readiness waits for is told at once. */
export type CreatePart = (node: NodeContext) => Part
