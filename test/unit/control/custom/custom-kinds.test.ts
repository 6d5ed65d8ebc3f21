/** Kinds that users define: served at once, by their schema, until their definition goes. */
import t from 'tap'
import { customResourceDefinitions } from '../../../../src/api/resources.ts'
import type { Json } from '../../../support/api-server.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { defineKind, definitionsPath, tableDefinition, tablesPath } from '../../../support/custom-kind.ts'
import { causesOf } from '../../../support/kind-case.ts'
import { until } from '../../../support/until.ts'
import { serveWebhook } from '../../../support/webhook-server.ts'

const asTable = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const merge = 'application/merge-patch+json'

const size = { type: 'integer', minimum: 1, maximum: 10, default: 4 }
const properties = {
  size,
  wood: { type: 'string', enum: ['oak', 'pine'] },
  tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
  legs: {
    ...{ type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
    items: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, length: { 'x-kubernetes-int-or-string': true } },
    },
  },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  note: { type: 'string', nullable: true },
  labels: { type: 'object', additionalProperties: { type: 'string' } },
}

t.test('a kind is served as its definition says', async (t) => {
  const plane = await startControlPlane(t)
  t.equal((await plane.request('GET', tablesPath)).code, 404)
  await defineKind(
    plane,
    tableDefinition(properties, {
      subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
      additionalPrinterColumns: [
        { name: 'Wood', type: 'string', jsonPath: '.spec.wood' },
        { name: 'Size', type: 'integer', jsonPath: '.spec.size', priority: 1 },
      ],
      selectableFields: [{ jsonPath: '.spec.wood' }],
    }),
  )

  const { body: groups } = await plane.request('GET', '/apis')
  t.match(groups['groups'], [
    ...Array.from({ length: Number(groups['groups']?.['length']) - 1 }, () => ({})),
    { name: 'example.com' },
  ])
  const { body: resources } = await plane.request('GET', '/apis/example.com/v1')
  t.match(resources['resources'], [
    { name: 'tables', singularName: 'table', kind: 'Table', shortNames: ['tb'], categories: ['all'], namespaced: true },
    { name: 'tables/scale', kind: 'Scale' },
    { name: 'tables/status', kind: 'Table' },
  ])
  const { body: openApi } = await plane.request('GET', '/openapi/v2', { accept: 'application/json' })
  t.match(openApi['definitions']?.['com.example.v1.Table'], {
    properties: {
      apiVersion: { type: 'string', description: /^APIVersion defines/ },
      kind: { type: 'string', description: /^Kind / },
      metadata: { $ref: /ObjectMeta$/, description: /^Standard object's metadata/ },
      spec: { properties: { size: { maximum: 10 } } },
    },
  })
  t.match(openApi['definitions']?.['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'], {
    properties: { creationTimestamp: { description: /^CreationTimestamp is a timestamp/ } },
  })

  const made = await plane.request('POST', tablesPath, {
    body: {
      ...{ apiVersion: 'example.com/v1', kind: 'Table', metadata: { name: 'a' } },
      spec: { wood: 'oak', colour: 'red', free: { any: [1] }, note: null, labels: { x: 'y' } },
      status: { size: 3 },
    },
  })
  t.equal(made.code, 201, JSON.stringify(made.body))
  t.strictSame(made.body['spec'], { wood: 'oak', free: { any: [1] }, note: null, labels: { x: 'y' }, size: 4 })
  t.equal(made.body['status'], undefined, 'a status is written apart')
  t.match(made.warnings, ['unknown field "spec.colour"'])
  t.equal(made.body['metadata']?.['generation'], 1)

  const { body: table } = await plane.request('GET', tablesPath, { accept: asTable })
  t.match(table['columnDefinitions'], [{ name: 'Name' }, { name: 'Wood', priority: 0 }, { name: 'Size', priority: 1 }])
  t.match(table['rows'], [{ cells: ['a', 'oak', 4] }])
  const { body: list } = await plane.request('GET', `${tablesPath}?fieldSelector=spec.wood%3Dpine`)
  t.match(list, { kind: 'TableList', items: [] })
  t.equal(list['items']?.['length'], 0)

  const status = await plane.request('PATCH', `${tablesPath}/a/status`, {
    body: { status: { size: 3 } },
    contentType: merge,
  })
  t.equal(status.code, 200)
  t.equal(status.body['metadata']?.['generation'], 1)
  t.match((await plane.request('GET', `${tablesPath}/a/scale`)).body, {
    spec: { replicas: 4 },
    status: { replicas: 0 },
  })
  const scaled = await plane.request('PATCH', `${tablesPath}/a/scale`, {
    body: { spec: { replicas: 5 } },
    contentType: merge,
  })
  t.match(scaled.body, { spec: { replicas: 5 } })
  t.match((await plane.request('GET', `${tablesPath}/a`)).body, { spec: { size: 5 }, metadata: { generation: 2 } })
})

t.test('what is wrong with an object is told in the words of Kubernetes', async (t) => {
  const plane = await startControlPlane(t)
  await defineKind(plane, tableDefinition(properties))
  const cases: readonly (readonly [spec: object, ...causes: string[]])[] = [
    [{ size: 11 }, 'spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10'],
    [{ size: 'x' }, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'],
    [{ wood: 'tin' }, 'spec.wood: Unsupported value: "tin": supported values: "oak", "pine"'],
    [
      { wood: null },
      'spec.wood: Invalid value: "null": spec.wood in body must be of type string: "null"',
      'spec.wood: Unsupported value: null: supported values: "oak", "pine"',
    ],
    [{ tags: ['a', 'a'] }, 'spec.tags[1]: Duplicate value: "a"'],
    [{ legs: [{ name: 'a' }, { name: 'a' }] }, 'spec.legs[1]: Duplicate value: {"name":"a"}'],
    [{ legs: [{}] }, 'spec.legs[0].name: Required value'],
    [
      { legs: [{ name: 'a', length: 1.5 }] },
      'spec.legs[0].length: Invalid value: "number": spec.legs[0].length in body must be of type integer,string: "number"',
    ],
    [
      { labels: { a: 1 } },
      'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
    ],
  ]
  for (const [spec, ...causes] of cases) {
    const { code, body } = await plane.request('POST', tablesPath, { body: { metadata: { name: 'x' }, spec } })
    t.equal(code, 422, JSON.stringify(spec))
    t.ok(
      causesOf(body).every((cause) => causes.includes(cause)) && causesOf(body).length > 0,
      causesOf(body).join('\n'),
    )
  }
  const named = await plane.request('POST', tablesPath, { body: { metadata: { name: 'Not a name' } } })
  t.equal(named.code, 422)
})

t.test('lists are merged by their keys when they are applied, and there is no strategic merge', async (t) => {
  const plane = await startControlPlane(t)
  await defineKind(plane, tableDefinition(properties))
  const apply = (manager: string, legs: readonly object[], more: object = {}) =>
    plane.request('PATCH', `${tablesPath}/a?fieldManager=${manager}`, {
      body: { apiVersion: 'example.com/v1', kind: 'Table', metadata: { name: 'a' }, spec: { legs, ...more } },
      contentType: 'application/apply-patch+yaml',
    })
  t.equal((await apply('one', [{ name: 'left', length: 1 }])).code, 201)
  const second = await apply('two', [{ name: 'right', length: '2 m' }])
  t.equal(second.code, 200)
  t.match(second.body['spec']?.['legs'], [
    { name: 'left', length: 1 },
    { name: 'right', length: '2 m' },
  ])
  const conflict = await apply('two', [{ name: 'left', length: 7 }])
  t.equal(conflict.code, 409)
  t.match(conflict.body['message'], /conflict with "one".*\.spec\.legs\[name="left"\]\.length/s)
  const strategic = await plane.request('PATCH', `${tablesPath}/a`, {
    ...{ body: { spec: {} }, contentType: 'application/strategic-merge-patch+json' },
  })
  t.equal(strategic.code, 415)
  const strict = await apply('one', [{ name: 'left' }], { colour: 'red' })
  t.equal(strict.code, 400)
  t.match(strict.body['message'], /unknown field "spec.colour"/)
})

t.test('a changed definition changes the kind: defaults are read, too', async (t) => {
  const plane = await startControlPlane(t)
  await defineKind(plane, tableDefinition({ wood: { type: 'string' } }))
  await plane.request('POST', tablesPath, { body: { metadata: { name: 'a' }, spec: { wood: 'oak' } } })
  const watch = await plane.watch(`${tablesPath}?watch=true`)
  const changed = tableDefinition({ wood: { type: 'string' }, size })
  const { spec } = changed
  const update = await plane.request('PATCH', `${definitionsPath}/tables.example.com`, {
    body: { spec },
    contentType: merge,
  })
  t.equal(update.code, 200)
  t.strictSame((await plane.request('GET', `${tablesPath}/a`)).body['spec'], { wood: 'oak', size: 4 })
  await watch.stop()
  const renamed = await plane.request('PATCH', `${definitionsPath}/tables.example.com`, {
    ...{ body: { spec: { names: { kind: 'Desk' } } }, contentType: merge },
  })
  t.match(causesOf(renamed.body), ['spec.names.kind: Invalid value: "Desk": field is immutable'])
})

t.test('several versions show one object', async (t) => {
  const plane = await startControlPlane(t)
  const schema = (name: string) => ({
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { [name]: { type: 'string' } } } },
    },
  })
  await defineKind(
    plane,
    tableDefinition(
      {},
      {},
      {
        versions: [
          { name: 'v1beta1', served: true, storage: false, schema: schema('old'), deprecated: true },
          { name: 'v1', served: true, storage: true, schema: schema('new') },
          { name: 'v1alpha1', served: false, storage: false, schema: schema('old') },
        ],
      },
    ),
  )
  const { body: group } = await plane.request('GET', '/apis/example.com')
  t.strictSame(group['versions'], [
    { groupVersion: 'example.com/v1', version: 'v1' },
    { groupVersion: 'example.com/v1beta1', version: 'v1beta1' },
  ])
  t.equal((await plane.request('GET', '/apis/example.com/v1alpha1')).code, 404)
  const beta = '/apis/example.com/v1beta1/namespaces/default/tables'
  const made = await plane.request('POST', beta, { body: { metadata: { name: 'a' }, spec: { old: 'x' } } })
  t.match(made.body, { apiVersion: 'example.com/v1beta1', spec: { old: 'x' } })
  t.match(made.warnings, ['example.com/v1beta1 Table is deprecated'])
  for (const path of [`${beta}/a`, beta])
    t.strictSame((await plane.request('GET', path)).warnings, ['example.com/v1beta1 Table is deprecated'], path)
  t.match((await plane.request('GET', `${tablesPath}/a`)).body, { apiVersion: 'example.com/v1' })
  t.strictSame((await plane.request('GET', `${tablesPath}/a`)).body['spec'], {}, 'v1 does not know the field')
  t.strictSame((await plane.request('GET', `${beta}/a`)).body['spec'], { old: 'x' }, 'which is kept')
})

