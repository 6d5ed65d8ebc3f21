/** The Gateway API's kinds as the API server keeps them: defaults, what is refused, versions, patches, columns. */
import t from 'tap'
import { createTestApi } from '../../../support/api-server.ts'

const root = '/apis/gateway.networking.k8s.io/v1'
const gateways = `${root}/namespaces/default/gateways`
const routes = `${root}/namespaces/default/httproutes`
const grants = '/apis/gateway.networking.k8s.io/v1beta1/namespaces/default/referencegrants'

const listener = (more: object = {}) => ({ name: 'http', port: 80, protocol: 'HTTP', ...more })
const gateway = (...listeners: readonly object[]) => ({
  metadata: { name: 'gw' },
  spec: { gatewayClassName: 'podway', listeners },
})
const route = (spec: object, name = 'route') => ({ metadata: { name }, spec })
const rule = (more: object) => ({ rules: [more] })

t.test('what clients must show is kept, with its defaults, and checked', async (t) => {
  const api = await createTestApi({ bundled: true })
  const refs = [{ group: '', kind: 'ConfigMap', name: 'ca' }]
  const of = (frontend: object, name = 'gw') => ({
    metadata: { name },
    spec: { ...gateway(listener()).spec, tls: { frontend } },
  })
  const validation = { caCertificateRefs: refs }
  const perPort = [{ port: 8443, tls: {} }]
  const made = await api.request('POST', gateways, { body: of({ default: { validation }, perPort }) })
  t.equal(made.code, 201)
  t.match(made.body['spec'], {
    tls: { frontend: { default: { validation: { ...validation, mode: 'AllowValidOnly' } }, perPort } },
  })
  for (const [frontend, field] of [
    [{ default: { validation: {} } }, 'spec.tls.frontend.default.validation.caCertificateRefs'],
    [{ default: { validation: { ...validation, mode: 'Odd' } } }, 'spec.tls.frontend.default.validation.mode'],
    [{ default: {}, perPort: [...perPort, ...perPort] }, 'spec.tls.frontend.perPort'],
    [{ default: {}, perPort: [{ port: 0, tls: {} }] }, 'spec.tls.frontend.perPort[0].port'],
  ] as const) {
    const refused = await api.request('POST', gateways, { body: of(frontend, 'other') })
    t.equal(refused.code, 422, field)
    t.match(refused.body['message'], field)
  }
})

t.test('retries are kept and checked', async (t) => {
  const api = await createTestApi({ bundled: true })
  const retry = { codes: [500], attempts: 3, backoff: '100ms' }
  const made = await api.request('POST', routes, { body: route(rule({ retry })) })
  t.match(made.body['spec'], { rules: [{ retry }] })
  for (const [wrong, field] of [
    [{ codes: [200] }, 'spec.rules[0].retry.codes[0]'],
    [{ attempts: -1 }, 'spec.rules[0].retry.attempts'],
    [{ backoff: '1 day' }, 'spec.rules[0].retry.backoff'],
  ] as const) {
    const refused = await api.request('POST', routes, { body: route(rule({ retry: wrong }), 'other') })
    t.equal(refused.code, 422, field)
    t.match(refused.body['message'], field)
  }
})

