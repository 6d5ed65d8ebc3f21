/** Which route a request takes: hosts, paths, precedence, merging, default backends. */
import t from 'tap'
import { parseAuthority } from '../../../src/proxy/ingress/http/authority.ts'
import { routingPath } from '../../../src/proxy/ingress/http/path.ts'
import { match } from '../../../src/proxy/ingress/routes/match.ts'
import { backend, type IngressSketch, ingress, path } from '../../support/ingress-objects.ts'
import { compiledTable } from '../../support/route-table.ts'

const compile = (...sketches: readonly IngressSketch[]) =>
  compiledTable(sketches.map((sketch, at) => ingress({ name: `i${at}`, ...sketch })))

/** The Service that answers `host/path`, undefined for 404. */
const landing = (compiled: ReturnType<typeof compile>, request: string): string | undefined => {
  const slash = request.indexOf('/')
  const host = parseAuthority(request.slice(0, slash)).host
  const target = request.slice(slash)
  const route = match(compiled.table, { host, path: routingPath(target), method: 'GET', target, fields: [] })
  return route && (route.targets[0]?.backend?.replace(/^default\/|:80$/g, '') ?? 'unavailable')
}

interface Case {
  readonly name: string
  readonly ingresses: readonly IngressSketch[]
  /** Requests as `host/path`, and the Service they land on. */
  readonly lands: Readonly<Record<string, string | undefined>>
}

const one = (rules: IngressSketch['rules'], more: IngressSketch = {}): readonly IngressSketch[] => [
  { ...more, ...(rules ? { rules } : {}) },
]

