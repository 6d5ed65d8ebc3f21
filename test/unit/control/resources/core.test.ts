/** The core kinds that are kept and shown: what is filled in, what is refused, what a table shows. */
import t, { type Test } from 'tap'
import { createCase, type Refusal, refusals } from '../../../support/kind-case.ts'

const podSpec = { containers: [{ name: 'c', image: 'busybox' }] }
const template = { metadata: { labels: { app: 'a' } }, spec: podSpec }
const create = (plural: string, content: object) => createCase(`v1 ${plural}`, content)

const refused = async (t: Test, plural: string, cases: readonly Refusal[]): Promise<void> => {
  const told = await refusals(`v1 ${plural}`, cases)
  const wanted = cases.map(([, ...fields]) => fields)
  t.strictSame(told, wanted)
}

t.test('ReplicationController', async (t) => {
  const { body, row, api, path } = await create('replicationcontrollers', { spec: { template } })
  t.match(body, {
    metadata: { labels: { app: 'a' }, generation: 1 },
    spec: { replicas: 1, selector: { app: 'a' }, template: { spec: { restartPolicy: 'Always' } } },
    status: { replicas: 0 },
  })
  t.match(await row(), {
    Name: 'x',
    Desired: 1,
    Current: 0,
    Ready: 0,
    Containers: 'c',
    Images: 'busybox',
    Selector: 'app=a',
  })
  const { body: scale } = await api.request('GET', `${path}/scale`)
  t.match(scale, { kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=a' } })
  const scaled = await api.request('PUT', `${path}/scale`, {
    body: { metadata: { name: 'x' }, spec: { replicas: 3 } },
  })
  t.equal(scaled.code, 200)
  t.match((await api.request('GET', path)).body, { spec: { replicas: 3 } })
  await refused(t, 'replicationcontrollers', [
    [{ spec: {} }, 'spec.selector FieldValueRequired', 'spec.template FieldValueRequired'],
    [{ spec: { template, selector: { app: 'b' } } }, 'spec.template.metadata.labels FieldValueInvalid'],
    [{ spec: { template, replicas: -1 } }, 'spec.replicas FieldValueInvalid'],
    [
      { spec: { template: { ...template, spec: { ...podSpec, restartPolicy: 'Never' } } } },
      'spec.template.spec.restartPolicy FieldValueNotSupported',
    ],
  ])
})

t.test('ServiceAccount', async (t) => {
  const { row } = await create('serviceaccounts', { secrets: [{ name: 's' }], automountServiceAccountToken: false })
  t.match(await row(), { Name: 'x', Secrets: 1 })
})

t.test('PodTemplate', async (t) => {
  const { body, row, patch } = await create('podtemplates', { template })
  t.match(body, { metadata: { generation: 1 }, template: { spec: { dnsPolicy: 'ClusterFirst' } } })
  t.match(await row(), { Containers: 'c', Images: 'busybox', 'Pod Labels': 'app=a' })
  t.match((await patch({ template: { metadata: { labels: { app: 'b' } } } })).body, { metadata: { generation: 2 } })
  await refused(t, 'podtemplates', [[{}, 'template.spec.containers FieldValueRequired']])
})

t.test('LimitRange', async (t) => {
  const limits = (...items: readonly object[]) => ({ spec: { limits: items } })
  const { body } = await create(
    'limitranges',
    limits({ type: 'Container', max: { cpu: '2' }, min: { memory: '64Mi' } }),
  )
  t.match(body, {
    spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '64Mi' }, max: { cpu: '2' } }] },
  })
  await refused(t, 'limitranges', [
    [limits({ type: 'Pod', default: { cpu: '1' } }), 'spec.limits[0].default FieldValueForbidden'],
    [limits({ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }), 'spec.limits[0].min[cpu] FieldValueInvalid'],
    [limits({ type: 'Pod' }, { type: 'Pod' }), 'spec.limits[1].type FieldValueDuplicate'],
    [limits({ type: 'PersistentVolumeClaim' }), 'spec.limits[0].limits FieldValueRequired'],
    [
      limits({ type: 'Pod', maxLimitRequestRatio: { cpu: '500m' } }),
      'spec.limits[0].maxLimitRequestRatio[cpu] FieldValueInvalid',
    ],
  ])
})

