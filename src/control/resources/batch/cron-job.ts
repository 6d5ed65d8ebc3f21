import { type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { CronJob } from '../../../api/types/kubernetes/batch-v1.ts'
import { templateColumns } from '../apps/workload.ts'
import { ageColumn, column, nameColumn, since } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { define } from '../definition.ts'
import { ifWrong } from '../names.ts'
import { atLeastZero } from '../quantities.ts'
import { validateJobSpec } from './job-spec.ts'
import { checkSchedule, checkTimeZone } from './schedule.ts'

const policies = ['Allow', 'Forbid', 'Replace']

/** Its Jobs are named after it and the time: 11 characters more. */
const longestName = 52

const validateSchedule = (schedule: string): FieldError[] => {
  const field = 'spec.schedule'
  if (schedule === '') return [required(field)]
  if (schedule.includes('TZ'))
    return [invalidValue(field, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')]
  return ifWrong(checkSchedule(schedule), field, schedule)
}

const validateTemplate = ({ jobTemplate }: CronJob['spec']): FieldError[] => {
  const { selector, manualSelector } = jobTemplate.spec
  const path = 'spec.jobTemplate.spec'
  return [
    ...validateJobSpec(jobTemplate.spec, path),
    ...(selector ? [invalidValue(`${path}.selector`, selector, '`selector` will be auto-generated')] : []),
    ...(manualSelector ? [notSupported(`${path}.manualSelector`, manualSelector, ['nil', 'false'])] : []),
  ]
}

export const cronJob = define<CronJob>({
  group: 'batch',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1', orphans: {} }],
  plural: 'cronjobs',
  singular: 'cronjob',
  kind: 'CronJob',
  namespaced: true,
  shortNames: ['cj'],
  categories: ['all'],
  nameRule: {
    check: (name) =>
      checkSubdomain(name) ??
      (name.length > longestName ? `must be no more than ${longestName} characters` : undefined),
  },
  status: 'separate',
  generation: true,
  columns: [
    nameColumn,
    column('Schedule', ({ spec }) => spec.schedule, 'When it runs, in the five fields of cron'),
    column('Suspend', ({ spec }) => (spec.suspend ? 'True' : 'False'), 'Whether it is held', 'boolean'),
    column('Active', ({ status }) => (status?.active ?? []).length, 'How many of its Jobs are running', 'integer'),
    column(
      'Last Schedule',
      ({ status }, now) => (status?.lastScheduleTime ? since(status.lastScheduleTime, now) : '<none>'),
      'How long ago it ran last',
    ),
    ageColumn,
    ...templateColumns<CronJob>(({ spec }) => spec.jobTemplate.spec),
  ],
  defaults: (each) => ({
    ...each,
    spec: {
      ...{ concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
      ...each.spec,
      jobTemplate: {
        ...each.spec.jobTemplate,
        spec: { ...each.spec.jobTemplate.spec, template: defaultPodTemplate(each.spec.jobTemplate.spec.template) },
      },
    },
  }),
  onCreate: (each) => ({ ...each, status: {} }),
  validate: ({ spec }) => [
    ...validateSchedule(spec.schedule),
    ...(spec.timeZone === undefined ? [] : ifWrong(checkTimeZone(spec.timeZone), 'spec.timeZone', spec.timeZone)),
    ...atLeastZero(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'),
    ...(policies.includes(spec.concurrencyPolicy ?? '')
      ? []
      : [notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, policies)]),
    ...validateTemplate(spec),
    ...atLeastZero(spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit'),
    ...atLeastZero(spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit'),
  ],
})
