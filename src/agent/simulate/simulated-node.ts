/** The Node of an agent that has no machine. Pure. */
import type { Node } from '../../api/types/index.ts'
import { addressAt } from '../../ip/cidr.ts'
import { architecture } from '../node/host-facts.ts'
import { type NodeTraits, nodeCapacity } from '../node/node-object.ts'
import { simulatedRuntime } from './simulated-pod.ts'

/** On every simulated Node, so that nobody takes one for a machine, and none of a machine is taken for one. */
export const simulatedLabel = 'simulate.podway.dev/node'

export const isSimulated = ({ metadata }: Node): boolean => metadata.labels?.[simulatedLabel] === 'true'

export interface NodeSize {
  readonly cpus: number
  readonly memoryBytes: number
  readonly maxPods: number
}

export interface NodeFleet {
  readonly count: number
  /** Before `-0`, `-1`, … */
  readonly prefix: string
  /** Where their own addresses are from. */
  readonly cidr: string
  readonly size: NodeSize
  readonly version: string
}

const storageBytes = 2 ** 40

export const nodeNames = ({ prefix, count }: Pick<NodeFleet, 'prefix' | 'count'>): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`)

/** The address of the node with this number: the first is the network's own. */
export const nodeAddress = ({ cidr }: Pick<NodeFleet, 'cidr'>, n: number): string => addressAt(cidr, n + 1)

/** As a node whose network is not ready: without addresses for pods it takes none. */
const problemsOf = (node: Node | undefined): readonly string[] =>
  (node?.spec?.podCIDRs ?? []).length > 0
    ? []
    : ['waiting for a podCIDR: the control plane has none left when this lasts (see its --pod-cidr and --node-prefix)']

/** What node number `n` wants its Node to say; `node`: as it is now. */
export const simulatedTraits = (fleet: NodeFleet, n: number, node: Node | undefined): NodeTraits => {
  const { size, prefix, version } = fleet
  const name = `${prefix}-${n}`
  const info = {
    ...{ machineID: name, systemUUID: name, bootID: name, kernelVersion: 'none', osImage: 'simulated' },
    ...{ operatingSystem: 'linux', architecture: architecture() },
  }
  const host = { cpus: size.cpus, memoryBytes: size.memoryBytes, storageBytes, info }
  return {
    ...{ name, host, addresses: [nodeAddress(fleet, n)], maxPods: size.maxPods, pressures: new Set() },
    allocatable: nodeCapacity({ host, maxPods: size.maxPods }),
    // Nothing listens: 0 is "nowhere", as for agents.
    ...{ kubeletPort: 0, kubeletVersion: version, runtimeVersion: `${simulatedRuntime}://${version}`, images: [] },
    ...{ labels: { [simulatedLabel]: 'true' }, annotations: {}, problems: problemsOf(node), isStarting: false },
  }
}
