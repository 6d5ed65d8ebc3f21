/** Where a pod goes about which others are asked, too: it takes a while, and what happens meanwhile counts. */
import type { Pod } from '../../api/types/index.ts'
import { type Consulted, consult } from './consult.ts'
import { best, type Decision } from './decide.ts'
import { type Circumstances, findFeasible, type Objections, refusedFor } from './feasible.ts'
import type { Found } from './fit.ts'
import type { Extend } from './framework/extend.ts'
import type { Snapshot } from './framework/filter.ts'
import type { NodeState } from './framework/node-state.ts'
import type { DecidingPlugins } from './profile.ts'

export interface Together {
  readonly plugins: DecidingPlugins
  readonly extenders: readonly Extend[]
  /** As it is now. */
  look(): Snapshot
}

/** Of each node what was found last; it may not be the object that it was. */
const together = (...all: readonly Objections[]): Objections => {
  const last = new Map<string, readonly [NodeState, Found]>()
  for (const each of all) for (const entry of each) last.set(entry[0].node.metadata.name, entry)
  return new Map(last.values())
}

/** Of the nodes that all have left, those that still fit. */
const conclude = (
  pod: Pod,
  before: Objections,
  { left, objections, bonus }: Consulted,
  { plugins, look }: Together,
  circumstances: Circumstances,
): Decision => {
  const snapshot = look()
  const among = new Set(left.map(({ node }) => node.metadata.name))
  const found = findFeasible(pod, snapshot, plugins.filters, { ...circumstances, among })
  if ('message' in found) {
    const all = together(before, objections, found.objections)
    return refusedFor(all, snapshot.nodes.length, found.fit)
  }
  const state = best(pod, found.fitting, snapshot, plugins.scores, ({ node }) => bonus.get(node.metadata.name) ?? 0)
  if (!state) throw new Error('no node is feasible')
  return { state }
}

/** Rejects when one does not answer whose answer cannot be done without. */
export const decideTogether = async (
  pod: Pod,
  setting: Together,
  { nominatedNode, ...circumstances }: Circumstances,
  signal: AbortSignal,
): Promise<Decision> => {
  const { plugins, extenders, look } = setting
  const found = findFeasible(pod, look(), plugins.filters, { ...circumstances, nominatedNode })
  if ('message' in found) return found
  const asked = await consult(extenders, pod, found.fitting, signal)
  if (asked.left.length === 0 && nominatedNode) return decideTogether(pod, setting, circumstances, signal)
  return conclude(pod, found.objections, asked, setting, circumstances)
}
