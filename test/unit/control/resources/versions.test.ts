/** Kinds in other versions than the one they are kept in: what each shows, and that nothing is lost on the way and back. */

import t from 'tap'
import { qualifiedNameMessage } from '../../../../src/api/names.ts'
import { patchTypesOf } from '../../../../src/control/openapi/json-schema.ts'
import { definitions } from '../../../../src/control/registry/registry.ts'
import {
  apiVersionOf,
  bucketOf,
  inAllVersions,
  type ResourceDefinition,
} from '../../../../src/control/resources/definition.ts'
import { verbsOf } from '../../../../src/control/resources/verbs.ts'
import { createTestApi, type Json, type TestApi } from '../../../support/api-server.ts'
import { validObject } from '../../../support/valid-objects.ts'

const collection = (definition: ResourceDefinition): string => {
  const root = definition.group === '' ? '/api/v1' : `/apis/${apiVersionOf(definition)}`
  return `${root}/${definition.namespaced ? 'namespaces/default/' : ''}${definition.plural}`
}

const causesOf = (body: Json): readonly string[] =>
  [...((body['details']?.['causes'] ?? []) as unknown as Json[])].map(({ field, message }) => `${field}: ${message}`)

const create = (api: TestApi, path: string, body: object) => api.request('POST', path, { body })

for (const definition of definitions.filter((each) => each.otherVersions && verbsOf(each).includes('list')))
  t.test(`${bucketOf(definition)} in all its versions`, async (t) => {
    const api = await createTestApi()
    const made = await create(api, collection(definition), validObject(definition, 'base'))
    t.equal(made.code, 201, String(made.body['message']))
    const { name } = made.body['metadata'] as unknown as { name: string }
    for (const row of inAllVersions(definition)) {
      const path = `${collection(row)}/${name}`
      const shown = await api.request('GET', path)
      t.equal(shown.body['apiVersion'], apiVersionOf(row))
      const again = await api.request('PUT', path, { body: shown.body })
      t.strictSame(again.body, shown.body, `${apiVersionOf(row)}: what is shown may be sent back, and changes nothing`)
      for (const contentType of patchTypesOf(row).filter((type) => /merge-patch/.test(type))) {
        const patched = await api.request('PATCH', `${path}?fieldValidation=Strict`, { body: {}, contentType })
        t.strictSame(
          patched.body,
          shown.body,
          `${apiVersionOf(row)}: a ${contentType} of nothing finds no field unknown`,
        )
      }
      const listed = await api.request('GET', collection(row))
      t.equal(listed.body['apiVersion'], apiVersionOf(row))
      t.strictSame(
        [...(listed.body['items'] as unknown as Json[])].map((item) => item['apiVersion']),
        [row.custom ? apiVersionOf(row) : undefined],
      )
      const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1'
      const table = await api.request('GET', `${path}?includeObject=Object`, { accept })
      t.equal(table.body['rows']?.[0]?.['object']?.['apiVersion'], apiVersionOf(row))
      const { events, stop } = await api.watch(`${collection(row)}?watch=true`)
      t.equal(events[0]?.object['apiVersion'], apiVersionOf(row))
      await stop()
    }
    const after = await api.request('GET', `${collection(definition)}/${name}`)
    t.strictSame(after.body, made.body)
  })

t.test('Ingress of v1beta1: backends by name and port, any path type', async (t) => {
  for (const group of ['networking.k8s.io', 'extensions']) {
    const api = await createTestApi()
    const path = `/apis/${group}/v1beta1/namespaces/default/ingresses`
    const body = {
      metadata: { name: 'web' },
      spec: {
        backend: { serviceName: 'rest', servicePort: 'http' },
        rules: [
          { host: 'a.example.com', http: { paths: [{ path: '/a', backend: { serviceName: 'a', servicePort: 80 } }] } },
          {
            http: { paths: [{ backend: { resource: { kind: 'Bucket', name: 'b' } }, pathType: 'Prefix', path: '/' }] },
          },
        ],
      },
    }
    const made = await create(api, path, body)
    t.equal(made.code, 201, String(made.body['message']))
    t.strictSame(made.body['spec'], {
      backend: { serviceName: 'rest', servicePort: 'http' },
      rules: [
        {
          host: 'a.example.com',
          http: {
            paths: [{ path: '/a', pathType: 'ImplementationSpecific', backend: { serviceName: 'a', servicePort: 80 } }],
          },
        },
        { http: { paths: [{ path: '/', pathType: 'Prefix', backend: { resource: { kind: 'Bucket', name: 'b' } } }] } },
      ],
    })
    const kept = await api.request('GET', '/apis/networking.k8s.io/v1/namespaces/default/ingresses/web')
    t.strictSame(kept.body['spec'], {
      defaultBackend: { service: { name: 'rest', port: { name: 'http' } } },
      rules: [
        {
          host: 'a.example.com',
          http: {
            paths: [
              {
                path: '/a',
                pathType: 'ImplementationSpecific',
                backend: { service: { name: 'a', port: { number: 80 } } },
              },
            ],
          },
        },
        { http: { paths: [{ path: '/', pathType: 'Prefix', backend: { resource: { kind: 'Bucket', name: 'b' } } }] } },
      ],
    })
    const patched = await api.request('PATCH', `${path}/web`, {
      body: { spec: { backend: { servicePort: 8080 } } },
      contentType: 'application/merge-patch+json',
    })
    t.strictSame(patched.body['spec']?.['backend'], { serviceName: 'rest', servicePort: 8080 })
    t.equal(patched.body['metadata']?.['generation'], 2)
  }
})

