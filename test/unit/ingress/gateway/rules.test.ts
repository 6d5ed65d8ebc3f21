/** What rules make of backends, filters and timeouts. */
import t from 'tap'
import type { HttpBackendRef, HttpRouteFilter, HttpRouteRule } from '../../../../src/api/types/index.ts'
import { compileGateways } from '../../../../src/proxy/ingress/gateway/compile.ts'
import { parseDuration } from '../../../../src/proxy/ingress/gateway/duration.ts'
import { patternProblem } from '../../../../src/proxy/ingress/policy/pattern.ts'
import { defaultRetries, plainPolicy, type RoutePolicy } from '../../../../src/proxy/ingress/policy/policy.ts'
import {
  backendRef,
  gateway,
  grant,
  path,
  route,
  rule,
  type WorldSketch,
  world,
} from '../../../support/gateway-objects.ts'

const compileOne = (written: HttpRouteRule, around: WorldSketch = {}) => {
  const compiled = compileGateways(world({ ...around, routes: [route({ rules: [written] })] }))
  const [found] = compiled.listeners[0]?.rules ?? []
  if (!found) throw new Error('no rule')
  return { ...found.route, backends: compiled.backends.map(({ key }) => key) }
}

const to = (...refs: readonly HttpBackendRef[]): HttpRouteRule => ({ backendRefs: refs })
const lost = (weight: number, status = 500) => ({ backend: undefined, status, weight })
const found = (key: string, weight: number) => ({ backend: key, status: 500, weight })

const shares: readonly {
  readonly name: string
  readonly rule: HttpRouteRule
  readonly world?: WorldSketch
  readonly targets: readonly unknown[]
}[] = [
  {
    name: 'weights; what has none is not asked',
    rule: to(backendRef('a', { weight: 7 }), backendRef('b', { weight: 0 }), backendRef('c')),
    targets: [found('infra/a:8080', 7), found('infra/c:8080', 1)],
  },
  { name: 'all weights are zero', rule: to(backendRef('a', { weight: 0 })), targets: [lost(1)] },
  { name: 'no backends', rule: {}, targets: [lost(1)] },
  {
    name: 'what does not exist takes its share down',
    rule: to(backendRef('a'), backendRef('gone', { weight: 3 })),
    world: { missing: ['infra/gone'] },
    targets: [found('infra/a:8080', 1), lost(3)],
  },
  { name: 'a port that the Service does not have', rule: to(backendRef('a', { port: 1 })), targets: [lost(1)] },
  { name: 'another kind', rule: to(backendRef('a', { kind: 'Bucket', group: 'x.io' })), targets: [lost(1)] },
  { name: 'another namespace', rule: to(backendRef('a', { namespace: 'apps' })), targets: [lost(1)] },
  {
    name: 'another namespace, with a grant',
    rule: to(backendRef('a', { namespace: 'apps' })),
    world: { grants: [grant('apps', 'HTTPRoute infra', 'Service a')] },
    targets: [found('apps/a:8080', 1)],
  },
  {
    name: 'grants that do not fit',
    rule: to(backendRef('a', { namespace: 'apps' })),
    world: {
      grants: [
        grant('apps', 'HTTPRoute infra', 'Service other'),
        grant('apps', 'HTTPRoute elsewhere', 'Service'),
        grant('apps', 'GRPCRoute infra', 'Service'),
        grant('apps', 'HTTPRoute infra', 'Secret'),
        grant('infra', 'HTTPRoute infra', 'Service'),
      ],
    },
    targets: [lost(1)],
  },
  {
    name: 'header modifiers of one backend',
    rule: to(
      backendRef('a', {
        filters: [
          { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X-A', value: '1' }] } },
          { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['X-B'] } },
        ],
      }),
    ),
    targets: [
      {
        ...found('infra/a:8080', 1),
        requestFields: { set: [['X-A', '1']], add: [], remove: [] },
        responseFields: { set: [], add: [], remove: ['x-b'] },
      },
    ],
  },
  {
    name: 'a rewrite and a redirect of one backend',
    rule: {
      ...to(
        backendRef('a', {
          filters: [
            {
              type: 'URLRewrite',
              urlRewrite: { hostname: 'x.lab', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } },
            },
          ],
        }),
        backendRef('b', { filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: 'y.lab' } }] }),
      ),
      matches: [path('/old')],
    },
    targets: [
      {
        ...found('infra/a:8080', 1),
        rewrite: { host: 'x.lab', path: { kind: 'prefix', prefix: '/old', replacement: '/new' } },
      },
      { ...found('infra/b:8080', 1), redirect: { kind: 'parts', status: 302, port: 80, host: 'y.lab' } },
    ],
  },
  {
    name: 'filters of a backend that cannot be carried out take its share down',
    rule: to(
      backendRef('a', { filters: [{ type: 'CORS', cors: {} }] }),
      backendRef('b', { filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'x y' } }] }),
      backendRef('c'),
    ),
    targets: [lost(1), lost(1), found('infra/c:8080', 1)],
  },
  ...[{ codes: [200] }, { attempts: 1e9 }, { attempts: -1 }, { backoff: '1 day' }, { backoff: '1h' }].map((retry) => ({
    name: `retries that cannot be made take the rule down: ${JSON.stringify(retry)}`,
    rule: { ...rule('a'), retry },
    targets: [lost(1)],
  })),
  {
    name: 'a filter that is not supported takes the rule down',
    rule: rule('a', [], [{ type: 'ExtensionRef', extensionRef: { group: 'x.io', kind: 'Y', name: 'z' } }]),
    targets: [lost(1)],
  },
]