t.test('names belong to one kind of a group', async (t) => {
  const plane = await startControlPlane(t)
  await defineKind(plane, tableDefinition({}))
  const { spec, ...rest } = tableDefinition({}, {}, { names: { plural: 'desks', kind: 'Table', shortNames: ['tb'] } })
  const second = { ...rest, metadata: { name: 'desks.example.com' }, spec }
  t.equal((await plane.request('POST', definitionsPath, { body: second })).code, 201)
  const conditions = async (): Promise<string> =>
    JSON.stringify((await plane.request('GET', `${definitionsPath}/desks.example.com`)).body['status'])
  await until(async () => (await conditions()).includes('ListKindConflict'), 'the conflict')
  t.match(await conditions(), /"Established","status":"False"|"status":"False","type":"Established"|NotAccepted/)
  t.equal((await plane.request('GET', '/apis/example.com/v1/desks')).code, 404)
  await plane.request('DELETE', `${definitionsPath}/tables.example.com`)
  await until(
    async () => (await plane.request('GET', '/apis/example.com/v1/desks')).code === 200,
    'the names to be free',
  )
})

t.test('a definition takes its objects with it, and its paths are gone', async (t) => {
  const plane = await startControlPlane(t)
  await defineKind(plane, tableDefinition({}))
  await plane.request('POST', tablesPath, { body: { metadata: { name: 'a', finalizers: ['example.com/hold'] } } })
  const gone = await plane.request('DELETE', `${definitionsPath}/tables.example.com`)
  t.equal(gone.code, 200)
  t.match(gone.body['metadata']?.['finalizers'], ['customresourcecleanup.apiextensions.k8s.io'])
  await until(
    async () => (await plane.request('GET', `${tablesPath}/a`)).body['metadata']?.['deletionTimestamp'],
    'the object to be deleted',
  )
  t.equal((await plane.request('POST', tablesPath, { body: { metadata: { name: 'b' } } })).code, 405)
  await plane.request('PATCH', `${tablesPath}/a`, { body: { metadata: { finalizers: [] } }, contentType: merge })
  await until(async () => (await plane.request('GET', tablesPath)).code === 404, 'the kind to be gone')
  t.equal((await plane.request('GET', `${definitionsPath}/tables.example.com`)).code, 404)
  t.equal((await plane.request('GET', '/apis/example.com')).code, 404)
})