t.test('Ingress: what is refused is named as the version has it', async (t) => {
  const api = await createTestApi()
  const refused = async (version: string, spec: object) =>
    causesOf(
      (await create(api, `/apis/${version}/namespaces/default/ingresses`, { metadata: { name: 'x' }, spec })).body,
    )
  const beta = 'networking.k8s.io/v1beta1'
  t.strictSame(await refused(beta, {}), ['spec: Invalid value: null: either `backend` or `rules` must be specified'])
  t.strictSame(await refused('networking.k8s.io/v1', {}), [
    'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified',
  ])
  t.strictSame(await refused(beta, { backend: { servicePort: 80 } }), ['spec.backend.serviceName: Required value'])
  t.strictSame(await refused(beta, { backend: { serviceName: 'a' } }), [
    'spec.backend: Required value: port name or number is required',
  ])
  t.strictSame(await refused(beta, { backend: { serviceName: 'a', servicePort: 70_000 } }), [
    'spec.backend.servicePort: Invalid value: 70000: must be between 1 and 65535, inclusive',
  ])
  t.strictSame(await refused('extensions/v1beta1', { rules: [{ http: { paths: [{ path: 'x', backend: {} }] } }] }), [
    'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path',
    'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
  ])
  t.strictSame(
    await refused('networking.k8s.io/v1', {
      rules: [{ http: { paths: [{ path: '/a/..', pathType: 'Exact', backend: { resource: {} } }] } }],
    }),
    [
      `spec.rules[0].http.paths[0].path: Invalid value: "/a/..": cannot end with '/..'`,
      'spec.rules[0].http.paths[0].backend.resource.kind: Required value: kind is required',
      'spec.rules[0].http.paths[0].backend.resource.name: Required value: name is required',
    ],
  )
})

t.test('an Ingress does not name its class twice', async (t) => {
  const api = await createTestApi()
  const { body } = await create(api, '/apis/networking.k8s.io/v1/namespaces/default/ingresses', {
    metadata: { name: 'x', annotations: { 'kubernetes.io/ingress.class': 'a' } },
    spec: { ingressClassName: 'b', defaultBackend: { service: { name: 'a', port: { number: 1 } } } },
  })
  t.strictSame(causesOf(body), [
    'annotations.kubernetes.io/ingress.class: Invalid value: "a": can not be set when the class field is also set',
  ])
})

t.test('EndpointSlice of v1beta1: node and zone stand in the topology', async (t) => {
  const api = await createTestApi()
  const beta = '/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices'
  const kept = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
  const topology = { 'kubernetes.io/hostname': 'n1', 'topology.kubernetes.io/zone': 'z', rack: '7' }
  const made = await create(api, beta, {
    metadata: { name: 's' },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.2'], topology }],
    ports: [{ port: 80 }],
  })
  t.strictSame(made.body['endpoints'], [{ addresses: ['10.1.0.2'], conditions: {}, nodeName: 'n1', topology }])
  t.strictSame(made.body['ports'], [{ name: '', port: 80, protocol: 'TCP' }])
  t.strictSame((await api.request('GET', `${kept}/s`)).body['endpoints'], [
    { addresses: ['10.1.0.2'], conditions: {}, nodeName: 'n1', zone: 'z', deprecatedTopology: { rack: '7' } },
  ])
  const odd = await create(api, beta, {
    metadata: { name: 'odd' },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.2'], nodeName: 'n2', topology: { 'kubernetes.io/hostname': 'n1' } }],
  })
  t.strictSame(odd.body['endpoints'], [
    { addresses: ['10.1.0.2'], conditions: {}, nodeName: 'n2', topology: { 'kubernetes.io/hostname': 'n1' } },
  ])
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, 'v']))
  const refused = await create(api, beta, {
    metadata: { name: 'x' },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.2'], topology: { ...many, 'topology.kubernetes.io/zone': 'no zone' } }],
  })
  t.match(causesOf(refused.body), [
    'endpoints[0].topology: Too many: 17: must have at most 16 items',
    /^endpoints\[0\]\.topology: Invalid value: "no zone": a valid label must be/,
  ])
})