t.test('ResourceQuota', async (t) => {
  const hard = { pods: '10', 'requests.cpu': '1000m', 'limits.memory': '1024Mi' }
  const { body, api, path, row, patch } = await create('resourcequotas', {
    spec: { hard, scopes: ['NotTerminating'] },
  })
  t.match(body, { spec: { hard: { 'requests.cpu': '1', 'limits.memory': '1Gi' } } })
  const status = { hard, used: { pods: '2', 'requests.cpu': '500m', 'limits.memory': '0' } }
  const written = await api.request('PATCH', `${path}/status`, {
    body: { status },
    contentType: 'application/merge-patch+json',
  })
  t.equal(written.code, 200)
  t.match(await row(), { Request: 'pods: 2/10, requests.cpu: 500m/1', Limit: 'limits.memory: 0/1Gi' })
  t.equal((await patch({ spec: { scopes: ['BestEffort'] } })).code, 422)
  await refused(t, 'resourcequotas', [
    [{ spec: { hard: { pods: '-1' } } }, 'spec.hard[pods] FieldValueInvalid'],
    [{ spec: { scopes: ['Nosuch'] } }, 'spec.scopes FieldValueInvalid'],
    [{ spec: { scopes: ['BestEffort', 'NotBestEffort'] } }, 'spec.scopes FieldValueInvalid'],
  ])
})

t.test('PersistentVolume', async (t) => {
  const spec = {
    accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
    capacity: { storage: '1024Mi' },
    hostPath: { path: '/d' },
  }
  const { body, row, patch } = await create('persistentvolumes', { spec })
  t.match(body, {
    spec: { capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
    status: { phase: 'Pending' },
  })
  t.match(await row(), { Capacity: '1Gi', 'Access Modes': 'RWO,ROX', 'Reclaim Policy': 'Retain', Status: 'Pending' })
  t.equal((await patch({ spec: { hostPath: { path: '/e' } } })).code, 422, 'where the data is never changes')
  t.equal((await patch({ spec: { persistentVolumeReclaimPolicy: 'Delete' } })).code, 200)
  const { hostPath, ...none } = spec
  await refused(t, 'persistentvolumes', [
    [{ spec: none }, 'spec FieldValueRequired'],
    [{ spec: { ...spec, nfs: { server: 'nfs', path: '/' } } }, 'spec.nfs FieldValueForbidden'],
    [{ spec: { ...none, local: { path: '/d' } } }, 'spec.nodeAffinity FieldValueRequired'],
    [{ spec: { hostPath, capacity: spec.capacity } }, 'spec.accessModes FieldValueRequired'],
    [
      { spec: { ...spec, persistentVolumeReclaimPolicy: 'Nosuch' } },
      'spec.persistentVolumeReclaimPolicy FieldValueNotSupported',
    ],
  ])
})

t.test('PersistentVolumeClaim', async (t) => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'fast' }
  const { body, row, patch } = await create('persistentvolumeclaims', { spec })
  t.match(body, { spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } })
  t.match(await row(), { Status: 'Pending', Volume: '', Capacity: '', 'Access Modes': '', StorageClass: 'fast' })
  t.equal((await patch({ spec: { storageClassName: 'slow' } })).code, 422)
  t.equal((await patch({ spec: { resources: { requests: { storage: '2Gi' } } } })).code, 422, 'grow when it is bound')
  t.equal((await patch({ spec: { volumeName: 'v' } })).code, 200, 'is bound')
  t.equal((await patch({ spec: { volumeName: 'w' } })).code, 422, 'once')
  await refused(t, 'persistentvolumeclaims', [
    [{ spec: {} }, 'spec.accessModes FieldValueRequired', 'spec.resources[storage] FieldValueRequired'],
    [{ spec: { ...spec, resources: { requests: { storage: '0' } } } }, 'spec.resources[storage] FieldValueInvalid'],
  ])
})
