/** Pods that wait for room on a node which others make for them: who comes later and is no more important leaves it to them. */
import type { Pod } from '../../api/types/index.ts'

export interface Nominations {
  on(node: string): readonly Pod[]
  nodeOf(pod: Pod): string | undefined
  /** Undefined: it waits for no node any longer. */
  set(pod: Pod, node: string | undefined): void
}

/** Asked for every node of every pod. */
const nobody: readonly Pod[] = []

export const createNominations = (): Nominations => {
  const nodes = new Map<string, string>()
  const pods = new Map<string, Map<string, Pod>>()
  return {
    on: (node) => {
      const found = pods.get(node)
      return found ? [...found.values()] : nobody
    },
    nodeOf: ({ metadata }) => nodes.get(metadata.uid ?? ''),
    set: (pod, node) => {
      const { uid = '' } = pod.metadata
      const before = nodes.get(uid)
      if (before !== undefined) {
        const others = pods.get(before)
        if (others?.delete(uid) && others.size === 0) pods.delete(before)
        nodes.delete(uid)
      }
      if (!node) return
      nodes.set(uid, node)
      pods.set(node, (pods.get(node) ?? new Map<string, Pod>()).set(uid, pod))
    },
  }
}
