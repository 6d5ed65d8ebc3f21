/** Jobs and CronJobs: what is filled in, what is refused, what may change, what is left behind, what a table shows. */
import t from 'tap'
import { checkSchedule, checkTimeZone } from '../../../../src/control/resources/batch/schedule.ts'
import { columnsOf, createCase, type Refusal, reasonsOf, refusals } from '../../../support/kind-case.ts'

const jobs = 'batch/v1 jobs'
const crons = 'batch/v1 cronjobs'
const podSpec = { containers: [{ name: 'c', image: 'busybox' }], restartPolicy: 'Never' }
const template = { metadata: { labels: { app: 'a' } }, spec: podSpec }
const withSpec = (spec: object): object => ({ spec: { template, ...spec } })
const withPod = (spec: object): object => ({ spec: { template: { spec: { ...podSpec, ...spec } } } })

t.test('a Job gets its defaults, and pods of its own', async (t) => {
  const { body, api } = await createCase(jobs, withSpec({}))
  const uid = body['metadata']?.['uid']
  const own = {
    ...{ 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': 'x' },
    ...{ 'controller-uid': uid, 'job-name': 'x' },
  }
  t.match(body['metadata'], { generation: 1, labels: { app: 'a' } })
  const { template: filled, ...spec } = body['spec'] as unknown as { readonly template: object }
  t.strictSame(spec, {
    ...{ completions: 1, parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false },
    ...{ manualSelector: false, podReplacementPolicy: 'TerminatingOrFailed' },
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
  })
  t.match(filled, {
    metadata: { labels: { app: 'a', ...own } },
    spec: { restartPolicy: 'Never', dnsPolicy: 'ClusterFirst' },
  })
  t.strictSame(body['status'], {})
  const found = await api.request('GET', '/apis/batch/v1/jobs?fieldSelector=status.successful=0')
  t.equal([...(found.body['items'] as unknown as object[])].length, 1)
})

t.test('what a Job says decides what it gets', async (t) => {
  const cases: readonly (readonly [spec: object, wanted: object])[] = [
    [{ parallelism: 3 }, { parallelism: 3 }],
    [{ completions: 4 }, { completions: 4, parallelism: 1 }],
    [{ backoffLimit: 0 }, { backoffLimit: 0 }],
    [
      { completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1 },
      { backoffLimit: 2147483647, backoffLimitPerIndex: 1 },
    ],
    [
      { podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] } },
      {
        podReplacementPolicy: 'Failed',
        podFailurePolicy: { rules: [{ onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
      },
    ],
    [
      { manualSelector: true, selector: { matchLabels: { app: 'a' } } },
      { selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } } } },
    ],
  ]
  for (const [spec, wanted] of cases) t.match((await createCase(jobs, withSpec(spec))).body['spec'], wanted)
  t.notOk('completions' in ((await createCase(jobs, withSpec({ parallelism: 3 }))).body['spec'] as unknown as object))
})

