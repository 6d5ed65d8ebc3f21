/** Every rule in CEL of the Gateway API's kinds: an object that keeps it, and one that breaks it. */
import t from 'tap'
import { isJsonObject, type JsonObject } from '../../../../src/api/json.ts'
import { gatewayDefinitions } from '../../../../src/control/bootstrap/gateway/definitions.ts'
import { createTestApi } from '../../../support/api-server.ts'

interface Case {
  readonly kind: string
  /** What the rule tells whoever breaks it. */
  readonly message: string
  /** Where. */
  readonly field: string
  /** Its `spec`. */
  readonly fine: JsonObject
  readonly broken: JsonObject
  /** Of an object that is there already. */
  readonly before?: JsonObject
}

const listener = (more: JsonObject = {}) => ({ name: 'a', port: 80, protocol: 'HTTP', ...more })
const gateway = (more: JsonObject, ...listeners: readonly JsonObject[]) => ({
  gatewayClassName: 'c',
  listeners: listeners.length > 0 ? listeners : [listener()],
  ...more,
})
const gatewayOf = (...listeners: readonly JsonObject[]) => gateway({}, ...listeners)
const addresses = (...all: readonly JsonObject[]) => gateway({ addresses: all })
const keys = (of: 'annotations' | 'labels', key: string) => gateway({ infrastructure: { [of]: { [key]: 'x' } } })
const certificate = { certificateRefs: [{ name: 'c' }] }

const inGateway = (message: string, field: string, fine: JsonObject, broken: JsonObject): Case => ({
  kind: 'Gateway',
  message,
  field,
  fine,
  broken,
})

const keyCases = (['annotations', 'labels'] as const).flatMap((of) => [
  inGateway(
    `the keys of ${of} must be names, which may have a DNS name and a slash before them`,
    `spec.infrastructure.${of}`,
    keys(of, 'example.com/a'),
    keys(of, 'a b'),
  ),
  inGateway(
    `what stands before the slash in keys of ${of} must be shorter than 253 characters`,
    `spec.infrastructure.${of}`,
    keys(of, `${'a'.repeat(252)}/a`),
    keys(of, `${'a'.repeat(253)}/a`),
  ),
])

const authorities = [{ group: '', kind: 'ConfigMap', name: 'ca' }]
const perPort = (...ports: readonly number[]) =>
  gateway({ tls: { frontend: { default: {}, perPort: ports.map((port) => ({ port, tls: {} })) } } })

const gatewayCases: readonly Case[] = [
  inGateway(
    'no IPAddress can be given twice',
    'spec.addresses',
    addresses({ value: '10.0.0.1' }, { value: '10.0.0.2' }, {}, {}),
    addresses({ value: '10.0.0.1' }, { value: '10.0.0.1' }),
  ),
  inGateway(
    'no Hostname can be given twice',
    'spec.addresses',
    addresses({ type: 'Hostname', value: 'a.lab' }, { type: 'Hostname', value: 'b.lab' }),
    addresses({ type: 'Hostname', value: 'a.lab' }, { type: 'Hostname', value: 'a.lab' }),
  ),
  inGateway(
    'the value of a Hostname must be a DNS name, which may begin with *.',
    'spec.addresses[0]',
    addresses({ type: 'Hostname', value: '*.lab' }, { type: 'x.io/y', value: 'a b' }),
    addresses({ type: 'Hostname', value: 'a b' }),
  ),
  ...keyCases,
  inGateway('no port can be given twice', 'spec.tls.frontend.perPort', perPort(1, 2), perPort(1, 1)),
  inGateway(
    'certificateRefs or options are required for mode Terminate',
    'spec.listeners[0].tls',
    gatewayOf(listener({ protocol: 'HTTPS', tls: { options: { 'x.io/y': 'z' } } })),
    gatewayOf(listener({ protocol: 'HTTPS', tls: { certificateRefs: [] } })),
  ),
  inGateway(
    'tls is not for the protocols HTTP, TCP and UDP',
    'spec.listeners',
    gatewayOf(listener({ protocol: 'HTTPS', tls: certificate })),
    gatewayOf(listener({ tls: certificate })),
  ),
  inGateway(
    'tls.mode must be Terminate for protocol HTTPS',
    'spec.listeners',
    gatewayOf(listener({ protocol: 'TLS', tls: { mode: 'Passthrough' } })),
    gatewayOf(listener({ protocol: 'HTTPS', tls: { mode: 'Passthrough' } })),
  ),
  inGateway(
    'tls is required for protocol TLS',
    'spec.listeners',
    gatewayOf(listener({ protocol: 'HTTPS' })),
    gatewayOf(listener({ protocol: 'TLS' })),
  ),
  inGateway(
    'hostname is not for the protocols TCP and UDP',
    'spec.listeners',
    gatewayOf(listener({ hostname: 'a.lab' })),
    gatewayOf(listener({ protocol: 'UDP', hostname: 'a.lab' })),
  ),
  inGateway(
    'each listener must have a name of its own',
    'spec.listeners',
    gatewayOf(listener(), listener({ name: 'b', port: 81 })),
    gatewayOf(listener(), listener({ port: 81 })),
  ),
  inGateway(
    'no two listeners can have the same port, protocol and hostname',
    'spec.listeners',
    gatewayOf(listener(), listener({ name: 'b', hostname: 'a.lab' }), listener({ name: 'c', protocol: 'x.io/y' })),
    gatewayOf(listener(), listener({ name: 'b' })),
  ),
]

