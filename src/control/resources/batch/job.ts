import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { PodSpec, PodTemplateSpec } from '../../../api/types/index.ts'
import type { Job, JobSpec } from '../../../api/types/kubernetes/batch-v1.ts'
import { templateColumns, validateCounts } from '../apps/workload.ts'
import { ageColumn, column, humanDuration, nameColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { define, withMetadata } from '../definition.ts'
import { immutable, validateSelector } from '../metadata.ts'
import { checkLabel, subdomainName } from '../names.ts'
import { validateJobSpec } from './job-spec.ts'

const defaultBackoff = 6
/** With a limit for each index there is none for all. */
const noBackoff = 2 ** 31 - 1

const defaultCounts = ({ completions, parallelism }: JobSpec): Partial<JobSpec> =>
  completions === undefined && parallelism === undefined
    ? { completions: 1, parallelism: 1 }
    : { parallelism: parallelism ?? 1 }

const defaultFailurePolicy = ({ podFailurePolicy: policy }: JobSpec): Partial<JobSpec> =>
  policy
    ? {
        podFailurePolicy: {
          ...policy,
          rules: policy.rules.map((rule) =>
            rule.onPodConditions
              ? {
                  ...rule,
                  onPodConditions: rule.onPodConditions.map(({ type, status }) => ({ type, status: status || 'True' })),
                }
              : rule,
          ),
        },
      }
    : {}

const isEmpty = (map: object | undefined): boolean => Object.keys(map ?? {}).length === 0

const withDefaults = (job: Job): Job => {
  const { metadata, spec } = job
  const labels = spec.template.metadata?.labels
  return {
    ...job,
    metadata: isEmpty(metadata.labels) && labels ? { ...metadata, labels } : metadata,
    spec: {
      ...{ completionMode: 'NonIndexed', suspend: false, manualSelector: false },
      ...{ backoffLimit: spec.backoffLimitPerIndex === undefined ? defaultBackoff : noBackoff },
      podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
      ...spec,
      ...defaultCounts(spec),
      ...defaultFailurePolicy(spec),
      template: defaultPodTemplate(spec.template),
    },
  }
}

const uidLabel = 'batch.kubernetes.io/controller-uid'

/** The labels by which a Job knows its pods, in their old names, too. */
const ownLabels = ({ metadata }: Job): Readonly<Record<string, string>> => ({
  ...{ [uidLabel]: metadata.uid ?? '', 'batch.kubernetes.io/job-name': metadata.name },
  ...{ 'controller-uid': metadata.uid ?? '', 'job-name': metadata.name },
})

/** A Job that brings no selector of its own chooses its pods by labels that no other has. */
const withOwnSelector = (job: Job): Job => {
  const { template, selector, manualSelector } = job.spec
  if (manualSelector) return job
  const { metadata } = template
  const labels = { ...ownLabels(job), ...metadata?.labels }
  return {
    // A Job without labels has those of its pods.
    ...(isEmpty(job.metadata.labels) ? withMetadata(job, { labels }) : job),
    spec: {
      ...job.spec,
      selector: { ...selector, matchLabels: { [uidLabel]: job.metadata.uid ?? '', ...selector?.matchLabels } },
      template: { ...template, metadata: { ...metadata, labels } },
    },
  }
}

const validateOwnSelector = (job: Job): FieldError[] => {
  const { selector, manualSelector, template } = job.spec
  if (manualSelector || !selector) return []
  const own = ownLabels(job)
  const labels = template.metadata?.labels ?? {}
  const field = 'spec.template.metadata.labels'
  return [
    ...Object.entries(own).flatMap(([name, value]) => {
      if (labels[name] === undefined) return [required(`${field}[${name}]`, `must be '${value}'`)]
      return labels[name] === value ? [] : [invalidValue(`${field}[${name}]`, labels[name], `must be '${value}'`)]
    }),
    ...(matchLabelSelector(selector)(own)
      ? []
      : [invalidValue('spec.selector', selector, '`selector` not auto-generated')]),
  ]
}

/** The last of an indexed Job's pods has the longest name. */
const validateHostname = ({ metadata, spec }: Job): FieldError[] => {
  if (spec.completionMode !== 'Indexed' || !spec.completions || spec.completions < 0) return []
  const last = `${metadata.name}-${spec.completions - 1}`
  return checkLabel(last) === undefined
    ? []
    : [invalidValue('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${last}`)]
}

const validate = (job: Job): FieldError[] => {
  const { selector, template } = job.spec
  const labels = template.metadata?.labels ?? {}
  return [
    ...validateOwnSelector(job),
    ...validateHostname(job),
    ...validateJobSpec(job.spec, 'spec'),
    ...(selector ? validateSelector(selector, 'spec.selector') : [required('spec.selector')]),
    ...(selector && !matchLabelSelector(selector)(labels)
      ? [invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
      : []),
    ...validateCounts(job.status, ['active', 'succeeded', 'failed', 'terminating', 'ready']),
  ]
}

/** What may still be said of where pods go, as long as a Job has not started. */
const scheduling = {
  ...{ nodeSelector: undefined, tolerations: undefined, schedulingGates: undefined },
} as const

const withoutScheduling = ({ metadata, spec }: PodTemplateSpec): object => {
  const { affinity, ...rest }: PodSpec = spec
  return {
    metadata: { ...metadata, labels: undefined, annotations: undefined },
    spec: { ...rest, ...scheduling, affinity: { ...affinity, nodeAffinity: undefined } },
  }
}

const fixed = [
  ...(['selector', 'completionMode', 'podFailurePolicy', 'successPolicy'] as const),
  ...(['backoffLimitPerIndex', 'managedBy'] as const),
] as const

const validateUpdate = ({ spec }: Job, old: Job): FieldError[] => {
  const isWaiting = old.spec.suspend === true && old.status.startTime === undefined
  const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
  const [template, before] = [spec.template, old.spec.template]
  const mayChange = isWaiting && immutable('', withoutScheduling(template), withoutScheduling(before)).length === 0
  return [
    ...(isElastic ? [] : immutable('spec.completions', spec.completions, old.spec.completions)),
    ...fixed.flatMap((name) => immutable(`spec.${name}`, spec[name], old.spec[name])),
    ...(mayChange ? [] : immutable('spec.template', template, before)),
  ]
}

const completionsText = ({ spec, status }: Job): string => {
  const succeeded = status?.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  return (spec.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`
}

const durationText = ({ status }: Job, now: number): string => {
  if (!status?.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : now
  return humanDuration(end - Date.parse(status.startTime))
}

export const job = define<Job>({
  group: 'batch',
  version: 'v1',
  plural: 'jobs',
  singular: 'job',
  kind: 'Job',
  namespaced: true,
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  orphans: {
    warning:
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  },
  fields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  columns: [
    nameColumn,
    column('Completions', completionsText, 'How many of its pods have succeeded, of how many'),
    column('Duration', durationText, 'How long it has been running, or ran'),
    ageColumn,
    ...templateColumns<Job>(({ spec }) => spec),
  ],
  defaults: withDefaults,
  onCreate: (each) => ({ ...withOwnSelector(each), status: {} }),
  validate,
  validateUpdate,
})