t.test('defaults are those of the CRDs', async (t) => {
  const api = await createTestApi({ bundled: true })
  const tls = { certificateRefs: [{ name: 'c' }] }
  const made = await api.request('POST', gateways, {
    body: {
      ...gateway(listener({ allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] } }), {
        ...listener({ tls }),
        name: 's',
        protocol: 'HTTPS',
      }),
    },
  })
  t.equal(made.code, 201)
  t.strictSame(made.body['spec'], {
    gatewayClassName: 'podway',
    listeners: [
      {
        ...listener(),
        allowedRoutes: {
          kinds: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' }],
          namespaces: { from: 'Same' },
        },
      },
      {
        ...{ name: 's', port: 80, protocol: 'HTTPS', allowedRoutes: { namespaces: { from: 'Same' } } },
        tls: { mode: 'Terminate', certificateRefs: [{ group: '', kind: 'Secret', name: 'c' }] },
      },
    ],
  })
  t.match(made.body['status'], {
    conditions: [{ type: 'Accepted', status: 'Unknown', reason: 'Pending' }, { type: 'Programmed' }],
  })

  const spec = {
    parentRefs: [{ name: 'gw' }],
    rules: [
      {
        matches: [{ headers: [{ name: 'a', value: 'b' }] }],
        filters: [
          { type: 'RequestMirror', requestMirror: { backendRef: { name: 'm', port: 1 }, fraction: { numerator: 1 } } },
        ],
        backendRefs: [{ name: 'web', port: 80 }],
      },
      { filters: [{ type: 'RequestRedirect', requestRedirect: {} }] },
    ],
  }
  const everyPath = { type: 'PathPrefix', value: '/' }
  t.strictSame((await api.request('POST', routes, { body: route(spec) })).body['spec'], {
    parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' }],
    rules: [
      {
        matches: [{ headers: [{ type: 'Exact', name: 'a', value: 'b' }], path: everyPath }],
        filters: [
          {
            type: 'RequestMirror',
            requestMirror: {
              backendRef: { group: '', kind: 'Service', name: 'm', port: 1 },
              fraction: { numerator: 1, denominator: 100 },
            },
          },
        ],
        backendRefs: [{ group: '', kind: 'Service', name: 'web', port: 80, weight: 1 }],
      },
      { filters: [{ type: 'RequestRedirect', requestRedirect: { statusCode: 302 } }], matches: [{ path: everyPath }] },
    ],
  })
  t.strictSame((await api.request('POST', routes, { body: route({}, 'empty') })).body['spec'], {
    rules: [{ matches: [{ path: everyPath }] }],
  })
})

const many = <T>(count: number, make: (at: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, at) => make(at))
const filters = (...list: readonly object[]) => rule({ filters: list })
const web = { name: 'web', port: 80 }

/** Beside the rules, which have a test of their own. */
const refusedRoutes: readonly (readonly [what: string, spec: object, message: RegExp])[] = [
  ['17 hostnames', { hostnames: many(17, (at) => `h${at}.lab`) }, /spec.hostnames: Too many: 17/],
  ['a wrong hostname', { hostnames: ['*'] }, /spec.hostnames\[0\]/],
  ['17 rules', { rules: many(17, () => ({})) }, /spec.rules: Too many: 17/],
  ['65 matches', rule({ matches: many(65, () => ({})) }), /matches: Too many: 65/],
  [
    '17 filters',
    filters(...many(17, () => ({ type: 'ExtensionRef', extensionRef: { group: 'x.io', kind: 'Y', name: 'z' } }))),
    /filters: Too many/,
  ],
  ['17 backends', rule({ backendRefs: many(17, () => web) }), /backendRefs: Too many/],
  ['another type of path', rule({ matches: [{ path: { type: 'Glob' } }] }), /path.type: Unsupported value/],
  ['a method that nobody knows', rule({ matches: [{ method: 'get' }] }), /method: Unsupported value/],
  [
    'a header twice',
    rule({ matches: [{ headers: many(2, () => ({ name: 'a', value: 'b' })) }] }),
    /headers\[1\]: Duplicate value/,
  ],
  ['another type of filter', filters({ type: 'Odd' }), /type: Unsupported value: "Odd"/],
  [
    'a redirect status',
    filters({ type: 'RequestRedirect', requestRedirect: { statusCode: 300 } }),
    /statusCode: Unsupported/,
  ],
  ['a weight below zero', rule({ backendRefs: [{ ...web, weight: -1 }] }), /weight/],
  ['a duration', rule({ timeouts: { request: '1.5s' } }), /timeouts.request/],
  ['no rules', { rules: [] }, /spec.rules in body should have at least 1 items/],
]

const refusedListeners: readonly (readonly [what: string, listeners: readonly object[], message: RegExp])[] = [
  ['no listeners', [], /spec.listeners in body should have at least 1 items/],
  ['65 listeners', many(65, (at) => listener({ name: `l${at}`, port: at + 1 })), /Too many: 65/],
  ['a name twice', [listener(), listener({ port: 81 })], /spec.listeners\[1\]: Duplicate value: {"name":"http"}/],
  ['a port', [listener({ port: 70000 })], /listeners\[0\].port/],
  ['an address as hostname', [listener({ hostname: '*.*.lab' })], /hostname/],
]

