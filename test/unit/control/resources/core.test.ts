/** The core kinds that are kept and shown: what is filled in, what is refused, what a table shows. */
import t from 'tap'
import { definitions } from '../../../../src/control/registry/registry.ts'
import { apiVersionOf } from '../../../../src/control/resources/definition.ts'
import { createTestApi, type Json } from '../../../support/api-server.ts'
import { validObject } from '../../../support/valid-objects.ts'

const podSpec = { containers: [{ name: 'c', image: 'busybox' }] }
const template = { metadata: { labels: { app: 'a' } }, spec: podSpec }
const namespaced = (plural: string) => `/api/v1/namespaces/default/${plural}`

const causes = (body: Json): readonly string[] =>
  [...((body['details']?.['causes'] ?? []) as unknown as Json[])].map(({ field, reason }) => `${field} ${reason}`)

const create = async (plural: string, content: object, wanted = 201) => {
  const api = await createTestApi()
  const path = plural === 'persistentvolumes' ? `/api/v1/${plural}` : namespaced(plural)
  const post = (body: object) => api.request('POST', path, { body: { metadata: { name: 'x' }, ...body } })
  const { code, body } = await post(content)
  if (code !== wanted) throw new Error(`${code} ${body['message']}`)
  const rows = async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const { body: table } = await api.request('GET', path, { accept })
    const columns = [...(table['columnDefinitions'] as unknown as Json[])].map(({ name }) => String(name))
    const [row] = table['rows'] as unknown as Json[]
    const cells = row?.['cells'] as unknown as readonly unknown[]
    return Object.fromEntries(columns.map((name, at) => [name, cells[at]]))
  }
  const patch = (change: object) =>
    api.request('PATCH', `${path}/x`, { body: change, contentType: 'application/merge-patch+json' })
  return { api, path, body, rows, patch }
}

const refused = async (
  plural: string,
  cases: readonly (readonly [content: object, ...fields: readonly string[]])[],
) => {
  for (const [content, ...fields] of cases) {
    const { body } = await create(plural, content, 422)
    t.strictSame(causes(body), fields, JSON.stringify(content))
  }
}

