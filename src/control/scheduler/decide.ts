/** One pod, all nodes: where it goes, or why nowhere. */
import type { Pod } from '../../api/types/index.ts'
import { explain, unavailable } from './explain.ts'
import { type Fit, type Found, fitOf, type NominatedOn } from './fit.ts'
import type { NodeState } from './framework/node-state.ts'
import type { ClusterEvent, Score, Snapshot } from './framework/plugin.ts'
import type { Plugins } from './plugins.ts'

export interface Refused {
  readonly message: string
  /** What was found against each node. */
  readonly objections: ReadonlyMap<NodeState, Found>
  readonly helpedBy: ReadonlySet<ClusterEvent>
  readonly fit: Fit
}

export type Decision = { readonly state: NodeState } | Refused

export interface Circumstances {
  /** Where the search begins; another one for each pod, so that all nodes get their share. */
  readonly from?: number
  readonly nominatedOn?: NominatedOn
  /** The node that room was made on for the pod. */
  readonly nominatedNode?: string | undefined
}

const fewNodes = 100

/** Of many nodes, so many that fit are enough: half of them, fewer the more there are, never less than a twentieth. */
export const enoughNodes = (count: number): number =>
  count <= fewNodes ? count : Math.max(fewNodes, Math.floor((count * Math.max(5, 50 - count / 125)) / 100))

/** The best of the nodes; of equal ones the first. Undefined when there are none. */
export const best = (
  pod: Pod,
  fitting: readonly NodeState[],
  snapshot: Snapshot,
  scores: readonly Score[],
): NodeState | undefined => {
  if (fitting.length < 2) return fitting[0]
  const prepared = scores.flatMap((score) => {
    const of = score.prepare(pod, fitting, snapshot)
    return of ? [{ weight: score.weight, of }] : []
  })
  let chosen: { readonly state: NodeState; readonly total: number } | undefined
  for (const state of fitting) {
    const total = prepared.reduce((sum, { weight, of }) => sum + weight * of(state), 0)
    if (!chosen || total > chosen.total) chosen = { state, total }
  }
  return chosen?.state
}

const refusedEverywhere = (nodes: readonly NodeState[], fit: Fit, refusal: Found): Refused => ({
  message: unavailable(nodes.length, refusal.reasons.join(', ')),
  objections: new Map(nodes.map((state) => [state, refusal])),
  helpedBy: new Set<ClusterEvent>(refusal.helpedBy),
  fit,
})

export const decide = (
  pod: Pod,
  snapshot: Snapshot,
  { filters, scores }: Plugins,
  { from = 0, nominatedOn, nominatedNode }: Circumstances = {},
): Decision => {
  const { nodes } = snapshot
  const fit = fitOf(pod, snapshot, filters, nominatedOn)
  if (fit.refusal && nodes.length > 0) return refusedEverywhere(nodes, fit, fit.refusal)
  const nominated = nominatedNode && nodes.find(({ node }) => node.metadata.name === nominatedNode)
  if (nominated && !fit.check(nominated)) return { state: nominated }
  const objections = new Map<NodeState, Found>()
  const fitting: NodeState[] = []
  const enough = enoughNodes(nodes.length)
  for (let at = 0; at < nodes.length && fitting.length < enough; at++) {
    const state = nodes[(from + at) % nodes.length]
    if (!state) continue
    const objection = fit.check(state)
    if (objection) objections.set(state, objection)
    else fitting.push(state)
  }
  const state = best(pod, fitting, snapshot, scores)
  if (state) return { state }
  const found = [...objections.values()]
  const helpedBy = new Set<ClusterEvent>(['node', ...found.flatMap((each) => each.helpedBy)])
  return { message: explain(found.map(({ reasons }) => reasons)), objections, helpedBy, fit }
}
