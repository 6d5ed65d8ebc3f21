/** How many pods the controllers of some pods want. */
import { deployments, groupVersion, replicaSets } from '../../../api/resources.ts'
import type { OwnerReference, Pod } from '../../../api/types/index.ts'
import { controllerOf } from '../../../controller/ownership.ts'
import type { Informers } from '../informers.ts'
import { findScaled, type Scaled } from '../scaled.ts'

export interface ExpectedPods {
  readonly count: number
  /** Names of pods without a controller: nobody knows how many of them there should be. */
  readonly unmanaged: readonly string[]
}

const scaledOwner = (informers: Informers, reference: OwnerReference, namespace: string): Scaled | undefined => {
  const found = findScaled(informers, reference, namespace)
  return found?.object.metadata.uid === reference.uid ? found : undefined
}

/** A ReplicaSet of a Deployment has, in the middle of a rollout, not all of its pods. */
const topOwner = (informers: Informers, reference: OwnerReference, namespace: string): Scaled | undefined => {
  const found = scaledOwner(informers, reference, namespace)
  const above = found && reference.kind === replicaSets.kind ? controllerOf(found.object) : undefined
  const isDeployment = above?.kind === deployments.kind && above.apiVersion === groupVersion(deployments)
  return (isDeployment && above ? scaledOwner(informers, above, namespace) : undefined) ?? found
}

/** Throws an Error that names a pod whose controller cannot be scaled, or is not there. */
export const expectedPods = (informers: Informers, pods: readonly Pod[]): ExpectedPods => {
  const wanted = new Map<string, number>()
  const known = new Set<string>()
  const unmanaged: string[] = []
  for (const pod of pods) {
    const { name, namespace = '' } = pod.metadata
    const reference = controllerOf(pod)
    if (!reference) unmanaged.push(name)
    else if (!known.has(reference.uid)) {
      known.add(reference.uid)
      const owner = topOwner(informers, reference, namespace)
      if (!owner) throw new Error(`found no controllers for pod ${JSON.stringify(name)}`)
      wanted.set(owner.object.metadata.uid ?? '', owner.view.replicas)
    }
  }
  return { count: [...wanted.values()].reduce((sum, count) => sum + count, 0), unmanaged }
}
