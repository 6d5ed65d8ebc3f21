/** StatefulSets, DaemonSets and ControllerRevisions: what is filled in, what is refused, what may change, what a table shows. */
import t from 'tap'
import { columnsOf, createCase, type Refusal, reasonsOf, refusals } from '../../../support/kind-case.ts'

const podSpec = { containers: [{ name: 'c', image: 'busybox' }] }
const selector = { matchLabels: { app: 'a' } }
const template = { metadata: { labels: { app: 'a' } }, spec: podSpec }
const workload = { selector, template }
const filledTemplate = {
  metadata: { labels: { app: 'a' } },
  spec: {
    restartPolicy: 'Always',
    ...{ terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler' },
    securityContext: {},
    containers: [
      {
        ...{ name: 'c', image: 'busybox', imagePullPolicy: 'Always', resources: {} },
        ...{ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
      },
    ],
  },
}
const withSpec = (spec: object): object => ({ spec: { ...workload, ...spec } })
const withPod = (spec: object): object => withSpec({ template: { ...template, spec: { ...podSpec, ...spec } } })

const workloadRefusals: readonly Refusal[] = [
  [withSpec({ selector: {} }), 'spec.selector FieldValueInvalid'],
  [withSpec({ selector: { matchLabels: { app: 'b' } } }), 'spec.template.metadata.labels FieldValueInvalid'],
  [withSpec({ minReadySeconds: -1 }), 'spec.minReadySeconds FieldValueInvalid'],
  [withSpec({ revisionHistoryLimit: -1 }), 'spec.revisionHistoryLimit FieldValueInvalid'],
  [withPod({ containers: [] }), 'spec.template.spec.containers FieldValueRequired'],
  [withPod({ restartPolicy: 'Never' }), 'spec.template.spec.restartPolicy FieldValueNotSupported'],
  [withPod({ activeDeadlineSeconds: 5 }), 'spec.template.spec.activeDeadlineSeconds FieldValueForbidden'],
]

const sts = 'apps/v1 statefulsets'
const claim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
}

t.test('a StatefulSet gets its defaults', async (t) => {
  const mounting = {
    containers: [{ ...podSpec.containers[0], volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
  }
  const { body } = await createCase(sts, {
    spec: { ...workload, template: { ...template, spec: mounting }, serviceName: 'a', volumeClaimTemplates: [claim] },
  })
  t.match(body, { metadata: { generation: 1 } })
  t.strictSame(body['spec'], {
    ...{ podManagementPolicy: 'OrderedReady', replicas: 1, revisionHistoryLimit: 10, serviceName: 'a', selector },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    template: {
      ...filledTemplate,
      spec: {
        ...filledTemplate.spec,
        containers: [{ ...filledTemplate.spec.containers[0], ...mounting.containers[0] }],
      },
    },
    volumeClaimTemplates: [
      {
        ...{
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'data' },
          status: { phase: 'Pending' },
        },
        spec: { ...claim.spec, volumeMode: 'Filesystem' },
      },
    ],
  })
  t.strictSame(body['status'], { replicas: 0, availableReplicas: 0 })
  const { body: onDelete } = await createCase(sts, withSpec({ updateStrategy: { type: 'OnDelete' }, replicas: 0 }))
  t.strictSame(onDelete['spec']?.['updateStrategy'], { type: 'OnDelete' })
  t.equal(onDelete['spec']?.['replicas'], 0)
})

t.test('a StatefulSet is refused, field by field', async (t) => {
  const cases: readonly Refusal[] = [
    ...workloadRefusals,
    [
      withSpec({ selector: undefined }),
      'spec.selector FieldValueRequired',
      'spec.template.metadata.labels FieldValueInvalid',
    ],
    [withSpec({ replicas: -1 }), 'spec.replicas FieldValueInvalid'],
    [withSpec({ podManagementPolicy: 'Some' }), 'spec.podManagementPolicy FieldValueInvalid'],
    [withSpec({ updateStrategy: { type: 'Recreate' } }), 'spec.updateStrategy FieldValueInvalid'],
    [
      withSpec({ updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } }),
      'spec.updateStrategy.rollingUpdate FieldValueInvalid',
    ],
    [
      withSpec({ updateStrategy: { rollingUpdate: { partition: -1 } } }),
      'spec.updateStrategy.rollingUpdate.partition FieldValueInvalid',
    ],
    [withSpec({ ordinals: { start: -1 } }), 'spec.ordinals.start FieldValueInvalid'],
    [withSpec({ serviceName: 'a b' }), 'spec.serviceName FieldValueInvalid'],
    [
      withSpec({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep' } }),
      'spec.persistentVolumeClaimRetentionPolicy.whenDeleted FieldValueNotSupported',
    ],
    [
      withSpec({ volumeClaimTemplates: [{ ...claim, metadata: { name: 'A' } }] }),
      'spec.volumeClaimTemplates[0].metadata.name FieldValueInvalid',
    ],
    [
      withPod({ containers: [{ ...podSpec.containers[0], volumeMounts: [{ name: 'data', mountPath: '/d' }] }] }),
      'spec.template.spec.containers[0].volumeMounts[0].name FieldValueNotFound',
    ],
  ]
  t.strictSame(
    await refusals(sts, cases),
    cases.map(([, ...wanted]) => wanted),
  )
})

t.test('of a StatefulSet, what makes its pods other pods may not change', async (t) => {
  const { patch, api, path } = await createCase(sts, withSpec({ serviceName: 'a' }))
  const forbidden = await patch({ spec: { serviceName: 'b' } })
  t.equal(forbidden.code, 422)
  t.equal(
    forbidden.body['message'],
    `StatefulSet.apps "x" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden`,
  )
  for (const spec of [
    { selector: { matchLabels: { app: 'b' } }, template: { metadata: { labels: { app: 'b' } } } },
    { podManagementPolicy: 'Parallel' },
    { volumeClaimTemplates: [claim] },
  ])
    t.ok(reasonsOf((await patch({ spec })).body).includes('spec FieldValueForbidden'), JSON.stringify(spec))
  const changed = await patch({
    spec: {
      ...{ replicas: 2, minReadySeconds: 3, revisionHistoryLimit: 4, ordinals: { start: 1 } },
      ...{ updateStrategy: { type: 'OnDelete', rollingUpdate: null }, template: { metadata: { labels: { b: 'c' } } } },
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' },
    },
  })
  t.match(changed, { code: 200, body: { metadata: { generation: 2 } } })
  const scaled = await api.request('PUT', `${path}/scale`, { body: { metadata: { name: 'x' }, spec: { replicas: 7 } } })
  t.match(scaled, { code: 200, body: { kind: 'Scale', spec: { replicas: 7 }, status: { selector: 'app=a' } } })
  t.match((await api.request('GET', path)).body, { spec: { replicas: 7 }, metadata: { generation: 3 } })
})

t.test('the status of a StatefulSet has numbers that can be', async (t) => {
  const { patch, row } = await createCase(sts, withSpec({ replicas: 3 }))
  t.match(await patch({ status: { replicas: 3, readyReplicas: 2 } }, 'status'), {
    code: 200,
    body: { metadata: { generation: 1 }, status: { readyReplicas: 2 } },
  })
  t.match(await row(), { Name: 'x', Ready: '2/3', Age: '0s', Containers: 'c', Images: 'busybox' })
  t.strictSame(reasonsOf((await patch({ status: { readyReplicas: 4, currentReplicas: -1 } }, 'status')).body), [
    'status.currentReplicas FieldValueInvalid',
    'status.readyReplicas FieldValueInvalid',
  ])
})

const ds = 'apps/v1 daemonsets'

t.test('a DaemonSet gets its defaults', async (t) => {
  const { body } = await createCase(ds, { spec: workload })
  t.match(body, {
    metadata: { generation: 1, annotations: { 'deprecated.daemonset.template.generation': '1' } },
  })
  t.strictSame(body['spec'], {
    ...{ revisionHistoryLimit: 10, selector, template: filledTemplate },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
  })
  t.strictSame(body['status'], {
    ...{ currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  })
})

t.test('a DaemonSet is refused, field by field', async (t) => {
  const rolling = (rollingUpdate: object) => withSpec({ updateStrategy: { rollingUpdate } })
  const field = 'spec.updateStrategy.rollingUpdate'
  const cases: readonly Refusal[] = [
    ...workloadRefusals,
    [withSpec({ selector: undefined }), 'spec.template.metadata.labels FieldValueInvalid'],
    [withSpec({ updateStrategy: { type: 'Recreate' } }), 'spec.updateStrategy FieldValueNotSupported'],
    [rolling({ maxUnavailable: 0 }), `${field}.maxUnavailable FieldValueRequired`],
    [rolling({ maxUnavailable: '101%' }), `${field}.maxUnavailable FieldValueInvalid`],
    [rolling({ maxUnavailable: '1', maxSurge: 1 }), `${field}.maxUnavailable FieldValueInvalid`],
    [rolling({ maxSurge: 1 }), `${field}.maxSurge FieldValueInvalid`],
    [rolling({ maxUnavailable: 0, maxSurge: -1 }), `${field}.maxSurge FieldValueInvalid`],
  ]
  t.strictSame(
    await refusals(ds, cases),
    cases.map(([, ...wanted]) => wanted),
  )
  const { body } = await createCase(ds, rolling({ maxUnavailable: 0, maxSurge: '30%' }))
  t.strictSame(body['spec']?.['updateStrategy'], {
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable: 0, maxSurge: '30%' },
  })
})

t.test('a DaemonSet counts the changes of its template, and keeps its selector', async (t) => {
  const { patch, row } = await createCase(ds, withPod({ nodeSelector: { role: 'edge', disk: 'ssd' } }))
  const generations = async (change: object) => {
    const { code, body } = await patch(change)
    t.equal(code, 200)
    const { generation, annotations } = body['metadata'] ?? {}
    return [generation, annotations?.['deprecated.daemonset.template.generation']] as unknown
  }
  t.strictSame(await generations({ spec: { minReadySeconds: 1 } }), [2, '1'])
  t.strictSame(await generations({ spec: { template: { metadata: { labels: { b: 'c' } } } } }), [3, '2'])
  t.strictSame(await generations({ metadata: { annotations: null } }), [3, '2'])
  const other = { selector: { matchLabels: { app: 'b' } }, template: { metadata: { labels: { app: 'b' } } } }
  t.strictSame(reasonsOf((await patch({ spec: other })).body), ['spec.selector FieldValueInvalid'])
  t.equal((await patch({ status: { desiredNumberScheduled: 2, numberReady: 1 } }, 'status')).code, 200)
  t.match(await row(), {
    ...{ Desired: 2, Current: 0, Ready: 1, 'Up-to-date': 0, Available: 0, 'Node Selector': 'disk=ssd,role=edge' },
    ...{ Containers: 'c', Images: 'busybox', Selector: 'app=a' },
  })
  t.strictSame(reasonsOf((await patch({ status: { numberReady: -1 } }, 'status')).body), [
    'status.numberReady FieldValueInvalid',
  ])
})

t.test('a Deployment may not make more of its pods unavailable than there are', async (t) => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '101%' } }
  t.strictSame(await refusals('apps/v1 deployments', [[withSpec({ strategy })]]), [
    ['spec.strategy.rollingUpdate.maxUnavailable FieldValueInvalid'],
  ])
})

