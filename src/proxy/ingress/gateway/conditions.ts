/** Conditions of a status: what they should be, and which of the present ones they replace. */
import type { Condition } from '../../../api/types/index.ts'
import type { Problem } from './model.ts'

export interface WantedCondition {
  readonly type: string
  readonly holds: boolean
  readonly reason: string
  readonly message: string
}

/** Holds unless there is a problem. */
export const unless = (problem: Problem | undefined, type: string, reason: string = type): WantedCondition =>
  problem ? { type, holds: false, ...problem } : { type, holds: true, reason, message: '' }

/** Several problems as one: the first one's reason, all messages. */
export const together = (problems: readonly Problem[]): Problem | undefined => {
  const [first] = problems
  return first && { reason: first.reason, message: [...new Set(problems.map(({ message }) => message))].join('; ') }
}

/** No more fits into a condition. */
const longestMessage = 32_768

/**
 * The conditions to write. A condition that keeps its status keeps its time. Those of other types than `managed` belong
 * to somebody else and stay.
 */
export const settle = (
  wanted: readonly WantedCondition[],
  before: readonly Condition[] | undefined,
  managed: readonly string[],
  { generation, now }: { readonly generation: number; readonly now: string },
): readonly Condition[] => {
  const own = wanted.map(({ type, holds, reason, message }): Condition => {
    const status = holds ? 'True' : 'False'
    const known = before?.find((each) => each.type === type)
    const lastTransitionTime = known?.status === status ? (known.lastTransitionTime ?? now) : now
    const text = message.slice(0, longestMessage)
    return { type, status, reason, message: text, lastTransitionTime, observedGeneration: generation }
  })
  return [...own, ...(before ?? []).filter(({ type }) => !managed.includes(type))]
}