const cases: readonly Case[] = [
  {
    name: 'Exact: the whole path, case and slash included',
    ingresses: one({ 'a.lab': [path('exact:/foo', 'web')] }),
    lands: {
      'a.lab/foo': 'web',
      'a.lab/foo/': undefined,
      'a.lab/FOO': undefined,
      'a.lab/bar': undefined,
      'a.lab/': undefined,
      'a.lab/foo/x': undefined,
    },
  },
  {
    name: 'Exact with a slash at the end does not match without',
    ingresses: one({ 'a.lab': [path('exact:/foo/', 'web')] }),
    lands: { 'a.lab/foo/': 'web', 'a.lab/foo': undefined },
  },
  {
    name: 'Prefix: element by element',
    ingresses: one({ 'a.lab': [path('prefix:/foo', 'web')] }),
    lands: {
      'a.lab/foo': 'web',
      'a.lab/foo/': 'web',
      'a.lab/foo/x': 'web',
      'a.lab/foo/x/y/z': 'web',
      'a.lab/foobar': undefined,
      'a.lab/FOO': undefined,
      'a.lab/fo': undefined,
      'a.lab/': undefined,
    },
  },
  {
    name: 'Prefix with a slash at the end means the same as without',
    ingresses: one({ 'a.lab': [path('prefix:/aaa/bbb/', 'web')] }),
    lands: { 'a.lab/aaa/bbb': 'web', 'a.lab/aaa/bbb/': 'web', 'a.lab/aaa/bbb/c': 'web', 'a.lab/aaa/bbbc': undefined },
  },
  {
    name: 'Prefix / is everything',
    ingresses: one({ 'a.lab': [path('prefix:/', 'web')] }),
    lands: { 'a.lab/': 'web', 'a.lab/x': 'web', 'a.lab/x/y/': 'web', 'b.lab/': undefined },
  },
  {
    name: 'ImplementationSpecific is Prefix, and no path is /',
    ingresses: one({ 'a.lab': [path('any:/foo', 'web')], 'b.lab': [path('any:', 'all')] }),
    lands: { 'a.lab/foo/x': 'web', 'a.lab/foobar': undefined, 'b.lab/anything': 'all' },
  },
  {
    name: 'the longest path wins',
    ingresses: one({
      'a.lab': [path('prefix:/', 'root'), path('prefix:/aaa', 'a'), path('prefix:/aaa/bbb', 'ab')],
    }),
    lands: {
      'a.lab/aaa/bbb': 'ab',
      'a.lab/aaa/bbb/ccc': 'ab',
      'a.lab/aaa/ccc': 'a',
      'a.lab/aaaccc': 'root',
      'a.lab/aaa': 'a',
      'a.lab/': 'root',
    },
  },
  {
    name: 'Exact before Prefix on a tie',
    ingresses: one({
      'a.lab': [
        path('prefix:/foo', 'prefix'),
        path('exact:/foo', 'exact'),
        path('exact:/bar/', 'slash'),
        path('prefix:/bar', 'bar'),
      ],
    }),
    lands: { 'a.lab/foo': 'exact', 'a.lab/foo/': 'prefix', 'a.lab/bar/': 'slash', 'a.lab/bar': 'bar' },
  },
  {
    name: 'hosts: case and port of the request do not matter, a final dot neither',
    ingresses: one({ 'Web.Lab': [path('prefix:/', 'web')] }),
    lands: { 'web.lab/': 'web', 'WEB.LAB:8080/': 'web', 'web.lab./': 'web', 'web.lab2/': undefined },
  },
  {
    name: 'a wildcard is exactly one label',
    ingresses: one({ '*.foo.com': [path('prefix:/', 'web')] }),
    lands: { 'bar.foo.com/': 'web', 'baz.bar.foo.com/': undefined, 'foo.com/': undefined, 'x.com/': undefined },
  },
  {
    name: 'the precise host before the wildcard before every host',
    ingresses: one({
      '*.foo.com': [path('prefix:/', 'wild')],
      'bar.foo.com': [path('prefix:/', 'precise')],
      '': [path('prefix:/', 'any')],
    }),
    lands: {
      'bar.foo.com/': 'precise',
      'x.foo.com/': 'wild',
      'x.y.foo.com/': 'any',
      '10.0.0.1/': 'any',
      '[fd00::1]/': 'any',
    },
  },
  {
    name: 'a path that the precise host lacks may match under a wider one',
    ingresses: one({
      'bar.foo.com': [path('prefix:/x', 'precise')],
      '*.foo.com': [path('prefix:/y', 'wild')],
      '': [path('prefix:/z', 'any')],
    }),
    lands: { 'bar.foo.com/x': 'precise', 'bar.foo.com/y': 'wild', 'bar.foo.com/z': 'any', 'bar.foo.com/': undefined },
  },
  {
    name: 'a default backend without rules takes everything',
    ingresses: [{ defaultBackend: backend('fallback') }],
    lands: { 'any.host/': 'fallback', '10.0.0.1/sub/path': 'fallback' },
  },
  {
    name: 'a default backend takes what no host and no path matches',
    ingresses: one({ 'a.lab': [path('prefix:/foo', 'web')] }, { defaultBackend: backend('fallback') }),
    lands: { 'a.lab/foo': 'web', 'a.lab/bar': 'fallback', 'b.lab/foo': 'fallback' },
  },
  {
    name: 'each host falls back to the default backend of its own Ingress first',
    ingresses: [
      { rules: { 'a.lab': [path('exact:/', 'a')] }, defaultBackend: backend('a-rest') },
      { rules: { 'b.lab': [path('exact:/', 'b')] }, defaultBackend: backend('b-rest') },
      { defaultBackend: backend('rest'), created: '2026-02-02T00:00:00Z' },
    ],
    lands: { 'a.lab/x': 'a-rest', 'b.lab/x': 'b-rest', 'c.lab/x': 'rest' },
  },
  {
    name: 'a rule without paths sends its host to the default backend',
    ingresses: one({ 'a.lab': [] }, { defaultBackend: backend('rest') }),
    lands: { 'a.lab/x': 'rest' },
  },
  {
    name: 'several Ingresses of one host are merged, and the oldest wins a contested path',
    ingresses: [
      {
        name: 'young',
        created: '2026-01-03T00:00:00Z',
        rules: { 'a.lab': [path('prefix:/', 'young'), path('prefix:/y', 'y')] },
      },
      { name: 'old', created: '2026-01-02T00:00:00Z', rules: { 'a.lab': [path('prefix:/', 'old')] } },
    ],
    lands: { 'a.lab/': 'old', 'a.lab/y': 'y' },
  },
  {
    name: 'of two of the same age the first name wins',
    ingresses: [
      { name: 'b', rules: { 'a.lab': [path('exact:/', 'b')] } },
      { name: 'a', rules: { 'a.lab': [path('exact:/', 'a')] } },
    ],
    lands: { 'a.lab/': 'a' },
  },
  {
    name: 'escapes are decoded, an escaped slash separates nothing, slashes merge',
    ingresses: one({
      'a.lab': [path('prefix:/admin', 'admin'), path('prefix:/café', 'coffee'), path('prefix:/a%2Fb', 'slash')],
    }),
    lands: {
      'a.lab/%61dmin': 'admin',
      'a.lab//admin': 'admin',
      'a.lab/admin//x': 'admin',
      'a.lab/admin%2Fx': undefined,
      'a.lab/caf%C3%A9/x': 'coffee',
      'a.lab/a%2fb/c': 'slash',
      'a.lab/a/b': undefined,
      'a.lab/a%252fb': undefined,
    },
  },
  {
    name: 'a resource backend is refused, not passed to a shorter path',
    ingresses: one({
      'a.lab': [
        path('prefix:/', 'web'),
        { path: '/r', pathType: 'Prefix', backend: { resource: { apiGroup: 'x', kind: 'Bucket', name: 'b' } } },
      ],
    }),
    lands: { 'a.lab/r/x': 'unavailable', 'a.lab/': 'web' },
  },
]