t.test('a ControllerRevision keeps what it was made with', async (t) => {
  const revisions = 'apps/v1 controllerrevisions'
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }
  const data = { spec: { template: { $patch: 'replace', any: ['a "text"', 1, null] } } }
  const metadata = { name: 'x', ownerReferences: [owner] }
  const { body, row, patch } = await createCase(revisions, { metadata, data, revision: 3 })
  t.strictSame([body['data'], body['revision'], body['metadata']?.['generation']], [data, 3, undefined])
  t.match(await row(), { Name: 'x', Controller: 'statefulset.apps/web', Revision: 3, Age: '0s' })
  t.equal((await patch({ revision: 4 })).code, 200)
  t.strictSame(reasonsOf((await patch({ data: { spec: { more: 1 } } })).body), ['data FieldValueInvalid'])
  t.strictSame(await refusals(revisions, [[{}], [{ data, revision: -1 }]]), [
    ['data FieldValueRequired'],
    ['revision FieldValueInvalid'],
  ])
})

t.test('tables have the columns of Kubernetes', async (t) => {
  t.strictSame(await columnsOf(sts), [
    ...['Name string name 0', 'Ready string - 0', 'Age string - 0', 'Containers string - 1', 'Images string - 1'],
  ])
  t.strictSame(await columnsOf(ds), [
    ...['Name string name 0', 'Desired integer - 0', 'Current integer - 0', 'Ready integer - 0'],
    ...['Up-to-date integer - 0', 'Available integer - 0', 'Node Selector string - 0', 'Age string - 0'],
    ...['Containers string - 1', 'Images string - 1', 'Selector string - 1'],
  ])
  t.strictSame(await columnsOf('apps/v1 controllerrevisions'), [
    ...['Name string name 0', 'Controller string - 0', 'Revision string - 0', 'Age string - 0'],
  ])
})