const newEvent = {
  metadata: { name: 'e.1' },
  eventTime: '2026-01-02T03:04:05.000006Z',
  type: 'Normal',
  reason: 'Scheduled',
  action: 'Binding',
  note: 'assigned',
  reportingController: 'default-scheduler',
  reportingInstance: 'default-scheduler-0',
  regarding: { kind: 'Pod', namespace: 'default', name: 'p', apiVersion: 'v1' },
  series: { count: 2, lastObservedTime: '2026-01-02T03:04:06.000000Z' },
}
const events = '/apis/events.k8s.io/v1/namespaces/default/events'
const coreEvents = '/api/v1/namespaces/default/events'

t.test('Event of events.k8s.io: the same under other names', async (t) => {
  const api = await createTestApi()
  const made = await create(api, events, newEvent)
  t.equal(made.code, 201, String(made.body['message']))
  const { metadata: _, ...shown } = made.body as unknown as Record<string, unknown>
  const { metadata: __, ...sent } = newEvent
  t.strictSame(shown, { kind: 'Event', apiVersion: 'events.k8s.io/v1', ...sent, deprecatedSource: {} })
  const { metadata: ___, ...core } = (await api.request('GET', `${coreEvents}/e.1`)).body as unknown as Record<
    string,
    unknown
  >
  t.strictSame(core, {
    kind: 'Event',
    apiVersion: 'v1',
    eventTime: newEvent.eventTime,
    type: 'Normal',
    reason: 'Scheduled',
    action: 'Binding',
    series: newEvent.series,
    reportingInstance: 'default-scheduler-0',
    reportingComponent: 'default-scheduler',
    message: 'assigned',
    involvedObject: newEvent.regarding,
    source: {},
  })

  await create(api, coreEvents, {
    metadata: { name: 'old' },
    involvedObject: { kind: 'Node', name: 'n' },
    ...{ reason: 'Ready', message: 'is ready', type: 'Normal', count: 3, source: { component: 'kubelet', host: 'n' } },
    ...{ firstTimestamp: '2026-01-02T03:04:05Z', lastTimestamp: '2026-01-02T03:05:05Z' },
  })
  const old = (await api.request('GET', `${events}/old`)).body as unknown as Record<string, unknown>
  t.match(old, {
    regarding: { kind: 'Node', name: 'n' },
    note: 'is ready',
    deprecatedCount: 3,
    deprecatedSource: { component: 'kubelet', host: 'n' },
    deprecatedFirstTimestamp: '2026-01-02T03:04:05Z',
    deprecatedLastTimestamp: '2026-01-02T03:05:05Z',
  })
  t.notOk(['involvedObject', 'message', 'source', 'count', 'reportingController'].some((name) => name in old))

  const names = async (path: string) =>
    [...((await api.request('GET', path)).body['items'] as unknown as Json[])].map(({ metadata }) => metadata?.['name'])
  t.strictSame(await names(`${events}?fieldSelector=regarding.kind=Pod`), ['e.1'])
  t.strictSame(await names(`${events}?fieldSelector=reportingController=default-scheduler`), ['e.1'])
  t.strictSame(await names(`${coreEvents}?fieldSelector=involvedObject.kind=Pod`), ['e.1'])
  t.equal((await api.request('GET', `${events}?fieldSelector=involvedObject.kind=Pod`)).code, 400)
})

