/** Pods spread evenly over zones, nodes, or whatever their constraints name. */
import { matchesNodeAffinity } from '../../../api/node-affinity.ts'
import { matchLabelSelector } from '../../../api/selectors.ts'
import { isTolerated } from '../../../api/taints.ts'
import type { Node, Pod } from '../../../api/types/index.ts'
import type { TopologySpreadConstraint } from '../../../api/types/kubernetes/core-v1.ts'
import type { Filter, PodFilter, Snapshot } from '../framework/filter.ts'
import type { NodeState } from '../framework/node-state.ts'
import type { Plugin } from '../framework/plugin.ts'
import { fewest, type Score } from '../framework/score.ts'
import { withLabelKeys } from './pod-terms.ts'

const constraintsOf = ({ spec }: Pod, whenUnsatisfiable: string): readonly TopologySpreadConstraint[] =>
  (spec.topologySpreadConstraints ?? []).filter((each) => each.whenUnsatisfiable === whenUnsatisfiable)

const isOpen = (pod: Pod, { spec }: Node): boolean =>
  (spec?.taints ?? []).every((taint) => taint.effect === 'PreferNoSchedule' || isTolerated(pod, taint))

interface Spread {
  readonly constraint: TopologySpreadConstraint
  readonly matches: (other: Pod) => boolean
  readonly isCounted: (node: Node) => boolean
  /** By the values of the topology key. */
  readonly counts: Map<string, number>
}

const spreadOf = (
  pod: Pod,
  constraint: TopologySpreadConstraint,
  isComplete: (node: Node) => boolean,
  nodes: readonly NodeState[],
): Spread => {
  const { topologyKey, labelSelector, matchLabelKeys, nodeAffinityPolicy, nodeTaintsPolicy } = constraint
  const selects = matchLabelSelector(withLabelKeys(labelSelector, pod.metadata.labels, matchLabelKeys))
  const { namespace } = pod.metadata
  const matches = ({ metadata }: Pod): boolean =>
    metadata.namespace === namespace && metadata.deletionTimestamp === undefined && selects(metadata.labels)
  const isCounted = (node: Node): boolean =>
    isComplete(node) &&
    (nodeAffinityPolicy === 'Ignore' || matchesNodeAffinity(pod.spec, node)) &&
    (nodeTaintsPolicy !== 'Honor' || isOpen(pod, node))
  const counts = new Map<string, number>()
  for (const { node, pods } of nodes) {
    const domain = node.metadata.labels?.[topologyKey]
    if (domain === undefined || !isCounted(node)) continue
    let count = counts.get(domain) ?? 0
    for (const other of pods.values()) if (matches(other)) count++
    counts.set(domain, count)
  }
  return { constraint, matches, isCounted, counts }
}

const spreadsOf = (pod: Pod, { nodes }: Snapshot, whenUnsatisfiable: string): readonly Spread[] => {
  const constraints = constraintsOf(pod, whenUnsatisfiable)
  const isComplete = ({ metadata }: Node): boolean =>
    constraints.every(({ topologyKey }) => metadata.labels?.[topologyKey] !== undefined)
  return constraints.map((constraint) => spreadOf(pod, constraint, isComplete, nodes))
}

const leastOf = ({ counts, constraint: { minDomains = 1 } }: Spread): number => {
  if (counts.size < minDomains) return 0
  let least = Number.POSITIVE_INFINITY
  for (const count of counts.values()) least = Math.min(least, count)
  return least
}

const tooMany = "node(s) didn't match pod topology spread constraints"

const prepare = (pod: Pod, snapshot: Snapshot): PodFilter | undefined => {
  const spreads = spreadsOf(pod, snapshot, 'DoNotSchedule').map((spread) => ({
    ...{ spread, own: spread.matches(pod) ? 1 : 0 },
    least: leastOf(spread),
  }))
  if (spreads.length === 0) return undefined
  return {
    check: ({ node }) => {
      for (const { spread, own, least } of spreads) {
        const { topologyKey, maxSkew } = spread.constraint
        const domain = node.metadata.labels?.[topologyKey]
        if (domain === undefined) return { reasons: [`${tooMany} (missing required label)`], isFinal: true }
        if ((spread.counts.get(domain) ?? 0) + own - least > maxSkew) return { reasons: [tooMany], isFinal: false }
      }
      return undefined
    },
    suppose: (other, { node }, change) => {
      for (const each of spreads) {
        const { counts, constraint, matches, isCounted } = each.spread
        const domain = node.metadata.labels?.[constraint.topologyKey]
        if (domain === undefined || !isCounted(node) || !matches(other)) continue
        counts.set(domain, (counts.get(domain) ?? 0) + change)
        each.least = leastOf(each.spread)
      }
    },
  }
}

const filter: Filter = { helpedBy: ['node', 'pod added', 'pod gone'], prepare }

/** Of the constraints that only wish. The more parts there are, the more one pod more or less means. */
const score: Score = {
  weight: 2,
  prepare: (pod, fitting, snapshot) => {
    const spreads = spreadsOf(pod, snapshot, 'ScheduleAnyway')
    if (spreads.length === 0) return undefined
    const worst = spreads.reduce((sum, { counts }) => sum + [...counts.values()].reduce((a, b) => a + b, 0) + 1, 0)
    return fewest(fitting, ({ node }) =>
      spreads.reduce((sum, { counts, constraint }) => {
        const domain = node.metadata.labels?.[constraint.topologyKey]
        return sum + (domain === undefined ? worst : (counts.get(domain) ?? 0) * Math.log(counts.size + 2))
      }, 0),
    )
  },
}

export const topologySpread: Plugin = { name: 'PodTopologySpread', filter, score }
