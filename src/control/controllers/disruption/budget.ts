/** What a PodDisruptionBudget's status says. Pure. */
import { withCondition } from '../../../api/conditions.ts'
import { isFinished, isReady } from '../../../api/pods.ts'
import type { Condition, Pod } from '../../../api/types/index.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../../api/types/kubernetes/policy-v1.ts'
import { amountOf } from '../amounts.ts'

/** An eviction that was allowed and has not happened after this time will not happen. */
const deletionTimeoutMs = 120_000

const isShare = (amount: number | string | undefined): boolean => typeof amount === 'string'

/** Whether as many pods are meant as their controllers want, rather than as there are. */
export const countsByControllers = ({ spec }: PodDisruptionBudget): boolean =>
  spec.maxUnavailable !== undefined || isShare(spec.minAvailable)

export interface Amounts {
  readonly expected: number
  readonly desired: number
}

/** `expected`: how many pods there should be. */
export const amountsOf = ({ spec }: PodDisruptionBudget, expected: number): Amounts => {
  if (spec.maxUnavailable !== undefined)
    return { expected, desired: Math.max(0, expected - amountOf(spec.maxUnavailable, expected, Math.ceil)) }
  return { expected, desired: amountOf(spec.minAvailable, expected, Math.ceil) }
}

interface Awaited {
  /** Pods that were let go and are still there, with the time of that. */
  readonly disrupted: Readonly<Record<string, string>>
  /** Were let go, and nobody has deleted them. */
  readonly notDeleted: readonly Pod[]
  /** When the first of them is given up. */
  readonly againInMs: number | undefined
}

/** Who is expected to go soon. */
export const awaitedPods = ({ status }: PodDisruptionBudget, pods: readonly Pod[], now: number): Awaited => {
  const disrupted: Record<string, string> = {}
  const notDeleted: Pod[] = []
  const waits: number[] = []
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata
    const known = status.disruptedPods ?? {}
    const at = Object.hasOwn(known, name) ? known[name] : undefined
    if (deletionTimestamp !== undefined || at === undefined) continue
    const left = (Date.parse(at) || 0) + deletionTimeoutMs - now
    if (left <= 0) notDeleted.push(pod)
    else {
      disrupted[name] = at
      waits.push(left)
    }
  }
  return { disrupted, notDeleted, againInMs: waits.length > 0 ? Math.min(...waits) : undefined }
}

const isHealthy = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && !isFinished(pod) && isReady(pod)

const allowance = (
  { metadata, status }: PodDisruptionBudget,
  finding: Pick<Condition, 'status' | 'reason' | 'message'>,
  now: number,
): readonly Condition[] =>
  withCondition(
    status.conditions,
    { type: 'DisruptionAllowed', ...finding, observedGeneration: metadata.generation ?? 0 },
    now,
  )

export const countedStatus = (
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expected, desired }: Amounts,
  now: number,
): PodDisruptionBudgetStatus => {
  const { disrupted } = awaitedPods(budget, pods, now)
  const healthy = pods.filter((pod) => isHealthy(pod) && !Object.hasOwn(disrupted, pod.metadata.name)).length
  // Nothing is expected: the first pods may be there before they are counted.
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0
  const reason = allowed > 0 ? 'SufficientPods' : 'InsufficientPods'
  return {
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
    ...{ disruptionsAllowed: allowed, currentHealthy: healthy, desiredHealthy: desired, expectedPods: expected },
    conditions: allowance(budget, { status: allowed > 0 ? 'True' : 'False', reason, message: '' }, now),
  }
}

/** Where nobody can count, nobody is let go. */
export const failedStatus = (budget: PodDisruptionBudget, message: string, now: number): PodDisruptionBudgetStatus => ({
  ...budget.status,
  observedGeneration: budget.metadata.generation ?? 0,
  disruptionsAllowed: 0,
  conditions: allowance(budget, { status: 'False', reason: 'SyncFailed', message }, now),
})