const route = (...rules: readonly JsonObject[]) => ({ rules })
const backend = { name: 'web', port: 80 }
const filters = (...all: readonly JsonObject[]) => route({ filters: all })
const mirror = (more: JsonObject) => ({ type: 'RequestMirror', requestMirror: { backendRef: backend, ...more } })
const extension = { group: 'x.io', kind: 'Y', name: 'z' }
const many = <T>(count: number, make: (at: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, at) => make(at))

/** A filter of each type, and its field. */
const whole: Readonly<Record<string, readonly [field: string, value: JsonObject]>> = {
  RequestHeaderModifier: ['requestHeaderModifier', {}],
  ResponseHeaderModifier: ['responseHeaderModifier', {}],
  RequestMirror: ['requestMirror', { backendRef: backend }],
  ExtensionRef: ['extensionRef', extension],
  RequestRedirect: ['requestRedirect', {}],
  URLRewrite: ['urlRewrite', {}],
  CORS: ['cors', {}],
}
const filterOf = (type: string): JsonObject => {
  const [field = '', value = {}] = whole[type] ?? []
  return { type, [field]: value }
}

const filterCases = (kind: string, types: readonly string[]): readonly Case[] =>
  types.flatMap((type): readonly Case[] => {
    const [field = '', value = {}] = whole[type] ?? []
    const other = type === 'RequestMirror' ? 'ExtensionRef' : 'RequestMirror'
    const at = 'spec.rules[0].filters'
    const fine = filters(filterOf(type))
    const isRepeated = type === 'RequestMirror' || type === 'ExtensionRef'
    return [
      {
        ...{ kind, field: `${at}[0]`, message: `${field} is for filters of type ${type} alone` },
        ...{ fine, broken: filters({ ...filterOf(other), [field]: value }) },
      },
      {
        ...{ kind, field: `${at}[0]`, message: `${field} is required for filters of type ${type}` },
        ...{ fine, broken: filters({ type }) },
      },
      ...(isRepeated
        ? []
        : [
            {
              ...{ kind, field: at, message: `${type} can be given only once` },
              ...{ fine, broken: filters(filterOf(type), filterOf(type)) },
            },
          ]),
    ]
  })

const commonTypes = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'ExtensionRef']

const parents = (...all: readonly JsonObject[]) => ({ parentRefs: all })

