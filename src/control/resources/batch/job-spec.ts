/** What Jobs and the Jobs of CronJobs have in common. */

import { type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { JobSpec, PodFailurePolicyRule } from '../../../api/types/kubernetes/batch-v1.ts'
import { validatePodTemplate } from '../core/pod-validation.ts'
import { atLeastZero } from '../quantities.ts'

const numbers = [
  ...(['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit'] as const),
  ...(['ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const),
] as const

const most = 100_000
const mostPerIndex = 10_000

const above = (value: number | undefined, limit: number, field: string, why: string): FieldError[] =>
  value !== undefined && value > limit
    ? [invalidValue(field, value, `must be less than or equal to ${limit} ${why}`)]
    : []

const validateIndexed = (spec: JobSpec, path: string): FieldError[] => {
  const { completionMode: mode, completions, parallelism, backoffLimitPerIndex, maxFailedIndexes } = spec
  if (mode !== 'Indexed') {
    const wrong = (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).filter((name) => spec[name] !== undefined)
    return [
      ...(mode === undefined || mode === 'NonIndexed'
        ? []
        : [notSupported(`${path}.completionMode`, mode, ['Indexed', 'NonIndexed'])]),
      ...wrong.map((name) => invalidValue(`${path}.${name}`, spec[name], 'requires indexed completion mode')),
    ]
  }
  const isLarge = (completions ?? 0) > most && backoffLimitPerIndex !== undefined
  return [
    ...(completions === undefined ? [required(`${path}.completions`, 'when completion mode is Indexed')] : []),
    ...above(parallelism, most, `${path}.parallelism`, 'when completion mode is Indexed'),
    ...(maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined
      ? [required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')]
      : []),
    ...(maxFailedIndexes !== undefined && completions !== undefined && maxFailedIndexes > completions
      ? [invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions')]
      : []),
    ...(isLarge
      ? [
          ...(maxFailedIndexes === undefined
            ? [required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${most}`)]
            : []),
          ...above(
            parallelism,
            mostPerIndex,
            `${path}.parallelism`,
            `when completions are above ${most} and used with backoff limit per index`,
          ),
          ...above(
            maxFailedIndexes,
            mostPerIndex,
            `${path}.maxFailedIndexes`,
            `when completions are above ${most} and used with backoff limit per index`,
          ),
        ]
      : []),
  ]
}

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']

const validateRule = (rule: PodFailurePolicyRule, spec: JobSpec, path: string): FieldError[] => {
  const { action, onExitCodes, onPodConditions = [] } = rule
  const names = [...(spec.template.spec.containers ?? []), ...(spec.template.spec.initContainers ?? [])].map(
    ({ name }) => name,
  )
  const codes = `${path}.onExitCodes`
  const values = onExitCodes?.values ?? []
  return [
    ...(action ? [] : [required(`${path}.action`, `valid values: ${actions.map((each) => `"${each}"`).join(', ')}`)]),
    ...(!action || actions.includes(action) ? [] : [notSupported(`${path}.action`, action, actions)]),
    ...(action === 'FailIndex' && spec.backoffLimitPerIndex === undefined
      ? [invalidValue(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set')]
      : []),
    ...(onExitCodes
      ? [
          ...(['In', 'NotIn'].includes(onExitCodes.operator)
            ? []
            : [notSupported(`${codes}.operator`, onExitCodes.operator, ['In', 'NotIn'])]),
          ...(onExitCodes.containerName !== undefined && !names.includes(onExitCodes.containerName)
            ? [
                invalidValue(
                  `${codes}.containerName`,
                  onExitCodes.containerName,
                  'must be one of the container or initContainer names in the pod template',
                ),
              ]
            : []),
          ...(values.length === 0 ? [invalidValue(`${codes}.values`, values, 'at least one value is required')] : []),
          ...(values.length > 255
            ? [
                {
                  reason: 'FieldValueTooMany',
                  field: `${codes}.values`,
                  message: `Too many: ${values.length}: must have at most 255 items`,
                } as const,
              ]
            : []),
          ...values.flatMap((value, at) => [
            ...(onExitCodes.operator === 'In' && value === 0
              ? [invalidValue(`${codes}.values[${at}]`, value, 'must not be 0 for the In operator')]
              : []),
            ...(at > 0 && value <= (values[at - 1] ?? value)
              ? [invalidValue(`${codes}.values`, values, 'must be ordered')]
              : []),
          ]),
        ]
      : []),
    ...onPodConditions.flatMap(({ type, status }, at) => [
      ...(type ? [] : [required(`${path}.onPodConditions[${at}].type`)]),
      ...(['True', 'False', 'Unknown'].includes(status)
        ? []
        : [notSupported(`${path}.onPodConditions[${at}].status`, status, ['False', 'True', 'Unknown'])]),
    ]),
    ...(onExitCodes && onPodConditions.length > 0
      ? [invalidValue(path, '', 'specifying both OnExitCodes and OnPodConditions is not supported')]
      : []),
    ...(!onExitCodes && onPodConditions.length === 0
      ? [invalidValue(path, '', 'specifying one of OnExitCodes and OnPodConditions is required')]
      : []),
  ]
}

const validatePolicies = (spec: JobSpec, path: string): FieldError[] => {
  const { podFailurePolicy, podReplacementPolicy, successPolicy, completionMode, managedBy } = spec
  const replacements = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  const isManager = (name: string): boolean =>
    name.length <= 63 &&
    /^[^/]+\/[^\s\p{C}"'\\]+$/u.test(name) &&
    checkSubdomain(name.split('/')[0] ?? '') === undefined
  return [
    ...(podFailurePolicy?.rules ?? []).flatMap((rule, at) =>
      validateRule(rule, spec, `${path}.podFailurePolicy.rules[${at}]`),
    ),
    ...(podReplacementPolicy === undefined || replacements.includes(podReplacementPolicy)
      ? []
      : [notSupported(`${path}.podReplacementPolicy`, podReplacementPolicy, replacements)]),
    ...(managedBy === undefined || isManager(managedBy)
      ? []
      : [invalidValue(`${path}.managedBy`, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")')]),
    ...(successPolicy && completionMode !== 'Indexed'
      ? [invalidValue(`${path}.successPolicy`, successPolicy, 'requires indexed completion mode')]
      : []),
    ...(successPolicy && successPolicy.rules.length === 0
      ? [
          required(
            `${path}.successPolicy.rules`,
            'at least one rules must be specified when the successPolicy is specified',
          ),
        ]
      : []),
    ...(successPolicy?.rules ?? []).flatMap(({ succeededIndexes, succeededCount }, at) => {
      const rule = `${path}.successPolicy.rules[${at}]`
      return [
        ...(succeededIndexes === undefined && succeededCount === undefined
          ? [required(rule, 'at least one of succeededCount or succeededIndexes must be specified')]
          : []),
        ...(succeededIndexes === undefined || /^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(succeededIndexes)
          ? []
          : [invalidValue(`${rule}.succeededIndexes`, succeededIndexes, 'error parsing succeededIndexes')]),
        ...atLeastZero(succeededCount, `${rule}.succeededCount`),
      ]
    }),
  ]
}

/** All but the selector, which only a Job of its own has. */
export const validateJobSpec = (spec: JobSpec, path: string): FieldError[] => {
  const { restartPolicy } = spec.template.spec
  const field = `${path}.template.spec.restartPolicy`
  return [
    ...numbers.flatMap((name) => atLeastZero(spec[name], `${path}.${name}`)),
    ...validateIndexed(spec, path),
    ...validatePolicies(spec, path),
    ...validatePodTemplate(spec.template, `${path}.template`).filter((error) => error.field !== field),
    ...(restartPolicy === undefined || restartPolicy === 'Always'
      ? [required(field, 'valid values: "OnFailure", "Never"')]
      : restartPolicy !== 'OnFailure' && restartPolicy !== 'Never'
        ? [notSupported(field, restartPolicy, ['OnFailure', 'Never'])]
        : []),
    ...(spec.podFailurePolicy && restartPolicy === 'OnFailure'
      ? [invalidValue(field, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')]
      : []),
  ]
}
