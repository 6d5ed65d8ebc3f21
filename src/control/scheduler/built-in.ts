/** Our plug-ins that decide, in their order: the first filter that objects to a node is the one that is told. */
import type { Plugin } from './framework/plugin.ts'
import { nodePorts } from './plugins/host-ports.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { nodeAffinity } from './plugins/node-affinity.ts'
import { podAffinity } from './plugins/pod-affinity.ts'
import { nodeResourcesFit } from './plugins/resources.ts'
import { fewestPods, selectorSpread } from './plugins/spread-owners.ts'
import { taintToleration } from './plugins/taints.ts'
import { topologySpread } from './plugins/topology-spread.ts'
import { nodeUnschedulable } from './plugins/unschedulable.ts'

interface Parts {
  /** Resources that are left to somebody else. */
  readonly ignoredResources?: ReadonlySet<string>
  /** It works on the API. */
  readonly volumeBinding?: Plugin
}

export const builtInPlugins = ({ ignoredResources, volumeBinding }: Parts = {}): readonly Plugin[] => [
  ...[nodeUnschedulable, taintToleration, nodeAffinity, nodePorts, nodeResourcesFit(ignoredResources)],
  ...(volumeBinding ? [volumeBinding] : []),
  ...[topologySpread, podAffinity, selectorSpread, fewestPods, imageLocality],
]

/** By which configurations know them. */
export const builtInNames: readonly string[] = [
  ...builtInPlugins().map(({ name }) => name),
  ...['VolumeBinding', 'DefaultBinder'],
]