/** Of both kinds of routes. */
const routeCases = (kind: string): readonly Case[] => [
  {
    ...{ kind, field: 'spec.parentRefs' },
    message: 'sectionName must be given for each of several parentRefs to one object',
    fine: parents({ name: 'a' }, { name: 'a', namespace: 'other', sectionName: 'x' }),
    broken: parents({ name: 'a' }, { name: 'a', sectionName: 'x' }),
  },
  {
    ...{ kind, field: 'spec.parentRefs' },
    message: 'sectionName must be another one for each of several parentRefs to one object',
    fine: parents({ name: 'a', sectionName: 'x' }, { name: 'a', sectionName: 'y' }),
    broken: parents({ name: 'a', sectionName: 'x' }, { name: 'a', sectionName: 'x' }),
  },
  {
    ...{ kind, field: 'spec.rules[0].backendRefs[0]', message: 'port is required when the backend is a Service' },
    fine: route({ backendRefs: [backend, { name: 'x', group: 'x.io', kind: 'Y' }] }),
    broken: route({ backendRefs: [{ name: 'x' }] }),
  },
  {
    ...{ kind, field: 'spec.rules[0].filters[0].requestMirror' },
    message: 'percent and fraction cannot both be given',
    fine: filters(mirror({ percent: 1 }), mirror({ fraction: { numerator: 1 } })),
    broken: filters(mirror({ percent: 1, fraction: { numerator: 1 } })),
  },
  {
    ...{ kind, field: 'spec.rules[0].filters[0].requestMirror.fraction' },
    message: 'numerator cannot be more than denominator',
    fine: filters(mirror({ fraction: { numerator: 100 } })),
    broken: filters(mirror({ fraction: { numerator: 101 } })),
  },
  {
    ...{ kind, field: 'spec.rules', message: 'all rules together can have no more than 128 matches' },
    fine: route({ matches: many(64, () => ({})) }, { matches: many(64, () => ({})) }),
    broken: route({ matches: many(64, () => ({})) }, { matches: many(64, () => ({})) }, { matches: [{}] }),
  },
]

const pathOf = (value: string, type = 'PathPrefix') => ({ path: { type, value } })
const path = (value: string, type?: string) => route({ matches: [pathOf(value, type)] })
const forPath = (message: string, broken: string, fine: string): Case => ({
  ...{ kind: 'HTTPRoute', field: 'spec.rules[0].matches[0].path' },
  message: `value ${message} unless type is RegularExpression`,
  ...{ fine: route({ matches: [pathOf(fine), pathOf(broken, 'RegularExpression')] }), broken: path(broken, 'Exact') },
})

