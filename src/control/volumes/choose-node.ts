/** Where a volume is made that nobody waits for. Pure. */
import { matchesNodeSelector } from '../../api/node-affinity.ts'
import type { Node } from '../../api/types/index.ts'
import type { PersistentVolume, TopologySelectorTerm } from '../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../api/types/kubernetes/storage-v1.ts'
import { isReachable } from './match.ts'

const isReady = ({ spec, status, metadata }: Node): boolean =>
  !spec?.unschedulable &&
  metadata.deletionTimestamp === undefined &&
  (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True')

/** Whether a class that names topologies has this node in one of them. */
export const isAllowed = (terms: readonly TopologySelectorTerm[] | undefined, node: Node): boolean =>
  terms === undefined ||
  terms.length === 0 ||
  matchesNodeSelector(
    {
      nodeSelectorTerms: terms.map(({ matchLabelExpressions = [] }) => ({
        matchExpressions: matchLabelExpressions.map(({ key, values }) => ({ key, operator: 'In' as const, values })),
      })),
    },
    node,
  )

/** The ready node with the fewest volumes that are reachable from it; of equal ones the first by name. */
export const chooseNode = (
  { allowedTopologies }: Pick<StorageClass, 'allowedTopologies'>,
  nodes: readonly Node[],
  volumes: readonly PersistentVolume[],
): Node | undefined => {
  const bound = volumes.filter(({ spec }) => spec.nodeAffinity?.required !== undefined)
  const counted = nodes
    .filter((node) => isReady(node) && isAllowed(allowedTopologies, node))
    .map((node) => ({ node, count: bound.filter((volume) => isReachable(volume, node)).length }))
  counted.sort((a, b) => a.count - b.count || (a.node.metadata.name < b.node.metadata.name ? -1 : 1))
  return counted[0]?.node
}
