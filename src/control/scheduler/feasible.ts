/** One pod, all nodes: on which it fits, or why on none. */
import type { Pod } from '../../api/types/index.ts'
import { explain, unavailable } from './explain.ts'
import { type Fit, type Found, fitOf, type NominatedOn } from './fit.ts'
import type { ClusterEvent, Filter, Snapshot } from './framework/filter.ts'
import type { NodeState } from './framework/node-state.ts'

export type Objections = ReadonlyMap<NodeState, Found>

export interface Refused {
  readonly message: string
  /** What was found against each node. */
  readonly objections: Objections
  readonly helpedBy: ReadonlySet<ClusterEvent>
  readonly fit: Fit
}

export interface Feasible {
  /** Not empty. */
  readonly fitting: readonly NodeState[]
  /** Against those of the others that were looked at. */
  readonly objections: Objections
}

export interface Circumstances {
  /** Where the search begins; another one for each pod, so that all nodes get their share. */
  readonly from?: number
  readonly nominatedOn?: NominatedOn
  /** The node that room was made on for the pod. */
  readonly nominatedNode?: string | undefined
  /** Of so many nodes that fit, in percent of all, the best is taken. 0: fewer the more nodes there are. */
  readonly percentageOfNodesToScore?: number
  /** The names of the only nodes that are looked at. */
  readonly among?: ReadonlySet<string>
}

const fewNodes = 100

/** Of many nodes, so many that fit are enough: half of them, fewer the more there are, never less than a twentieth. */
export const enoughNodes = (count: number, percentage = 0): number =>
  count <= fewNodes
    ? count
    : Math.max(fewNodes, Math.floor((count * (percentage || Math.max(5, 50 - count / 125))) / 100))

/** Why the pod fits nowhere, by what was found against each node. */
export const refusedFor = (objections: Objections, count: number, fit: Fit): Refused => {
  const found = [...objections.values()]
  return {
    message: explain(
      found.map(({ reasons }) => reasons),
      count,
    ),
    helpedBy: new Set<ClusterEvent>(['node', ...found.flatMap((each) => each.helpedBy)]),
    ...{ objections, fit },
  }
}

const refusedEverywhere = (nodes: readonly NodeState[], fit: Fit, refusal: Found): Refused => ({
  message: unavailable(nodes.length, refusal.reasons.join(', ')),
  objections: new Map(nodes.map((state) => [state, refusal])),
  helpedBy: new Set<ClusterEvent>(refusal.helpedBy),
  fit,
})

export const findFeasible = (
  pod: Pod,
  snapshot: Snapshot,
  filters: readonly Filter[],
  { from = 0, nominatedOn, nominatedNode, percentageOfNodesToScore, among }: Circumstances = {},
): Feasible | Refused => {
  const { nodes } = snapshot
  const fit = fitOf(pod, snapshot, filters, nominatedOn)
  if (fit.refusal && nodes.length > 0) return refusedEverywhere(nodes, fit, fit.refusal)
  const nominated = nominatedNode && nodes.find(({ node }) => node.metadata.name === nominatedNode)
  if (nominated && !fit.check(nominated)) return { fitting: [nominated], objections: new Map() }
  const objections = new Map<NodeState, Found>()
  const fitting: NodeState[] = []
  const enough = enoughNodes(nodes.length, percentageOfNodesToScore)
  for (let at = 0; at < nodes.length && fitting.length < enough; at++) {
    const state = nodes[(from + at) % nodes.length]
    if (!state || (among && !among.has(state.node.metadata.name))) continue
    const objection = fit.check(state)
    if (objection) objections.set(state, objection)
    else fitting.push(state)
  }
  return fitting.length > 0 ? { fitting, objections } : refusedFor(objections, nodes.length, fit)
}