t.test('what the CRDs refuse', async (t) => {
  const api = await createTestApi({ bundled: true })
  const refused = async (url: string, body: object, what: string, message: RegExp): Promise<void> => {
    const reply = await api.request('POST', url, { body })
    t.equal(reply.code, 422, what)
    t.match(reply.body['message'], message, what)
  }
  for (const [what, spec, message] of refusedRoutes) await refused(routes, route(spec), what, message)
  for (const [what, listeners, message] of refusedListeners)
    await refused(gateways, gateway(...listeners), what, message)
  const at = (...addresses: readonly { readonly type?: string; readonly value?: string }[]) => {
    const { metadata, spec } = gateway(listener())
    return { metadata, spec: { ...spec, addresses } }
  }
  for (const [what, addresses] of [
    ['an address of two words', [{ value: '10.0.0.1 x' }]],
    ['an address that is none', [{ value: '' }]],
    ['a long value', [{ type: 'x.io/odd', value: 'x'.repeat(254) }]],
  ] as const)
    await refused(gateways, at(...addresses), what, /spec.addresses/)
  const odd = at({}, { value: '::1' }, { type: 'x.io/odd', value: 'any thing!' })
  t.equal((await api.request('POST', gateways, { body: odd })).code, 201, 'other types are as others want them')
  await refused(
    `${root}/gatewayclasses`,
    { metadata: { name: 'x' }, spec: { controllerName: 'x' } },
    'a controller',
    /controllerName/,
  )
  await refused(
    grants,
    { metadata: { name: 'x' }, spec: { from: [], to: [] } },
    'an empty grant',
    /spec.from in body should have at least 1 items/,
  )
})

t.test('no rule is asked about an object that is not even of the right types', async (t) => {
  const api = await createTestApi({ bundled: true })
  const body = gateway(listener({ tls: { certificateRefs: [{ name: 'c' }] }, port: 'eighty' }))
  const reply = await api.request('POST', gateways, { body })
  t.equal(reply.code, 422)
  t.match(reply.body['details']?.['causes'], [
    { field: 'spec.listeners[0].port', reason: 'FieldValueTypeInvalid' },
    { field: '<nil>', message: /^Invalid value: "null": some validation rules were not checked/ },
  ])
  const wrongPort = gateway(listener({ tls: { certificateRefs: [{ name: 'c' }] }, port: 70_000 }))
  const both = await api.request('POST', gateways, { body: wrongPort })
  t.match(both.body['details']?.['causes'], [
    { field: 'spec.listeners[0].port' },
    { field: 'spec.listeners', message: /tls is not for the protocols/ },
  ])
})

t.test('what was kept before there were rules stays readable, and can be changed elsewhere', async (t) => {
  const api = await createTestApi({ bundled: true })
  const key = { bucket: 'gateways.gateway.networking.k8s.io', name: 'default/old' }
  const listeners = [
    listener({
      protocol: 'HTTPS',
      tls: { mode: 'Terminate', frontendValidation: { caCertificateRefs: [] } },
      allowedRoutes: { namespaces: { from: 'None' } },
    }),
  ]
  const object = {
    ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway' },
    metadata: { name: 'old', namespace: 'default', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 },
    spec: { gatewayClassName: 'c', listeners },
  }
  await api.store.commit({ key, expected: 0, object })
  const found = await api.request('GET', `${gateways}/old`)
  t.match(found, { code: 200, body: { spec: { listeners } } })
  t.match(found.body['status'], { conditions: [{ type: 'Accepted', status: 'Unknown' }, { type: 'Programmed' }] })
  const patch = (spec: object) =>
    api.request('PATCH', `${gateways}/old`, { body: { spec }, contentType: 'application/merge-patch+json' })
  t.match(await patch({ gatewayClassName: 'd' }), { code: 200, body: { metadata: { generation: 2 } } })
  t.equal((await patch({ addresses: [{ value: 'x' }] })).code, 422)
})

t.test('what is on the edge is fine', async (t) => {
  const api = await createTestApi({ bundled: true })
  const spec = {
    hostnames: many(16, (at) => `*.h${at}.lab`),
    rules: many(2, () => ({ matches: many(64, () => ({ path: { type: 'RegularExpression', value: 'x//y' } })) })),
  }
  t.equal((await api.request('POST', routes, { body: route(spec) })).code, 201)
  const same = [listener(), listener({ name: 'b', hostname: 'a.lab' }), listener({ name: 'c', protocol: 'x.io/Odd' })]
  t.equal((await api.request('POST', gateways, { body: gateway(...same) })).code, 201)
})