const prefix = { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/x' } }
const prefixCases = [
  { type: 'RequestRedirect', field: 'requestRedirect' },
  { type: 'URLRewrite', field: 'urlRewrite' },
].flatMap(({ type, field }): readonly Case[] => {
  const own = { filters: [{ type, [field]: prefix }] }
  const ofBackend = { backendRefs: [{ ...backend, ...own }] }
  return [
    {
      ...{ kind: 'HTTPRoute', field: 'spec.rules[0]' },
      message: `${type} with ReplacePrefixMatch needs exactly one match, of type PathPrefix`,
      ...{ fine: route({ ...own, matches: [pathOf('/a')] }), broken: route({ ...own, matches: [pathOf('/a'), {}] }) },
    },
    {
      ...{ kind: 'HTTPRoute', field: 'spec.rules[0]' },
      message: `${type} with ReplacePrefixMatch in backendRefs needs exactly one match, of type PathPrefix`,
      fine: route({ ...ofBackend, matches: [pathOf('/a')] }),
      broken: route({ ...ofBackend, matches: [pathOf('/a', 'Exact')] }),
    },
  ]
})

const modifier = (path: JsonObject) => filters({ type: 'URLRewrite', urlRewrite: { path } })
const modifierCases = [
  { type: 'ReplaceFullPath', field: 'replaceFullPath', other: 'ReplacePrefixMatch' },
  { type: 'ReplacePrefixMatch', field: 'replacePrefixMatch', other: 'ReplaceFullPath' },
].flatMap(({ type, field, other }): readonly Case[] =>
  [
    { message: `${field} is required for type ${type}`, broken: { type } },
    {
      message: `${field} is for type ${type} alone`,
      broken: { type: other, replaceFullPath: '/x', replacePrefixMatch: '/x' },
    },
  ].map(({ message, broken }) => ({
    ...{ kind: 'HTTPRoute', field: 'spec.rules[0].filters[0].urlRewrite.path', message },
    ...{ fine: modifier({ type, [field]: '/x' }), broken: modifier(broken) },
  })),
)

const cors = (value: JsonObject) => filters({ type: 'CORS', cors: value })
const starCases = [
  { what: 'headers', field: 'allowHeaders', other: 'x' },
  { what: 'methods', field: 'allowMethods', other: 'GET' },
  { what: 'origins', field: 'allowOrigins', other: 'https://a.lab' },
].map(
  ({ what, field, other }): Case => ({
    ...{ kind: 'HTTPRoute', field: `spec.rules[0].filters[0].cors.${field}` },
    message: `* stands for all ${what}: nothing else can be given beside it`,
    ...{ fine: cors({ [field]: ['*'] }), broken: cors({ [field]: ['*', other] }) },
  }),
)

const httpCases: readonly Case[] = [
  ...routeCases('HTTPRoute'),
  ...filterCases('HTTPRoute', Object.keys(whole)),
  ...prefixCases,
  ...modifierCases,
  ...starCases,
  {
    ...{ kind: 'HTTPRoute', field: 'spec.rules[0].filters' },
    message: 'RequestRedirect and URLRewrite cannot both be given',
    fine: filters(filterOf('URLRewrite')),
    broken: filters(filterOf('URLRewrite'), filterOf('RequestRedirect')),
  },
  {
    ...{ kind: 'HTTPRoute', field: 'spec.rules[0]' },
    message: 'RequestRedirect and backendRefs cannot both be given',
    fine: route({ filters: [filterOf('RequestRedirect')], backendRefs: [] }),
    broken: route({ filters: [filterOf('RequestRedirect')], backendRefs: [backend] }),
  },
  {
    ...{ kind: 'HTTPRoute', field: 'spec.rules[0].timeouts' },
    message: 'backendRequest cannot be longer than request',
    fine: route(
      { timeouts: { request: '1s', backendRequest: '1000ms' } },
      { timeouts: { request: '0s', backendRequest: '1h' } },
      { timeouts: { backendRequest: '1m30s' } },
    ),
    broken: route({ timeouts: { request: '1s', backendRequest: '1001ms' } }),
  },
  forPath('must begin with /', 'a', '/a'),
  forPath('cannot contain //', '/a//b', '/a/b'),
  forPath('cannot contain /./', '/a/./b', '/a./b'),
  forPath('cannot contain /../', '/a/../b', '/a../b'),
  forPath('cannot contain %2f', '/a%2fb', '/a%2e'),
  forPath('cannot contain %2F', '/a%2Fb', '/a%2E'),
  forPath('cannot contain #', '/a#b', '/a'),
  forPath('cannot end with /..', '/a/..', '/a..'),
  forPath('cannot end with /.', '/a/.', '/a.'),
  forPath('must be made of what paths may contain', '/a b', "/-A9._~!$&'()*+,;=:@%20"),
]

const call = (method: JsonObject) => route({ matches: [{ method }] })
const inMethod = (message: string, broken: JsonObject, fine: JsonObject): Case => ({
  ...{ kind: 'GRPCRoute', field: 'spec.rules[0].matches[0].method', message },
  ...{ fine: call(fine), broken: call(broken) },
})

const grpcCases: readonly Case[] = [
  ...routeCases('GRPCRoute'),
  ...filterCases('GRPCRoute', commonTypes),
  inMethod('service or method is required', {}, { method: 'Get' }),
  inMethod(
    'service must be made of letters, digits, _ and dots for type Exact',
    { service: 'a-b' },
    { service: 'a-b', type: 'RegularExpression' },
  ),
  inMethod(
    'method must be made of letters, digits and _ for type Exact',
    { method: '9a' },
    { method: '_a9', service: '.Example.v1.Service_2' },
  ),
]

const policy = (more: JsonObject) => ({
  targetRefs: [{ group: '', kind: 'Service', name: 'a' }],
  validation: { hostname: 'a.lab', wellKnownCACertificates: 'System' },
  ...more,
})
const validation = (more: JsonObject) => policy({ validation: { hostname: 'a.lab', ...more } })
const targets = (...sections: readonly (string | undefined)[]) =>
  policy({
    targetRefs: sections.map((sectionName) => ({
      ...{ group: '', kind: 'Service', name: 'a' },
      ...(sectionName === undefined ? {} : { sectionName }),
    })),
  })
const nameOf = (name: JsonObject) => validation({ wellKnownCACertificates: 'System', subjectAltNames: [name] })
const host = { type: 'Hostname', hostname: '*.a.lab' }
const uri = { type: 'URI', uri: 'spiffe://a.lab/b' }

const policyCases: readonly Case[] = [
  {
    ...{ field: 'spec.targetRefs', message: 'sectionName must be given for each of several targetRefs to one object' },
    ...{ fine: targets(undefined), broken: targets(undefined, 'a') },
  },
  {
    field: 'spec.targetRefs',
    message: 'sectionName must be another one for each of several targetRefs to one object',
    ...{ fine: targets('a', 'b'), broken: targets('a', 'b', 'a') },
  },
  {
    field: 'spec.validation',
    message: 'caCertificateRefs and wellKnownCACertificates cannot both be given',
    fine: validation({ caCertificateRefs: [], wellKnownCACertificates: 'x.io/y' }),
    broken: validation({ caCertificateRefs: authorities, wellKnownCACertificates: 'System' }),
  },
  {
    field: 'spec.validation',
    message: 'one of caCertificateRefs and wellKnownCACertificates is required',
    ...{ fine: validation({ caCertificateRefs: authorities }), broken: validation({ caCertificateRefs: [] }) },
  },
  ...[
    { message: 'hostname is required for type Hostname', fine: host, broken: { type: 'Hostname' } },
    { message: 'hostname is for type Hostname alone', fine: uri, broken: { ...host, ...uri } },
    { message: 'uri is required for type URI', fine: uri, broken: { type: 'URI' } },
    { message: 'uri is for type URI alone', fine: host, broken: { ...uri, ...host } },
  ].map(({ message, fine, broken }) => ({
    ...{ field: 'spec.validation.subjectAltNames[0]', message },
    ...{ fine: nameOf(fine), broken: nameOf(broken) },
  })),
].map((each) => ({ kind: 'BackendTLSPolicy', ...each }))

const classCases: readonly Case[] = [
  {
    ...{ kind: 'GatewayClass', field: 'spec.controllerName', message: 'controllerName cannot be changed' },
    before: { controllerName: 'x.io/y' },
    fine: { controllerName: 'x.io/y', description: 'another one' },
    broken: { controllerName: 'x.io/z' },
  },
]

const cases = [...gatewayCases, ...httpCases, ...grpcCases, ...policyCases, ...classCases]

const messagesIn = (schema: unknown): readonly string[] => {
  if (Array.isArray(schema)) return schema.flatMap(messagesIn)
  if (!isJsonObject(schema)) return []
  const { 'x-kubernetes-validations': rules, ...rest } = schema
  return [
    ...(Array.isArray(rules) ? rules.map((each) => String(isJsonObject(each) && each['message'])) : []),
    ...Object.values(rest).flatMap(messagesIn),
  ]
}

t.test('the table has every rule', async (t) => {
  const rules = gatewayDefinitions().flatMap(({ spec }) =>
    messagesIn(spec.versions[0]?.schema).map((message) => `${spec.names.kind}: ${message}`),
  )
  t.strictSame([...new Set(cases.map(({ kind, message }) => `${kind}: ${message}`))].sort(), [...new Set(rules)].sort())
})

t.test('rules', async (t) => {
  const api = await createTestApi({ bundled: true })
  const group = '/apis/gateway.networking.k8s.io/v1'
  const collection = new Map(
    gatewayDefinitions().map(({ spec: { names, scope } }) => [
      names.kind,
      `${group}${scope === 'Cluster' ? '' : '/namespaces/default'}/${names.plural}`,
    ]),
  )
  for (const { kind, message, field, fine, broken, before } of cases)
    await t.test(`${kind}: ${message}`, async (t) => {
      const url = collection.get(kind) ?? ''
      const metadata = { name: 'x' }
      if (before) await api.request('POST', url, { body: { metadata, spec: before } })
      const ask = (spec: JsonObject) => {
        const body = { metadata, spec }
        return before
          ? api.request('PUT', `${url}/x?dryRun=All`, { body })
          : api.request('POST', `${url}?dryRun=All`, { body })
      }
      const accepted = await ask(fine)
      t.equal(accepted.code, before ? 200 : 201, JSON.stringify(accepted.body['message']))
      const { code, body } = await ask(broken)
      t.equal(code, 422)
      const causes: readonly unknown[] = JSON.parse(JSON.stringify(body['details']?.['causes'] ?? []))
      const found = causes.find(
        (cause) => isJsonObject(cause) && cause['field'] === field && String(cause['message']).endsWith(`: ${message}`),
      )
      t.match(found, { reason: 'FieldValueInvalid' }, JSON.stringify(causes))
    })
})