t.test('the namespace and the owner of an object take it with them', async (t) => {
  const plane = await startControlPlane(t)
  await defineKind(plane, tableDefinition({}))
  await plane.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'other' } } })
  const other = '/apis/example.com/v1/namespaces/other/tables'
  await plane.request('POST', other, { body: { metadata: { name: 'a' } } })
  const owner = await plane.request('POST', tablesPath, { body: { metadata: { name: 'owner' } } })
  const reference = { apiVersion: 'example.com/v1', kind: 'Table', name: 'owner', uid: owner.body['metadata']?.['uid'] }
  const config = { metadata: { name: 'owned', ownerReferences: [reference] } }
  await plane.request('POST', '/api/v1/namespaces/default/configmaps', { body: config })
  await plane.request('DELETE', `${tablesPath}/owner`)
  await plane.request('DELETE', '/api/v1/namespaces/other')
  await until(
    async () => (await plane.request('GET', '/api/v1/namespaces/default/configmaps/owned')).code === 404,
    'what is owned to go',
  )
  await until(async () => (await plane.request('GET', '/api/v1/namespaces/other')).code === 404, 'the namespace to go')
  t.equal((await plane.request('GET', `${other}/a`)).code, 404)
})

t.test('a definition of a kind that every server has is accepted, and changes nothing of it', async (t) => {
  const plane = await startControlPlane(t)
  const { spec, ...rest } = tableDefinition(
    {},
    {},
    { group: 'networking.k8s.io', names: { plural: 'ingresses', kind: 'Ingress' } },
  )
  const approved = { 'api-approved.kubernetes.io': 'https://example.com/pull/1' }
  const ingresses = { ...rest, metadata: { name: 'ingresses.networking.k8s.io', annotations: approved }, spec }
  await defineKind(plane, ingresses)
  const { body } = await plane.request('GET', '/apis/networking.k8s.io/v1')
  t.match(JSON.stringify(body), /"ingresses\/status"/)
  const invalid = await plane.request('POST', '/apis/networking.k8s.io/v1/namespaces/default/ingresses', {
    body: { metadata: { name: 'g' }, spec: {} },
  })
  t.equal(invalid.code, 422)
  await plane.client.delete(customResourceDefinitions, { metadata: { name: ingresses.metadata.name } })
  await until(
    async () => (await plane.request('GET', `${definitionsPath}/${ingresses.metadata.name}`)).code === 404,
    'it to go',
  )
  t.equal((await plane.request('GET', '/apis/networking.k8s.io/v1/ingresses')).code, 200)
})

