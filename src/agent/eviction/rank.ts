/** Who goes first when a node runs short of something, as the kubelet has it. Pure. */
import { requestsOf } from '../../api/pod-requests.ts'
import type { Pod } from '../../api/types/index.ts'
import { isCritical } from '../pods/critical.ts'
import type { StarvedResource } from '../pressure/signals.ts'

/** What is not known is missing. */
export interface PodUsage {
  readonly pod: Pod
  readonly memoryBytes?: number | undefined
  /** Its containers' own files and logs, and its volumes that end with it. */
  readonly diskBytes?: number | undefined
  readonly inodes?: number | undefined
  readonly processes?: number | undefined
  /** Of each container, by its name. */
  readonly containers: ReadonlyMap<string, { readonly memoryBytes?: number; readonly diskBytes?: number }>
}

type Compare = (a: PodUsage, b: PodUsage) => number

const usages: Readonly<Record<StarvedResource, (usage: PodUsage) => number | undefined>> = {
  memory: ({ memoryBytes }) => memoryBytes,
  'ephemeral-storage': ({ diskBytes }) => diskBytes,
  inodes: ({ inodes }) => inodes,
  pids: ({ processes }) => processes,
}

/** What a pod has asked for of it; nobody asks for files or processes. */
const requested = (resource: StarvedResource, { pod }: PodUsage): number =>
  resource === 'memory' || resource === 'ephemeral-storage' ? requestsOf(pod)[resource] : 0

const priority = ({ pod }: PodUsage): number => pod.spec.priority ?? 0

const firstOf =
  (...compares: readonly Compare[]): Compare =>
  (a, b) => {
    for (const compare of compares) {
      const found = compare(a, b)
      if (found !== 0) return found
    }
    return 0
  }

/** Those of which it is true, first. */
const first =
  (is: (usage: PodUsage) => boolean): Compare =>
  (a, b) =>
    Number(is(b)) - Number(is(a))

/** Those that nobody could measure come first, then who uses more than asked for, then the less important, then the greediest. */
const compareBy = (resource: StarvedResource): Compare => {
  const used = usages[resource]
  const excess = (usage: PodUsage): number => (used(usage) ?? 0) - requested(resource, usage)
  return firstOf(
    first((usage) => used(usage) === undefined),
    ...(resource === 'pids' ? [] : [first((usage) => excess(usage) > 0)]),
    (a, b) => priority(a) - priority(b),
    (a, b) => excess(b) - excess(a),
    (a, b) => ((a.pod.metadata.uid ?? '') < (b.pod.metadata.uid ?? '') ? -1 : 1),
  )
}

/** In the order in which they are to go. Critical pods never go. */
export const ranked = (pods: readonly PodUsage[], resource: StarvedResource): readonly PodUsage[] =>
  pods.filter(({ pod }) => !isCritical(pod)).toSorted(compareBy(resource))
