/** What a Job's podFailurePolicy says of a failed pod. Pure. */
import type { Pod } from '../../../api/types/index.ts'
import type {
  Job,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
} from '../../../api/types/kubernetes/batch-v1.ts'

export interface FailureVerdict {
  readonly action: 'Count' | 'Ignore' | 'FailIndex' | 'FailJob'
  /** Why, for the condition of a Job that fails by it. */
  readonly message?: string
}

const exitCodeOf = (
  pod: Pod,
  { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement,
): { readonly name: string; readonly code: number } | undefined => {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]
  for (const { name, state } of statuses) {
    const code = state?.terminated?.exitCode ?? 0
    const isMeant = containerName === undefined || containerName === name
    if (isMeant && code !== 0 && values.includes(code) === (operator === 'In')) return { name, code }
  }
  return undefined
}

const conditionOf = (pod: Pod, patterns: readonly PodFailurePolicyOnPodConditionsPattern[]): string | undefined =>
  pod.status?.conditions?.find((condition) =>
    patterns.some(({ type, status }) => type === condition.type && status === condition.status),
  )?.type

/** Why the rule is about the pod; undefined when it is not. */
const matches = (
  pod: Pod,
  { action, onExitCodes, onPodConditions }: PodFailurePolicyRule,
  at: number,
): string | undefined => {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`
  const rule = `matching ${action} rule at index ${at}`
  if (onExitCodes) {
    const found = exitCodeOf(pod, onExitCodes)
    return found && `Container ${found.name} for pod ${name} failed with exit code ${found.code} ${rule}`
  }
  const condition = conditionOf(pod, onPodConditions ?? [])
  return condition && `Pod ${name} has condition ${condition} ${rule}`
}

const isAction = (text: string): text is FailureVerdict['action'] =>
  ['Count', 'Ignore', 'FailIndex', 'FailJob'].includes(text)

/** The first rule that is about the pod decides. */
export const judgeFailure = ({ spec }: Job, pod: Pod): FailureVerdict => {
  for (const [at, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const message = matches(pod, rule, at)
    if (message !== undefined && isAction(rule.action)) return { action: rule.action, message }
  }
  return { action: 'Count' }
}