t.test("a class's controller never changes", async (t) => {
  const api = await createTestApi({ bundled: true })
  await api.request('POST', `${root}/gatewayclasses`, {
    body: { metadata: { name: 'x' }, spec: { controllerName: 'x.io/y' } },
  })
  const patch = { body: { spec: { controllerName: 'x.io/z' } }, contentType: 'application/merge-patch+json' }
  const reply = await api.request('PATCH', `${root}/gatewayclasses/x`, patch)
  t.equal(reply.code, 422)
  t.match(reply.body['message'], /spec.controllerName: .*cannot be changed/)
})

t.test('every version shows the same objects', async (t) => {
  const api = await createTestApi({ bundled: true })
  const spec = {
    from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'a' }],
    to: [{ group: '', kind: 'Service' }],
  }
  const body = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'ReferenceGrant', metadata: { name: 'x' }, spec }
  const inV1 = grants.replace('v1beta1', 'v1')
  t.match(await api.request('POST', inV1, { body }), {
    code: 201,
    body: { apiVersion: 'gateway.networking.k8s.io/v1' },
  })
  for (const [url, apiVersion] of [
    [inV1, 'gateway.networking.k8s.io/v1'],
    [grants, 'gateway.networking.k8s.io/v1beta1'],
  ] as const) {
    t.match((await api.request('GET', `${url}/x`)).body, { apiVersion })
    t.match((await api.request('GET', url)).body, { apiVersion, items: [{ apiVersion }] })
    const patch = {
      body: { metadata: { labels: { v: apiVersion.slice(-2) } } },
      contentType: 'application/merge-patch+json',
    }
    t.match(await api.request('PATCH', `${url}/x`, patch), {
      code: 200,
      body: { apiVersion, metadata: { generation: 1 } },
    })
    const watch = await api.watch(`${url}?watch=true`)
    t.match(watch.events, [{ type: 'ADDED', object: { apiVersion } }])
    await watch.stop()
  }
  const group = await api.request('GET', '/apis/gateway.networking.k8s.io')
  t.match(group.body, { preferredVersion: { version: 'v1' } })
})

t.test('kubectl applies with merge patches: no strategic ones are offered or taken', async (t) => {
  const api = await createTestApi({ bundled: true })
  await api.request('POST', routes, { body: route({ hostnames: ['a.lab'] }) })
  const patch = { spec: { hostnames: ['b.lab'] } }
  const strategic = { body: patch, contentType: 'application/strategic-merge-patch+json' }
  t.equal((await api.request('PATCH', `${routes}/route`, strategic)).code, 415)
  const merge = { body: patch, contentType: 'application/merge-patch+json' }
  t.match((await api.request('PATCH', `${routes}/route`, merge)).body, {
    spec: { hostnames: ['b.lab'] },
    metadata: { generation: 2 },
  })
  const document = (await api.request('GET', '/openapi/v3/apis/gateway.networking.k8s.io/v1')).body
  const item = document['paths']?.['/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes/{name}']
  t.same(Object.keys(item?.['patch']?.['requestBody']?.['content'] ?? {}), [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
  ])
})

t.test('columns', async (t) => {
  const api = await createTestApi({ bundled: true })
  await api.request('POST', gateways, { body: gateway(listener()) })
  await api.request('POST', routes, { body: route({ hostnames: ['a.lab', 'b.lab'] }) })
  await api.request('POST', `${root}/gatewayclasses`, {
    body: { metadata: { name: 'x' }, spec: { controllerName: 'x.io/y' } },
  })
  const cells = async (url: string) => {
    const { body } = await api.request('GET', url, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' })
    const columns: readonly { readonly name: string; readonly priority: number }[] = JSON.parse(
      JSON.stringify(body['columnDefinitions']),
    )
    const names = columns.filter(({ priority }) => priority === 0)
    return [names.map(({ name }) => name), body['rows']?.[0]?.['cells']]
  }
  t.same(await cells(`${root}/gatewayclasses`), [
    ['Name', 'Controller', 'Accepted', 'Age'],
    ['x', 'x.io/y', 'Unknown', '0s', null],
  ])
  t.same(await cells(gateways), [
    ['Name', 'Class', 'Address', 'Programmed', 'Age'],
    ['gw', 'podway', null, 'Unknown', '0s'],
  ])
  t.same(await cells(routes), [
    ['Name', 'Hostnames', 'Age'],
    ['route', '["a.lab","b.lab"]', '0s'],
  ])
})
