/** Which node's less important pods would have to go for a pod that fits nowhere: as few and as unimportant as possible. */
import { matchLabelSelector } from '../../api/selectors.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PodDisruptionBudget } from '../../api/types/kubernetes/policy-v1.ts'
import { explain } from './explain.ts'
import type { Refused } from './feasible.ts'
import { type Fit, priorityOf } from './fit.ts'
import type { Candidate } from './framework/extend.ts'
import type { NodeState } from './framework/node-state.ts'

const startOf = ({ status, metadata }: Pod): string => status?.startTime ?? metadata.creationTimestamp ?? ''

/** The most important first. */
const byImportance = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0)

/** Those of the pods that their budgets do not let go when the ones before them go. */
const guardedOf = (pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]): ReadonlySet<Pod> => {
  const left = budgets.map((budget) => ({
    budget,
    matches: matchLabelSelector(budget.spec.selector),
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }))
  const guarded = new Set<Pod>()
  for (const pod of pods) {
    const { namespace, labels, name } = pod.metadata
    for (const each of left) {
      if (each.budget.metadata.namespace !== namespace || !each.matches(labels)) continue
      if (Object.hasOwn(each.budget.status?.disruptedPods ?? {}, name)) continue
      each.allowed--
      if (each.allowed < 0) guarded.add(pod)
    }
  }
  return guarded
}

const noVictims = ['No preemption victims found for incoming pod']

type Trial = Candidate | { readonly reasons: readonly string[] }

/** Leaves the node as it was. */
const tryNode = (pod: Pod, state: NodeState, fit: Fit, budgets: readonly PodDisruptionBudget[]): Trial => {
  const lower = [...state.pods.values()].filter((other) => priorityOf(other) < priorityOf(pod)).sort(byImportance)
  if (lower.length === 0) return { reasons: noVictims }
  const gone = new Set(lower)
  const move = (other: Pod, change: 1 | -1): void => {
    fit.move(other, state, change)
    if (change === 1) gone.delete(other)
    else gone.add(other)
  }
  for (const other of lower) move(other, -1)
  const objection = fit.check(state)
  if (!objection) {
    const guarded = guardedOf(lower, budgets)
    const order = [...lower.filter((each) => guarded.has(each)), ...lower.filter((each) => !guarded.has(each))]
    for (const other of order) {
      move(other, 1)
      if (fit.check(state)) move(other, -1)
    }
    const victims = lower.filter((each) => gone.has(each))
    for (const other of victims) move(other, 1)
    // Who is asked over a wire has objected, and nobody who is there is in the way.
    if (victims.length === 0) return { reasons: noVictims }
    return { state, victims, violations: victims.filter((each) => guarded.has(each)).length }
  }
  for (const other of lower) move(other, 1)
  return { reasons: objection.reasons }
}

/** The first difference decides; the lower, the better. */
const rankOf = ({ victims, violations }: Candidate): readonly number[] => {
  const priorities = victims.map(priorityOf)
  const most = Math.max(...priorities)
  const latest = victims.filter((each) => priorityOf(each) === most).map((each) => Date.parse(startOf(each)) || 0)
  // Priorities below zero must count for more than no victim at all.
  const sum = priorities.reduce((total, priority) => total + priority + 2 ** 31, 0)
  return [violations, most, sum, victims.length, -Math.min(...latest)]
}

const isBetter = (a: Candidate, b: Candidate): boolean => {
  const other = rankOf(b)
  for (const [at, value] of rankOf(a).entries()) {
    const difference = value - (other[at] ?? 0)
    if (difference !== 0 && !Number.isNaN(difference)) return difference < 0
  }
  return false
}

/** Of many nodes where it could be done, so many are looked at. */
const enoughCandidates = (count: number): number => Math.max(100, Math.floor(count / 10))

const notHelpful = ['Preemption is not helpful for scheduling']

/** The best of them; undefined when there are none. */
export const bestCandidate = (candidates: readonly Candidate[]): Candidate | undefined => {
  let chosen: Candidate | undefined
  for (const each of candidates) if (!chosen || isBetter(each, chosen)) chosen = each
  return chosen
}

export interface Candidates {
  readonly candidates: readonly Candidate[]
  /** Why there are no others. */
  readonly message: string
}

/** `from`: where the search begins. */
export const findCandidates = (
  pod: Pod,
  { fit, objections }: Pick<Refused, 'fit' | 'objections'>,
  budgets: readonly PodDisruptionBudget[],
  from = 0,
): Candidates => {
  const all = [...objections]
  const reasons: (readonly string[])[] = []
  const candidates: Candidate[] = []
  for (let at = 0; at < all.length && candidates.length < enoughCandidates(all.length); at++) {
    const [state, objection] = all[(from + at) % all.length] ?? []
    if (!state || !objection) continue
    const trial = objection.isFinal ? { reasons: notHelpful } : tryNode(pod, state, fit, budgets)
    if ('reasons' in trial) reasons.push(trial.reasons)
    else candidates.push(trial)
  }
  return { candidates, message: `preemption: ${explain(reasons)}` }
}