t.test('rules in CEL guard objects and their changes', async (t) => {
  const plane = await startControlPlane(t)
  const rules = [
    { rule: 'self.size <= 8 || self.wood == "oak"', message: 'only oak can be so large', fieldPath: '.size' },
    {
      rule: '!has(oldSelf.wood) || self.wood == oldSelf.wood',
      message: 'the wood stays',
      reason: 'FieldValueForbidden',
    },
  ]
  const withRules = (given: readonly object[]) => {
    const definition = tableDefinition({})
    const spec = { type: 'object', properties, 'x-kubernetes-validations': given }
    const [version] = definition.spec.versions
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } }
    return { ...definition, spec: { ...definition.spec, versions: [{ ...version, schema }] } }
  }
  const broken = await plane.request('POST', definitionsPath, { body: withRules([{ rule: 'self.weight > 1' }]) })
  t.equal(broken.code, 422)
  t.match(causesOf(broken.body), [
    /^spec\.versions\[0\]\.schema\.openAPIV3Schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: "self\.weight > 1": compilation failed/,
  ])
  await defineKind(plane, withRules(rules))
  const create = (spec: object) => plane.request('POST', tablesPath, { body: { metadata: { name: 'a' }, spec } })
  t.match(causesOf((await create({ size: 9, wood: 'pine' })).body), [
    'spec.size: Invalid value: "object": only oak can be so large',
  ])
  t.equal((await create({ size: 9, wood: 'oak' })).code, 201)
  const changed = await plane.request('PATCH', `${tablesPath}/a`, {
    ...{ body: { spec: { wood: 'pine', size: 1 } }, contentType: merge },
  })
  t.match(causesOf(changed.body), ['spec: Forbidden: the wood stays'])
})