const refused: readonly Refusal[] = [
  [withSpec({ parallelism: -1 }), 'spec.parallelism FieldValueInvalid'],
  [withSpec({ completions: -1 }), 'spec.completions FieldValueInvalid'],
  [withSpec({ backoffLimit: -1 }), 'spec.backoffLimit FieldValueInvalid'],
  [withSpec({ activeDeadlineSeconds: -1 }), 'spec.activeDeadlineSeconds FieldValueInvalid'],
  [withSpec({ ttlSecondsAfterFinished: -1 }), 'spec.ttlSecondsAfterFinished FieldValueInvalid'],
  [withSpec({ completionMode: 'Some' }), 'spec.completionMode FieldValueNotSupported'],
  [withSpec({ completionMode: 'Indexed', parallelism: 1 }), 'spec.completions FieldValueRequired'],
  [withSpec({ maxFailedIndexes: 1 }), 'spec.maxFailedIndexes FieldValueInvalid'],
  [withSpec({ podReplacementPolicy: 'Some' }), 'spec.podReplacementPolicy FieldValueNotSupported'],
  [withSpec({ managedBy: 'me' }), 'spec.managedBy FieldValueInvalid'],
  [withSpec({ successPolicy: { rules: [{ succeededCount: 1 }] } }), 'spec.successPolicy FieldValueInvalid'],
  [withPod({ restartPolicy: 'Always' }), 'spec.template.spec.restartPolicy FieldValueRequired'],
  [withPod({ restartPolicy: undefined }), 'spec.template.spec.restartPolicy FieldValueRequired'],
  [withPod({ restartPolicy: 'Sometimes' }), 'spec.template.spec.restartPolicy FieldValueNotSupported'],
  [withPod({ containers: [] }), 'spec.template.spec.containers FieldValueRequired'],
  [
    withSpec({ podFailurePolicy: { rules: [{ action: 'Count', onExitCodes: { operator: 'In', values: [0] } }] } }),
    'spec.podFailurePolicy.rules[0].onExitCodes.values[0] FieldValueInvalid',
  ],
]

t.test('a Job is refused, field by field', async (t) => {
  const cases: readonly Refusal[] = [
    ...refused,
    [withSpec({ manualSelector: true }), 'spec.selector FieldValueRequired'],
    [
      withSpec({ manualSelector: true, selector: { matchLabels: { app: 'b' } } }),
      'spec.template.metadata.labels FieldValueInvalid',
    ],
    [
      withSpec({ template: { ...template, metadata: { labels: { 'job-name': 'other' } } } }),
      'spec.template.metadata.labels[job-name] FieldValueInvalid',
    ],
    [
      withSpec({ selector: { matchLabels: { mine: 'b' } } }),
      'spec.selector FieldValueInvalid',
      'spec.template.metadata.labels FieldValueInvalid',
    ],
  ]
  t.strictSame(
    await refusals(jobs, cases),
    cases.map(([, ...wanted]) => wanted),
  )
})

t.test('of a Job, its pods may not change, and their place only before it starts', async (t) => {
  const { patch } = await createCase(jobs, withSpec({ suspend: true }))
  const refusedFor = async (spec: object) => reasonsOf((await patch({ spec })).body)
  t.strictSame(await refusedFor({ completions: 2 }), ['spec.completions FieldValueInvalid'])
  t.strictSame(await refusedFor({ completionMode: 'Indexed', completions: 3 }), [
    'spec.completions FieldValueInvalid',
    'spec.completionMode FieldValueInvalid',
  ])
  t.strictSame(await refusedFor({ template: { spec: { hostNetwork: true } } }), ['spec.template FieldValueInvalid'])
  t.match(await patch({ spec: { parallelism: 2, template: { spec: { nodeSelector: { a: 'b' } } } } }), {
    code: 200,
    body: { metadata: { generation: 2 } },
  })
  t.equal((await patch({ spec: { suspend: false } })).code, 200)
  t.strictSame(await refusedFor({ template: { spec: { nodeSelector: { a: 'c' } } } }), [
    'spec.template FieldValueInvalid',
  ])
  t.strictSame(await refusedFor({ selector: null }), [
    'spec.selector FieldValueInvalid',
    'spec.selector FieldValueRequired',
  ])
  t.strictSame(reasonsOf((await patch({ status: { failed: -1 } }, 'status')).body), ['status.failed FieldValueInvalid'])
})

t.test('an indexed Job grows and shrinks in both numbers at once', async (t) => {
  const { patch } = await createCase(jobs, withSpec({ completionMode: 'Indexed', completions: 2, parallelism: 2 }))
  t.equal((await patch({ spec: { completions: 3, parallelism: 3 } })).code, 200)
  t.equal((await patch({ spec: { completions: 4 } })).code, 422)
})

