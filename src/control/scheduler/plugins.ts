/** The plug-ins in their order: the first filter that objects to a node is the one that is told. */
import type { Pod } from '../../api/types/index.ts'
import type { Filter, Score } from './framework/plugin.ts'
import { noVolumes, type PodVolumes } from './framework/pod-volumes.ts'
import { hostPorts } from './plugins/host-ports.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { nodeAffinity, preferredNodes } from './plugins/node-affinity.ts'
import { podAffinity, preferredPods } from './plugins/pod-affinity.ts'
import { enoughResources, leastAllocated } from './plugins/resources.ts'
import { fewPods, spreadOwners } from './plugins/spread-owners.ts'
import { fewTaints, untoleratedTaints } from './plugins/taints.ts'
import { preferredSpread, topologySpread } from './plugins/topology-spread.ts'
import { unschedulable } from './plugins/unschedulable.ts'
import { reachableVolumes } from './plugins/volumes.ts'

export interface Plugins {
  readonly filters: readonly Filter[]
  readonly scores: readonly Score[]
}

/** `volumesOf`: what a pod's claims say. */
export const createPlugins = (volumesOf: (pod: Pod) => PodVolumes = () => noVolumes): Plugins => ({
  filters: [
    ...[unschedulable, untoleratedTaints, nodeAffinity, hostPorts, enoughResources],
    ...[reachableVolumes(volumesOf), topologySpread, podAffinity],
  ],
  scores: [
    ...[spreadOwners, fewTaints, preferredNodes, preferredSpread, preferredPods],
    ...[leastAllocated, fewPods, imageLocality],
  ],
})