t.test('a webhook tells versions into each other', async (t) => {
  const plane = await startControlPlane(t)
  const converted = (object: Json, apiVersion: string) => {
    const { cm, metres } = (object['spec'] ?? {}) as { cm?: number; metres?: number }
    const spec = apiVersion.endsWith('/v1') ? { cm: cm ?? (metres ?? 0) * 100 } : { metres: metres ?? (cm ?? 0) / 100 }
    return { ...object, apiVersion, spec, metadata: { ...object['metadata'], generateName: 'ignored' } }
  }
  let isBroken = false
  const webhook = await serveWebhook(t, ({ request }) => {
    const { uid, desiredAPIVersion, objects } = request as unknown as {
      uid: string
      desiredAPIVersion: string
      objects: Json[]
    }
    const result = isBroken ? { status: 'Failed', message: 'out of tape' } : { status: 'Success' }
    const convertedObjects = objects.map((object) => converted(object, desiredAPIVersion))
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'ConversionReview',
      response: { uid, result, convertedObjects },
    }
  })
  const schema = (name: string) => ({
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { [name]: { type: 'number', minimum: 0 } } } },
    },
  })
  await defineKind(
    plane,
    tableDefinition(
      {},
      {},
      {
        versions: [
          { name: 'v1', served: true, storage: true, schema: schema('cm') },
          {
            ...{ name: 'v2', served: true, storage: false, schema: schema('metres') },
            additionalPrinterColumns: [{ name: 'M', type: 'number', jsonPath: '.spec.metres' }],
          },
        ],
        conversion: {
          strategy: 'Webhook',
          webhook: {
            clientConfig: { url: `${webhook.url}/convert`, caBundle: webhook.caBundle },
            conversionReviewVersions: ['v1'],
          },
        },
      },
    ),
  )
  const second = '/apis/example.com/v2/namespaces/default/tables'
  const watch = await plane.watch(`${second}?watch=true`)
  const made = await plane.request('POST', second, {
    body: { apiVersion: 'example.com/v2', kind: 'Table', metadata: { name: 'a' }, spec: { metres: 2 } },
  })
  t.equal(made.code, 201, JSON.stringify(made.body))
  t.match(made.body, { apiVersion: 'example.com/v2', spec: { metres: 2 } })
  t.equal(made.body['metadata']?.['generateName'], undefined, 'metadata is not the webhook’s')
  t.match((await plane.request('GET', `${tablesPath}/a`)).body, { apiVersion: 'example.com/v1', spec: { cm: 200 } })
  const patched = await plane.request('PATCH', `${second}/a`, { body: { spec: { metres: 3 } }, contentType: merge })
  t.match(patched.body, { spec: { metres: 3 } })
  t.match((await plane.request('GET', `${tablesPath}/a`)).body, { spec: { cm: 300 } })
  t.match((await plane.request('GET', second, { accept: asTable })).body['rows'], [{ cells: ['a', 3] }])
  await until(() => watch.events.length === 2, 'the events')
  t.match(watch.events, [
    { type: 'ADDED', object: { apiVersion: 'example.com/v2', spec: { metres: 2 } } },
    { type: 'MODIFIED', object: { apiVersion: 'example.com/v2', spec: { metres: 3 } } },
  ])
  await watch.stop()
  t.equal((await plane.request('POST', second, { body: { metadata: { name: 'b' }, spec: { metres: -1 } } })).code, 422)

  isBroken = true
  const failed = await plane.request('POST', second, { body: { metadata: { name: 'c' }, spec: { metres: 1 } } })
  t.equal(failed.code, 500)
  t.match(failed.body['message'], /conversion webhook for example.com, Kind=Table failed: out of tape/)
  t.equal((await plane.request('GET', `${tablesPath}/a`)).code, 200, 'what needs no conversion needs nobody')
})