for (const { name, rule: written, world: around, targets } of shares)
  t.test(`backends: ${name}`, async (t) => {
    const compiled = compileOne(written, around)
    t.strictSame(compiled.targets, targets)
    t.same(
      compiled.backends,
      compiled.targets.flatMap(({ backend }) => backend ?? []),
    )
  })

const redirect = (requestRedirect: HttpRouteFilter['requestRedirect'] = {}): HttpRouteFilter => ({
  type: 'RequestRedirect',
  requestRedirect,
})
const rewrite = (urlRewrite: NonNullable<HttpRouteFilter['urlRewrite']>): HttpRouteFilter => ({
  type: 'URLRewrite',
  urlRewrite,
})
const mirror = (requestMirror: NonNullable<HttpRouteFilter['requestMirror']>): HttpRouteFilter => ({
  type: 'RequestMirror',
  requestMirror,
})

const policies: readonly {
  readonly name: string
  readonly filters: readonly HttpRouteFilter[]
  readonly path?: string
  readonly port?: number
  readonly policy: Partial<RoutePolicy> | object
}[] = [
  {
    name: 'request headers: of equal names the first counts',
    filters: [
      {
        type: 'RequestHeaderModifier',
        requestHeaderModifier: {
          set: [
            { name: 'X-Set', value: '1' },
            { name: 'x-set', value: '2' },
          ],
          add: [{ name: 'X-Add', value: 'a' }],
          remove: ['X-Gone'],
        },
      },
    ],
    policy: { requestFields: { set: [['X-Set', '1']], add: [['X-Add', 'a']], remove: ['x-gone'] } },
  },
  {
    name: 'response headers',
    filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { add: [{ name: 'A', value: 'b' }] } }],
    policy: { responseFields: { set: [], add: [['A', 'b']], remove: [] } },
  },
  {
    name: 'a redirect without scheme or port keeps the port of the listener',
    filters: [redirect({ hostname: 'b.lab' })],
    port: 8080,
    policy: { redirect: { kind: 'parts', status: 302, port: 8080, host: 'b.lab' } },
  },
  {
    name: 'a redirect to a scheme goes to its port',
    filters: [redirect({ scheme: 'https', statusCode: 301 })],
    port: 8080,
    policy: { redirect: { kind: 'parts', status: 301, port: 443, scheme: 'https' } },
  },
  {
    name: 'a redirect to a scheme and a port',
    filters: [redirect({ scheme: 'http', port: 8443, statusCode: 308 })],
    policy: { redirect: { kind: 'parts', status: 308, port: 8443, scheme: 'http' } },
  },
  {
    name: 'a redirect that replaces the prefix',
    filters: [redirect({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new/' } })],
    path: '/old/',
    policy: {
      redirect: {
        ...{ kind: 'parts', status: 302, port: 80 },
        path: { kind: 'prefix', prefix: '/old', replacement: '/new' },
      },
    },
  },
  {
    name: 'a redirect that replaces the path',
    filters: [redirect({ path: { type: 'ReplaceFullPath', replaceFullPath: '/full' } })],
    policy: { redirect: { kind: 'parts', status: 302, port: 80, path: { kind: 'full', path: '/full' } } },
  },
  {
    name: 'a rewrite of host and prefix, here with nothing',
    filters: [rewrite({ hostname: 'one.lab', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } })],
    path: '/strip',
    policy: { rewrite: { host: 'one.lab', path: { kind: 'prefix', prefix: '/strip', replacement: '' } } },
  },
  {
    name: 'a rewrite of a prefix that is written in escapes is one of what requests are compared with',
    filters: [rewrite({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } })],
    path: '/a%20b%2Fc%C3%A4/',
    policy: { rewrite: { path: { kind: 'prefix', prefix: '/a b%2Fc\xc3\xa4', replacement: '/new' } } },
  },
  {
    name: 'several mirrors, with a share each; one that leads nowhere is left out',
    filters: [
      mirror({ backendRef: { name: 'm1', port: 8080 } }),
      mirror({ backendRef: { name: 'm2', port: 8080 }, percent: 20 }),
      mirror({ backendRef: { name: 'm3', port: 8080 }, fraction: { numerator: 1, denominator: 3 } }),
      mirror({ backendRef: { name: 'gone', port: 8080 } }),
    ],
    policy: {
      mirrors: [
        { to: { backend: 'infra/m1:8080' }, body: true, numerator: 100, denominator: 100 },
        { to: { backend: 'infra/m2:8080' }, body: true, numerator: 20, denominator: 100 },
        { to: { backend: 'infra/m3:8080' }, body: true, numerator: 1, denominator: 3 },
      ],
    },
  },
  {
    name: 'CORS',
    filters: [
      {
        type: 'CORS',
        cors: { allowOrigins: ['https://*.a.lab'], allowMethods: ['GET'], allowCredentials: true, maxAge: 60 },
      },
    ],
    policy: {
      cors: {
        ...{ origins: ['https://*.a.lab'], methods: ['GET'], headers: [], expose: [] },
        ...{ credentials: true, maxAgeSeconds: 60, namesWhatIsAsked: true },
      },
    },
  },
]

