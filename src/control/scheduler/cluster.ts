/** All nodes with their pods, kept as they change: no pod that is scheduled costs a look at all the others. */
import type { Node, Pod } from '../../api/types/index.ts'
import { addPod, emptyState, factsOf, type NodeState, removePod } from './framework/node-state.ts'

export interface Cluster {
  /** Undefined: it is gone. */
  setNode(name: string, node: Node | undefined): void
  /** Undefined or without a node: it takes nothing. The node may come later. */
  setPod(key: string, pod: Pod | undefined, node: string | undefined): void
  /** Those that pods can go to. */
  readonly states: readonly NodeState[]
}

interface Placed {
  readonly pod: Pod
  readonly node: string
}

export const createCluster = (): Cluster => {
  const states = new Map<string, NodeState>()
  const placed = new Map<string, Placed>()
  const byNode = new Map<string, Set<Pod>>()
  let open: readonly NodeState[] | undefined

  const take = (key: string): void => {
    const known = placed.get(key)
    if (!known) return
    const { pod, node } = known
    placed.delete(key)
    const others = byNode.get(node)
    if (others?.delete(pod) && others.size === 0) byNode.delete(node)
    const state = states.get(node)
    if (state) removePod(state, pod)
  }

  const put = (key: string, pod: Pod, node: string): void => {
    placed.set(key, { pod, node })
    byNode.set(node, (byNode.get(node) ?? new Set()).add(pod))
    const state = states.get(node)
    if (state) addPod(state, pod)
  }

  const stateOf = (name: string, node: Node): NodeState => {
    const known = states.get(name)
    if (known) return { ...known, ...factsOf(node) }
    const state = emptyState(node)
    for (const pod of byNode.get(name) ?? []) addPod(state, pod)
    return state
  }

  return {
    setNode: (name, node) => {
      open = undefined
      if (node) states.set(name, stateOf(name, node))
      else states.delete(name)
    },
    setPod: (key, pod, node) => {
      take(key)
      if (pod && node) put(key, pod, node)
    },
    get states() {
      open ??= [...states.values()].filter(({ node }) => node.metadata.deletionTimestamp === undefined)
      return open
    },
  }
}