t.test('ReplicationController', async (t) => {
  const { body, rows, api, path } = await create('replicationcontrollers', { spec: { template } })
  t.match(body, {
    metadata: { labels: { app: 'a' }, generation: 1 },
    spec: { replicas: 1, selector: { app: 'a' }, template: { spec: { restartPolicy: 'Always' } } },
    status: { replicas: 0 },
  })
  t.match(await rows(), {
    Name: 'x',
    Desired: 1,
    Current: 0,
    Ready: 0,
    Containers: 'c',
    Images: 'busybox',
    Selector: 'app=a',
  })
  const { body: scale } = await api.request('GET', `${path}/x/scale`)
  t.match(scale, { kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=a' } })
  const scaled = await api.request('PUT', `${path}/x/scale`, {
    body: { metadata: { name: 'x' }, spec: { replicas: 3 } },
  })
  t.equal(scaled.code, 200)
  t.match((await api.request('GET', `${path}/x`)).body, { spec: { replicas: 3 } })
  await refused('replicationcontrollers', [
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
  const { rows } = await create('serviceaccounts', { secrets: [{ name: 's' }], automountServiceAccountToken: false })
  t.match(await rows(), { Name: 'x', Secrets: 1 })
})

t.test('PodTemplate', async (t) => {
  const { body, rows, patch } = await create('podtemplates', { template })
  t.match(body, { metadata: { generation: 1 }, template: { spec: { dnsPolicy: 'ClusterFirst' } } })
  t.match(await rows(), { Containers: 'c', Images: 'busybox', 'Pod Labels': 'app=a' })
  t.match((await patch({ template: { metadata: { labels: { app: 'b' } } } })).body, { metadata: { generation: 2 } })
  await refused('podtemplates', [[{}, 'template.spec.containers FieldValueRequired']])
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
  await refused('limitranges', [
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
  const { body, api, path, rows, patch } = await create('resourcequotas', {
    spec: { hard, scopes: ['NotTerminating'] },
  })
  t.match(body, { spec: { hard: { 'requests.cpu': '1', 'limits.memory': '1Gi' } } })
  const status = { hard, used: { pods: '2', 'requests.cpu': '500m', 'limits.memory': '0' } }
  const written = await api.request('PATCH', `${path}/x/status`, {
    body: { status },
    contentType: 'application/merge-patch+json',
  })
  t.equal(written.code, 200)
  t.match(await rows(), { Request: 'pods: 2/10, requests.cpu: 500m/1', Limit: 'limits.memory: 0/1Gi' })
  t.equal((await patch({ spec: { scopes: ['BestEffort'] } })).code, 422)
  await refused('resourcequotas', [
    [{ spec: { hard: { pods: '-1' } } }, 'spec.hard[pods] FieldValueInvalid'],
    [{ spec: { scopes: ['Nosuch'] } }, 'spec.scopes FieldValueNotSupported'],
    [{ spec: { scopes: ['BestEffort', 'NotBestEffort'] } }, 'spec.scopes FieldValueInvalid'],
  ])
})

t.test('PersistentVolume', async (t) => {
  const spec = {
    accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
    capacity: { storage: '1024Mi' },
    hostPath: { path: '/d' },
  }
  const { body, rows, patch } = await create('persistentvolumes', { spec })
  t.match(body, {
    spec: { capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
    status: { phase: 'Pending' },
  })
  t.match(await rows(), { Capacity: '1Gi', 'Access Modes': 'RWO,ROX', 'Reclaim Policy': 'Retain', Status: 'Pending' })
  t.equal((await patch({ spec: { hostPath: { path: '/e' } } })).code, 422, 'where the data is never changes')
  t.equal((await patch({ spec: { persistentVolumeReclaimPolicy: 'Delete' } })).code, 200)
  const { hostPath, ...none } = spec
  await refused('persistentvolumes', [
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
  const { body, rows, patch } = await create('persistentvolumeclaims', { spec })
  t.match(body, { spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } })
  t.match(await rows(), { Status: 'Pending', Volume: '', Capacity: '', 'Access Modes': '', StorageClass: 'fast' })
  t.equal((await patch({ spec: { storageClassName: 'slow' } })).code, 422)
  t.equal((await patch({ spec: { resources: { requests: { storage: '2Gi' } } } })).code, 422, 'grows when it is bound')
  t.equal((await patch({ spec: { volumeName: 'v' } })).code, 200, 'is bound')
  t.equal((await patch({ spec: { volumeName: 'w' } })).code, 422, 'once')
  await refused('persistentvolumeclaims', [
    [{ spec: {} }, 'spec.accessModes FieldValueRequired', 'spec.resources[storage] FieldValueRequired'],
    [{ spec: { ...spec, resources: { requests: { storage: '0' } } } }, 'spec.resources[storage] FieldValueInvalid'],
  ])
})

t.test('whoever writes what nothing acts upon is told so', async (t) => {
  const api = await createTestApi()
  const kinds = ['replicationcontrollers', 'limitranges', 'resourcequotas', 'persistentvolumeclaims', 'statefulsets']
  for (const plural of [
    ...kinds,
    'daemonsets',
    'jobs',
    'cronjobs',
    'poddisruptionbudgets',
    'horizontalpodautoscalers',
  ]) {
    const definition = definitions.find((each) => each.plural === plural)
    if (!definition) throw new Error(plural)
    const root = definition.group === '' ? '/api/v1' : `/apis/${apiVersionOf(definition)}`
    const path = `${root}/namespaces/default/${plural}`
    const { warnings } = await api.request('POST', path, { body: validObject(definition, 'x') })
    t.match(warnings?.[0], /^this server keeps and shows the object and does not act upon it yet: /, plural)
  }
})