for (const { name, filters, path: written = '/', port = 80, policy } of policies)
  t.test(`filters: ${name}`, async (t) => {
    const compiled = compileOne(rule('web', [path(written)], filters), {
      gateways: [gateway({ listeners: [{ port }] })],
      missing: ['infra/gone'],
    })
    t.strictSame(compiled.policy, { ...plainPolicy, ...policy })
    t.equal(compiled.targets.length, 'redirect' in policy ? 0 : 1, 'a redirect asks nobody')
  })

t.test('timeouts; zero is none', async (t) => {
  const timeoutsOf = (timeouts: NonNullable<HttpRouteRule['timeouts']>) =>
    compileOne({ ...rule('web'), timeouts }).policy.timeouts
  t.strictSame(timeoutsOf({ request: '1m30s', backendRequest: '500ms' }), { request: 90_000, attempt: 500 })
  t.strictSame(timeoutsOf({ request: '0s' }), {})
  t.equal(parseDuration('1h'), 3_600_000)
  for (const wrong of ['', '1', '1.5s', '-1s', '1d', '100000s']) t.equal(parseDuration(wrong), undefined, wrong)
})

t.test('what a Service port speaks', async (t) => {
  const protocols = {
    ...{ 'infra/h2c': 'kubernetes.io/h2c', 'infra/ws': 'kubernetes.io/ws', 'infra/wss': 'kubernetes.io/wss' },
    ...{ 'infra/tls': 'https', 'infra/plain': 'http', 'infra/odd': 'mycompany.com/odd' },
  }
  const wanted = { h2c: 'h2c', ws: 'http', wss: 'https', tls: 'https', plain: 'http', odd: 'http' }
  for (const [name, protocol] of Object.entries(wanted))
    t.equal(compileOne(rule(name), { protocols }).policy.protocol, protocol, name)
})

t.test('which patterns are run', async (t) => {
  for (const good of ['/a.*', '^/v[0-9]+$', '\\(\\?=', '[(?=]', '(?:a|b)', '(?<name>a)'])
    t.equal(patternProblem(good), undefined, good)
  for (const bad of ['(', '(?=a)', '(?!a)', '(?<=a)b', '(?<!a)b', '(a)\\1', '(?<n>a)\\k<n>', 'a'.repeat(513)])
    t.ok(patternProblem(bad), bad.slice(0, 20))
})

t.test('retries', async (t) => {
  const made = (retry: NonNullable<HttpRouteRule['retry']>) => compileOne({ ...rule('a'), retry }).policy.retries
  t.strictSame(compileOne(rule('a')).policy.retries, defaultRetries)
  t.strictSame(made({ codes: [500, 503], attempts: 4, backoff: '100ms' }), {
    ...defaultRetries,
    ...{ statuses: [500, 503], tries: 5, backoff: 100 },
  })
  t.strictSame(made({ attempts: 0 }), { ...defaultRetries, tries: 1 })
  t.strictSame(made({}), { ...defaultRetries, tries: 3 })
})
