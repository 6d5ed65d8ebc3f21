/** What an eviction manager looks at, on a real node. */
import type { Pod } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import type { StarvedResource } from '../pressure/signals.ts'
import type { MeasuredPod } from '../stats/measured-pods.ts'
import type { EvictionSources } from './manager.ts'
import { type ObservedPlaces, observeNode } from './observe.ts'
import type { PodDisk } from './pod-disk.ts'
import type { PodUsage } from './rank.ts'
import { storageTotal } from './storage-limits.ts'

export interface NodeSourcesOptions {
  readonly places: ObservedPlaces
  readonly disk: PodDisk
  /** The pods that may be evicted. */
  readonly pods: () => readonly Pod[]
  readonly measured: () => Promise<readonly MeasuredPod[]>
  readonly reclaimDisk: () => Promise<void>
  readonly log: Logger
}

/** Of memory and processes. */
const running = (pod: Pod, { usage: { memory, processes }, containers }: MeasuredPod): PodUsage => ({
  ...{ pod, memoryBytes: memory.workingSetBytes, processes },
  containers: new Map(containers.map(({ name, usage }) => [name, { memoryBytes: usage.memory.workingSetBytes }])),
})

export const createNodeSources = (options: NodeSourcesOptions): EvictionSources => {
  const { places, disk, pods, measured, reclaimDisk, log } = options

  const onDisk = async (pod: Pod): Promise<PodUsage> => {
    const storage = await disk.storageOf(pod)
    const containers = new Map([...storage.containers].map(([name, diskBytes]) => [name, { diskBytes }]))
    return { pod, diskBytes: storageTotal(storage), containers }
  }
  const usageOf = async (pod: Pod, resource: StarvedResource): Promise<PodUsage> => {
    try {
      if (resource === 'inodes') return { pod, inodes: await disk.inodesOf(pod), containers: new Map() }
      return await onDisk(pod)
    } catch (error) {
      log.warn({ err: error, pod: pod.metadata.name }, 'cannot measure what a pod has on the disk')
      return { pod, containers: new Map() }
    }
  }

  return {
    observe: () => observeNode(places),
    usages: async (resource) => {
      if (resource === 'memory' || resource === 'pids') {
        const all = new Map((await measured()).map((each) => [each.sandbox.id, each]))
        return pods().flatMap((pod) => {
          const found = all.get(pod.metadata.uid ?? '')
          // One that does not run yet takes none of it.
          return found ? [running(pod, found)] : []
        })
      }
      const found: PodUsage[] = []
      // One after the other: the disk is busy enough.
      for (const pod of pods()) found.push(await usageOf(pod, resource))
      return found
    },
    storageOf: disk.storageOf,
    reclaimDisk,
  }
}