t.test('Event: v1 of events.k8s.io is strict with new ones only', async (t) => {
  const api = await createTestApi()
  const refused = async (path: string, body: object) => causesOf((await create(api, path, body)).body)
  t.strictSame(await refused(events, { metadata: { name: 'x' }, deprecatedCount: 1, series: { count: 1 } }), [
    'series.count: Invalid value: "": should be at least 2',
    'series.lastObservedTime: Required value',
    'eventTime: Required value',
    'type: Invalid value: "": has invalid value: ',
    'count: Invalid value: "": needs to be unset',
  ])
  t.strictSame(
    await refused('/apis/events.k8s.io/v1beta1/namespaces/default/events', {
      metadata: { name: 'x' },
      eventTime: newEvent.eventTime,
      reason: 'r'.repeat(129),
      regarding: { namespace: 'other' },
    }),
    [
      'reportingController: Required value',
      `reportingController: Invalid value: "": ${qualifiedNameMessage}`,
      'reportingInstance: Required value',
      'action: Required value',
      'reason: Invalid value: "": can have at most 128 characters',
    ],
  )
  t.equal(
    (await create(api, '/apis/events.k8s.io/v1beta1/namespaces/default/events', { metadata: { name: 'y' } })).code,
    201,
  )

  await create(api, events, newEvent)
  const patch = (change: object) =>
    api.request('PATCH', `${events}/e.1`, { body: change, contentType: 'application/merge-patch+json' })
  t.equal((await patch({ series: { count: 5 } })).code, 200)
  t.equal((await patch({ series: { count: 1 }, note: 'other' })).code, 200)
})

t.test('CertificateSigningRequest of v1beta1: a signer and usages by default', async (t) => {
  const api = await createTestApi()
  const definition = definitions.find(({ kind }) => kind === 'CertificateSigningRequest')
  if (!definition) throw new Error('no CertificateSigningRequest')
  const { request } = (validObject(definition, 'x') as unknown as { spec: { request: string } }).spec
  const beta = '/apis/certificates.k8s.io/v1beta1/certificatesigningrequests'
  const made = await create(api, beta, {
    metadata: { name: 'c' },
    spec: { request, username: 'root', groups: ['system:masters'] },
    status: { conditions: [{ type: 'Approved', status: 'True' }] },
  })
  t.strictSame(made.body['spec'], {
    request,
    signerName: 'kubernetes.io/legacy-unknown',
    usages: ['digital signature', 'key encipherment'],
    username: 'admin',
    groups: ['system:masters', 'system:authenticated'],
  })
  t.notOk(made.body['status']?.['conditions'], 'nobody approves their own request')
  const approved = await api.request('PATCH', `${beta}/c/approval`, {
    body: { status: { conditions: [{ type: 'Approved', message: 'ok' }] } },
    contentType: 'application/merge-patch+json',
  })
  t.equal(approved.body['apiVersion'], 'certificates.k8s.io/v1beta1')
  t.match(approved.body['status']?.['conditions']?.[0], { type: 'Approved', status: 'True' })
  t.equal((await api.request('GET', `${beta}/c/approval`)).body['apiVersion'], 'certificates.k8s.io/v1beta1')

  const legacy = await create(api, '/apis/certificates.k8s.io/v1/certificatesigningrequests', {
    metadata: { name: 'd' },
    spec: { request, signerName: 'kubernetes.io/legacy-unknown', usages: ['client auth', 'client auth'] },
  })
  t.strictSame(causesOf(legacy.body), [
    'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
    'spec.usages[1]: Duplicate value: "client auth"',
  ])
})

t.test('who may write what does not hang on the version', async (t) => {
  const api = await createTestApi()
  await create(api, '/api/v1/namespaces', { metadata: { name: 'kube-node-lease' } })
  const node = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }
  const lease = (name: string) =>
    api.request('POST', '/apis/coordination.k8s.io/v1beta1/namespaces/kube-node-lease/leases', {
      body: { metadata: { name }, spec: { holderIdentity: 'n1' } },
      user: node,
    })
  t.equal((await lease('n1')).code, 201)
  t.equal((await lease('n2')).code, 403, "another node's lease")

  const definition = definitions.find(({ kind }) => kind === 'CertificateSigningRequest')
  if (!definition) throw new Error('no CertificateSigningRequest')
  const { spec } = validObject(definition, 'x') as unknown as { spec: object }
  const asked = await api.request('POST', '/apis/certificates.k8s.io/v1beta1/certificatesigningrequests', {
    body: { metadata: { name: 'x' }, spec: { ...spec, signerName: 'kubernetes.io/kube-apiserver-client' } },
    user: node,
  })
  t.equal(asked.code, 403, 'a node asks for kubelet certificates only')
})