t.test('a kind that cannot be read keeps its namespace, and no other kind in it', async (t) => {
  const plane = await startControlPlane(t)
  const dead = { url: 'https://127.0.0.1:1/convert' }
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema })
  const conversion = { strategy: 'Webhook', webhook: { clientConfig: dead, conversionReviewVersions: ['v1'] } }
  await defineKind(plane, tableDefinition({}, {}, { versions: [version('v1', true), version('v2', false)] }))
  await plane.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'other' } } })
  await plane.request('POST', '/apis/example.com/v1/namespaces/other/tables', {
    body: { metadata: { name: 'a', finalizers: ['example.com/hold'] } },
  })
  await plane.request('POST', '/api/v1/namespaces/other/configmaps', { body: { metadata: { name: 'a' } } })
  const spec = {
    versions: [version('v1', false), version('v2', true)].map((each) => ({ ...each, served: each.name === 'v2' })),
    conversion,
  }
  const moved = await plane.request('PATCH', `${definitionsPath}/tables.example.com`, {
    body: { spec },
    contentType: merge,
  })
  t.equal(moved.code, 200, JSON.stringify(moved.body))
  await plane.request('DELETE', '/api/v1/namespaces/other')
  await until(
    async () => (await plane.request('GET', '/api/v1/namespaces/other/configmaps/a')).code === 404,
    'the others to go',
  )
  const told = async () => JSON.stringify((await plane.request('GET', '/api/v1/namespaces/other')).body['status'])
  await until(
    async () => /ContentDeletionFailed.*tables\.example\.com: .*conversion webhook/.test(await told()),
    'the reason',
  )
  t.match(await told(), /Terminating/)
})

t.test('what is wrong with a schema is told of every version that has it', async (t) => {
  const plane = await startControlPlane(t)
  const wrong = { type: 'object', properties: { spec: { type: 'odd' } } }
  const { metadata, spec } = tableDefinition({}, {}, {})
  const [version] = spec.versions
  const versions = ['v1', 'v2', 'v3'].map((name, at) => ({
    ...{ ...version, name, storage: at === 0 },
    ...(at === 0 ? {} : { schema: { openAPIV3Schema: wrong } }),
  }))
  const body = { metadata, spec: { ...spec, versions } }
  const refused = await plane.request('POST', definitionsPath, { body })
  t.equal(refused.code, 422)
  for (const at of [1, 2]) t.match(refused.body['message'], `spec.versions[${at}].schema.openAPIV3Schema`)
  t.notMatch(refused.body['message'], 'spec.versions[0].schema')
})