t.test('a Job that is deleted leaves its pods, unless the deletion says otherwise, and is told so', async (t) => {
  const told = await createCase(jobs, withSpec({}))
  const kept = await told.api.request('DELETE', told.path)
  t.match(kept.body['metadata'], { finalizers: ['orphan'] })
  t.strictSame(kept.warnings, [
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  ])
  for (const query of ['propagationPolicy=Background', 'orphanDependents=false']) {
    const { api, path } = await createCase(jobs, withSpec({}))
    const gone = await api.request('DELETE', `${path}?${query}`)
    t.match([gone.body, gone.warnings], [{ kind: 'Status', status: 'Success' }, []], query)
  }
  const all = await createCase(jobs, withSpec({}))
  const { warnings } = await all.api.request('DELETE', '/apis/batch/v1/namespaces/default/jobs')
  t.equal(warnings.length, 1)
})

t.test('a CronJob leaves its Jobs in v1beta1 only', async (t) => {
  for (const [version, finalizers, told] of [
    ['v1', undefined, []],
    ['v1beta1', ['orphan'], [/^batch\/v1beta1 CronJob is deprecated/]],
  ] as const) {
    const { api, path } = await createCase(`batch/${version} cronjobs`, cron({}))
    const { body, warnings } = await api.request('DELETE', path)
    t.strictSame(body['metadata']?.['finalizers'], finalizers, version)
    t.match(warnings, told, version)
    t.equal(warnings.length, told.length, version)
  }
})

t.test('the table of Jobs', async (t) => {
  t.strictSame(await columnsOf(jobs), [
    ...['Name string name 0', 'Completions string - 0', 'Duration string - 0', 'Age string - 0'],
    ...['Containers string - 1', 'Images string - 1', 'Selector string - 1'],
  ])
  const { row, patch, body, api } = await createCase(jobs, withSpec({ parallelism: 3 }))
  t.match(await row(), {
    ...{ Completions: '0/1 of 3', Duration: '', Containers: 'c', Images: 'busybox' },
    Selector: `batch.kubernetes.io/controller-uid=${body['metadata']?.['uid']}`,
  })
  const startTime = new Date(api.clock.now() - 90_000).toISOString()
  await patch({ status: { startTime, succeeded: 2 } }, 'status')
  t.match(await row(), { Completions: '2/1 of 3', Duration: '90s' })
})

function cron(spec: object): object {
  return { spec: { schedule: '5 * * * *', jobTemplate: { spec: { template } }, ...spec } }
}

