/** The Node as the agent wants it, built upon what others have put there. Pure. */
import { formatTime } from '../../api/clock.ts'
import { formatQuantity } from '../../api/quantity.ts'
import type { Node, NodeAddress, NodeCondition, StringMap } from '../../api/types/index.ts'
import type { Pressure } from '../pressure/signals.ts'
import type { Image } from '../runtime/images.ts'
import type { HostFacts } from './host-facts.ts'

export interface NodeTraits {
  readonly name: string
  readonly host: HostFacts
  /** InternalIPs first. */
  readonly addresses: readonly string[]
  readonly maxPods: number
  /** What pods may ask for of its capacity. */
  readonly allocatable: StringMap
  /** What it is short of. */
  readonly pressures: ReadonlySet<Pressure>
  readonly kubeletPort: number
  readonly kubeletVersion: string
  readonly runtimeVersion: string
  readonly images: readonly Pick<Image, 'names' | 'sizeBytes'>[]
  readonly labels: StringMap
  readonly annotations: StringMap
  /** What keeps the node from being ready; empty when it is. */
  readonly problems: readonly string[]
  /** The agent is so young that what an earlier one left in the kernel speaks for the node, unless the machine is another boot. */
  readonly isStarting: boolean
}

/** The labels every node bears, and those asked for. */
export const nodeLabels = ({ name, host, labels }: NodeTraits): StringMap => ({
  'beta.kubernetes.io/arch': host.info.architecture,
  'beta.kubernetes.io/os': host.info.operatingSystem,
  'kubernetes.io/arch': host.info.architecture,
  'kubernetes.io/hostname': name,
  'kubernetes.io/os': host.info.operatingSystem,
  ...labels,
})

const kibibytes = (bytes: number): string => formatQuantity(`${Math.floor(bytes / 1024)}Ki`)

/** What the node has, in the form that the API server keeps. */
export const nodeCapacity = ({ host, maxPods }: Pick<NodeTraits, 'host' | 'maxPods'>): StringMap => ({
  cpu: formatQuantity(String(host.cpus)),
  memory: kibibytes(host.memoryBytes),
  'ephemeral-storage': kibibytes(host.storageBytes),
  pods: formatQuantity(String(maxPods)),
})

/** A resource of a domain, which no agent counts: somebody else says how much there is. */
const isExtended = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/')

const extendedOf = (resources: StringMap = {}): StringMap =>
  Object.fromEntries(Object.entries(resources).filter(([name]) => isExtended(name)))

const addressesOf = ({ name, addresses }: NodeTraits): readonly NodeAddress[] => [
  ...addresses.map((address) => ({ type: 'InternalIP', address }) as const),
  { type: 'Hostname', address: name },
]

type Finding = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>

/** An agent that is started again finds pods and traffic going on: its own beginning makes no ready node an unready one. */
const keepsReady = ({ host, isStarting }: NodeTraits, before: Node['status']): boolean =>
  isStarting &&
  before?.nodeInfo?.bootID === host.info.bootID &&
  (before.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')

type Words = readonly [reason: string, message: string]

/** What is said of a node that is short of something, and of one that is not. */
const pressureWords: Readonly<Record<Pressure, readonly [is: Words, isNot: Words]>> = {
  MemoryPressure: [
    ['KubeletHasInsufficientMemory', 'the node has insufficient memory available'],
    ['KubeletHasSufficientMemory', 'the node has sufficient memory available'],
  ],
  DiskPressure: [
    ['KubeletHasDiskPressure', 'the node has disk pressure'],
    ['KubeletHasNoDiskPressure', 'the node has no disk pressure'],
  ],
  PIDPressure: [
    ['KubeletHasInsufficientPID', 'the node has insufficient PIDs available'],
    ['KubeletHasSufficientPID', 'the node has sufficient PIDs available'],
  ],
}

const pressureNames: readonly Pressure[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure']

const pressureFindings = ({ pressures }: NodeTraits): readonly Finding[] =>
  pressureNames.map((type) => {
    const isShort = pressures.has(type)
    const [reason, message] = pressureWords[type][isShort ? 0 : 1]
    return { type, status: isShort ? 'True' : 'False', reason, message }
  })

const findings = (traits: NodeTraits, before: Node['status']): readonly Finding[] => [
  ...pressureFindings(traits),
  traits.problems.length === 0 || keepsReady(traits, before)
    ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'the podway agent is posting ready status' }
    : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: traits.problems.join('; ') },
]

const conditionsOf = (traits: NodeTraits, before: Node['status'], now: number): readonly NodeCondition[] => {
  const earlier = before?.conditions ?? []
  const own = findings(traits, before).map((finding) => {
    const known = earlier.find(({ type }) => type === finding.type)
    const moved = known?.status === finding.status ? known.lastTransitionTime : undefined
    return { ...finding, lastHeartbeatTime: formatTime(now), lastTransitionTime: moved ?? formatTime(now) }
  })
  return [...earlier.filter(({ type }) => !own.some((each) => each.type === type)), ...own]
}

const maxImages = 50
const maxImageNames = 5

const withoutImages = ({ images: _, ...status }: NonNullable<Node['status']> = {}): NonNullable<Node['status']> =>
  status

/** The largest, as the scheduler is told of them. */
const imagesOf = ({ images }: NodeTraits): NonNullable<NonNullable<Node['status']>['images']> =>
  [...images]
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, maxImages)
    .map(({ names, sizeBytes }) => ({ names: names.slice(0, maxImageNames), sizeBytes }))

/** The status of the node; conditions and extended resources of others stay. What they no longer have is not given out. */
export const nodeStatus = (traits: NodeTraits, before: Node['status'], now: number): NonNullable<Node['status']> => ({
  ...withoutImages(before),
  capacity: { ...extendedOf(before?.capacity), ...nodeCapacity(traits) },
  allocatable: { ...extendedOf(before?.capacity), ...traits.allocatable },
  conditions: conditionsOf(traits, before, now),
  addresses: addressesOf(traits),
  // The API keeps no empty list.
  ...(traits.images.length > 0 ? { images: imagesOf(traits) } : {}),
  daemonEndpoints: { kubeletEndpoint: { Port: traits.kubeletPort } },
  nodeInfo: {
    ...traits.host.info,
    containerRuntimeVersion: traits.runtimeVersion,
    kubeletVersion: traits.kubeletVersion,
    kubeProxyVersion: traits.kubeletVersion,
  },
})

/** Whether two statuses differ in more than the time of the heartbeat. */
export const withoutHeartbeat = (status: Node['status']): unknown => ({
  ...status,
  conditions: status?.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest),
})

const missing = (wanted: StringMap, found: StringMap = {}): StringMap =>
  Object.fromEntries(Object.entries(wanted).filter(([name, value]) => found[name] !== value))

/** A merge patch for labels and annotations that are missing or wrong; undefined when there are none. */
export const metadataPatch = (traits: NodeTraits, { metadata }: Node): object | undefined => {
  const labels = missing(nodeLabels(traits), metadata.labels)
  const annotations = missing(traits.annotations, metadata.annotations)
  if (Object.keys(labels).length + Object.keys(annotations).length === 0) return undefined
  return { metadata: { labels, annotations } }
}
