/** Which pods are where: those that the copies show on nodes, and those that are on their way there by our decision. */
import { isFinished } from '../../api/pods.ts'
import { objectKey } from '../../api/resources.ts'
import type { Node, Pod } from '../../api/types/index.ts'
import { createCluster } from './cluster.ts'
import type { NodeState } from './framework/node-state.ts'

export interface Placements {
  /** Those that pods can go to. */
  nodes(): readonly NodeState[]
  nodeOf(pod: Pod): string | undefined
  /** From now on the pod counts as being there. */
  assume(pod: Pod, node: string): void
  /** It does not go there; `current` is its copy. Whether anything has changed by that. */
  forget(pod: Pod, current: Pod | undefined): boolean
}

export interface FollowedPlacements extends Placements {
  setNode(name: string, node: Node | undefined): void
  setPod(key: string, current: Pod | undefined, previous: Pod | undefined): void
}

const uidOf = (pod: Pod | undefined): string => pod?.metadata.uid ?? ''

export const createPlacements = (): FollowedPlacements => {
  const cluster = createCluster()
  /** Not seen there in the copy yet: by uid. */
  const assumed = new Map<string, string>()
  const nodeOf = (pod: Pod): string | undefined => pod.spec.nodeName || assumed.get(uidOf(pod))
  return {
    nodes: () => cluster.states,
    nodeOf,
    assume: (pod, node) => {
      assumed.set(uidOf(pod), node)
      cluster.setPod(objectKey(pod), pod, node)
    },
    forget: (pod, current) => {
      if (!assumed.delete(uidOf(pod))) return false
      cluster.setPod(objectKey(pod), current, current?.spec.nodeName)
      return true
    },
    setNode: cluster.setNode,
    setPod: (key, current, previous) => {
      if (!current || current.spec.nodeName) assumed.delete(uidOf(current ?? previous))
      const isThere = current !== undefined && !isFinished(current)
      cluster.setPod(key, isThere ? current : undefined, isThere ? nodeOf(current) : undefined)
    },
  }
}