for (const { name, ingresses, lands } of cases)
  t.test(name, async (t) => {
    const compiled = compile(...ingresses)
    for (const [request, service] of Object.entries(lands)) t.equal(landing(compiled, request), service, request)
  })

t.test('what is not served as written becomes a problem', async (t) => {
  const { problems } = compile(
    {
      name: 'old',
      rules: { 'a.lab': [path('prefix:/', 'web'), path('prefix:/a/../b', 'web'), path('exact:x', 'web')] },
    },
    {
      name: 'young',
      created: '2027-01-01T00:00:00Z',
      rules: { 'a.lab': [path('prefix:/', 'other')] },
      defaultBackend: { resource: { kind: 'Bucket', name: 'b' } },
    },
  )
  t.same(problems.map(({ ingress, message }) => `${ingress}: ${message}`).sort(), [
    'default/old: path "/a/../b" matches no request: dot segment in the path',
    'default/old: path "x" does not begin with a slash: it matches no request',
    'default/young: path "/" of host "a.lab" is already served for Ingress default/old',
    'default/young: the backend of everything else is not a Service port: it is answered with 503',
    'default/young: the backend of host "a.lab" without a path is not a Service port: it is answered with 503',
  ])
})

t.test('the backends are those that routes lead to', async (t) => {
  const { backends } = compile({
    rules: {
      'a.lab': [path('prefix:/', 'web', 'http'), path('prefix:/a', 'api', 8080), path('prefix:/b', 'web', 'http')],
    },
  })
  t.same([...backends.keys()].sort(), ['default/api:8080', 'default/web:http'])
})

t.test('a long path costs no more than the deepest rule', async (t) => {
  const compiled = compile({ rules: { 'a.lab': [path('prefix:/', 'root'), path('prefix:/a/a', 'deep')] } })
  const deep = `a.lab${'/a'.repeat(4_000)}`
  const started = performance.now()
  for (let count = 0; count < 1_000; count++) landing(compiled, deep)
  t.equal(landing(compiled, deep), 'deep')
  t.ok(performance.now() - started < 2_000)
})

t.test('5,000 routes compile quickly', async (t) => {
  const sketches = Array.from({ length: 1_000 }, (_, at) => ({
    name: `i${at}`,
    rules: { [`h${at}.lab`]: Array.from({ length: 5 }, (_, nth) => path(`prefix:/p${nth}/x`, `s${at}`)) },
  }))
  const started = performance.now()
  const compiled = compile(...sketches)
  t.ok(performance.now() - started < 1_000)
  t.equal(landing(compiled, 'h999.lab/p4/x/y'), 's999')
  t.equal(compiled.backends.size, 1_000)
})

t.test('a canary joins the rule with its path, pattern or not; without one it is a problem', async (t) => {
  const prefix = 'nginx.ingress.kubernetes.io'
  const canary = { [`${prefix}/canary`]: 'true', [`${prefix}/canary-weight`]: '30' }
  const rules = { 'a.lab': [path('any:/api(/|$)(.*)', 'web')] }
  const { table, problems } = compile(
    { rules, annotations: { [`${prefix}/rewrite-target`]: '/$2' } },
    { rules: { 'a.lab': [path('any:/api(/|$)(.*)', 'next'), path('any:/alone', 'next')] }, annotations: canary },
  )
  const asked = { host: 'a.lab', path: '/api/x', target: '/api/x', method: 'GET', fields: [] }
  t.match(match(table, asked)?.canary, { when: { weight: 30 }, targets: [{ backend: 'default/next:80' }] })
  t.same(
    problems.map(({ message }) => message),
    ['path "/alone" of host "a.lab" is a canary of nothing: no other Ingress serves it'],
  )
})