t.test('a CronJob gets its defaults, and is the same in both versions', async (t) => {
  const { body, api, path } = await createCase(crons, cron({}))
  const { jobTemplate, ...spec } = body['spec'] as unknown as { readonly jobTemplate: object }
  t.strictSame(spec, {
    ...{ schedule: '5 * * * *', concurrencyPolicy: 'Allow', suspend: false },
    ...{ successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
  })
  t.match(jobTemplate, { spec: { template: { spec: { dnsPolicy: 'ClusterFirst' } } } })
  t.notMatch(jobTemplate, { spec: { backoffLimit: 6 } })
  const { body: beta } = await api.request('GET', path.replace('/v1/', '/v1beta1/'))
  t.strictSame(beta, { ...body, apiVersion: 'batch/v1beta1' })
})

t.test('a CronJob is refused, field by field', async (t) => {
  const cases: readonly Refusal[] = [
    [cron({ schedule: '' }), 'spec.schedule FieldValueRequired'],
    [cron({ schedule: '* * * *' }), 'spec.schedule FieldValueInvalid'],
    [cron({ schedule: 'CRON_TZ=UTC * * * * *' }), 'spec.schedule FieldValueInvalid'],
    [cron({ timeZone: 'Mars/Base' }), 'spec.timeZone FieldValueInvalid'],
    [cron({ timeZone: '' }), 'spec.timeZone FieldValueInvalid'],
    [cron({ concurrencyPolicy: 'Some' }), 'spec.concurrencyPolicy FieldValueNotSupported'],
    [cron({ startingDeadlineSeconds: -1 }), 'spec.startingDeadlineSeconds FieldValueInvalid'],
    [cron({ successfulJobsHistoryLimit: -1 }), 'spec.successfulJobsHistoryLimit FieldValueInvalid'],
    [cron({ failedJobsHistoryLimit: -1 }), 'spec.failedJobsHistoryLimit FieldValueInvalid'],
    [
      cron({ jobTemplate: { spec: { template, selector: { matchLabels: { app: 'a' } } } } }),
      'spec.jobTemplate.spec.selector FieldValueInvalid',
    ],
    [
      cron({ jobTemplate: { spec: { template, manualSelector: true } } }),
      'spec.jobTemplate.spec.manualSelector FieldValueNotSupported',
    ],
    [{ ...cron({}), metadata: { name: 'a'.repeat(53) } }, 'metadata.name FieldValueInvalid'],
    ...refused.map(
      ([content, ...fields]): Refusal => [
        cron({ jobTemplate: content }),
        ...fields.map((field) => field.replace('spec.', 'spec.jobTemplate.spec.')),
      ],
    ),
  ]
  t.strictSame(
    await refusals(crons, cases),
    cases.map(([, ...wanted]) => wanted),
  )
})

t.test('the table of CronJobs', async (t) => {
  t.strictSame(await columnsOf('batch/v1beta1 cronjobs'), [
    ...['Name string name 0', 'Schedule string - 0', 'Suspend boolean - 0', 'Active integer - 0'],
    ...['Last Schedule string - 0', 'Age string - 0'],
    ...['Containers string - 1', 'Images string - 1', 'Selector string - 1'],
  ])
  const { row, patch, api } = await createCase(crons, cron({}))
  t.match(await row(), {
    ...{ Schedule: '5 * * * *', Suspend: 'False', Active: 0, 'Last Schedule': '<none>', Selector: '<unset>' },
  })
  const lastScheduleTime = new Date(api.clock.now() - 60_000).toISOString()
  await patch({ status: { lastScheduleTime, active: [{ kind: 'Job', name: 'x-1' }] } }, 'status')
  t.match(await row(), { Active: 1, 'Last Schedule': '60s' })
})

t.test('schedules are those of robfig/cron, and so are the words of what is wrong', async (t) => {
  for (const good of [
    ...['* * * * *', '? ? ? ? ?', '*/15 0-23/2 1,15 JAN-mar Mon-Fri', '5/10 * * * 0', '0 0 29 2 *', '  0  0 * * sun '],
    ...['@hourly', '@midnight', '@every 1h30m', '@every 1.5s', '@every 0', '*-5 * * * *'],
  ])
    t.equal(checkSchedule(good), undefined, good)
  const bad: readonly (readonly [schedule: string, message: string])[] = [
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['0 * * * * *', 'expected exactly 5 fields, found 6: [0 * * * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['L * * * *', 'failed to parse int from L: invalid syntax'],
    ['* * * * 5#2', 'failed to parse int from 5#2: invalid syntax'],
    ['@reboot', 'unrecognized descriptor: @reboot'],
    ['@every day', 'failed to parse duration @every day: time: invalid duration "day"'],
    ['*'.repeat(2000), 'must be no more than 1024 characters'],
  ]
  for (const [schedule, message] of bad) t.equal(checkSchedule(schedule), message, schedule.slice(0, 40))
})

t.test('time zones are those of the IANA', async (t) => {
  for (const good of ['UTC', 'Etc/UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])
    t.equal(checkTimeZone(good), undefined, good)
  for (const bad of ['+01:00', 'Europe/Atlantis', '../etc/passwd', 'a'.repeat(100), 'UTC\n'])
    t.match(checkTimeZone(bad), /^unknown time zone /, bad)
  t.match(checkTimeZone('local'), /explicit time zone/)
})
