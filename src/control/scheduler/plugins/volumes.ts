/** Volumes that can be reached from the node, or made there. */
import type { Pod } from '../../../api/types/index.ts'
import type { Filter } from '../framework/plugin.ts'
import { noVolumes, type PodVolumes } from '../framework/pod-volumes.ts'

/** `of`: what a pod's claims say. */
export const reachableVolumes = (of: (pod: Pod) => PodVolumes): Filter => ({
  helpedBy: ['node', 'volume', 'pod gone'],
  prepare: (pod) => {
    const volumes = of(pod)
    if (volumes === noVolumes) return undefined
    return {
      ...(volumes.refusal === undefined ? {} : { refusal: volumes.refusal }),
      check: ({ node }) => {
        const reasons = volumes.objections(node)
        return reasons.length > 0 ? { reasons, isFinal: true } : undefined
      },
    }
  },
})
