/** Which backend a request lands on, after the scenarios of the Gateway API's conformance tests. */
import t from 'tap'
import { compileGateways } from '../../../../src/proxy/ingress/gateway/compile.ts'
import { type Asked, land } from '../../../support/gateway-landing.ts'
import {
  gateway,
  path,
  type RouteSketch,
  route,
  rule,
  type WorldSketch,
  world,
} from '../../../support/gateway-objects.ts'

interface Case {
  readonly name: string
  readonly world?: WorldSketch
  readonly routes: readonly RouteSketch[]
  /** Requests as `METHOD host/path header=value`, and the Service they land on. */
  readonly lands: Readonly<Record<string, string | undefined>>
}

const readRequest = (written: string): Asked => {
  const [method = '', place = '', ...fields] = written.split(' ')
  const slash = place.indexOf('/')
  const headers = Object.fromEntries(fields.map((field) => field.split('=') as [string, string]))
  return { method, host: place.slice(0, slash), target: place.slice(slash), headers }
}

const cases: readonly Case[] = [
  {
    name: 'HTTPRouteMatching: paths and headers',
    routes: [
      {
        name: 'one',
        rules: [
          rule('v1', [path('/'), { headers: [{ name: 'version', value: 'one' }] }]),
          rule('v2', [path('/v2'), { headers: [{ name: 'Version', value: 'two' }] }]),
        ],
      },
    ],
    lands: {
      'GET a.lab/': 'v1',
      'GET a.lab/example': 'v1',
      'GET a.lab/ version=one': 'v1',
      'GET a.lab/v2': 'v2',
      'GET a.lab/v2/example': 'v2',
      'GET a.lab/ version=two': 'v2',
      'GET a.lab/v2/ version=two': 'v2',
      'GET a.lab/v2example': 'v1',
      'GET a.lab/foo/v2/example': 'v1',
    },
  },
  {
    name: 'HTTPRouteExactPathMatching',
    routes: [{ rules: [rule('v1', [path('=/one')]), rule('v2', [path('=/two')])] }],
    lands: {
      'GET a.lab/one': 'v1',
      'GET a.lab/two': 'v2',
      'GET a.lab/': undefined,
      'GET a.lab/one/example': undefined,
      'GET a.lab/two/': undefined,
      'GET a.lab/Two': undefined,
    },
  },
  {
    name: 'HTTPRoutePathMatchOrder: exact before prefix, longer before shorter, whatever the order',
    routes: [
      {
        rules: [
          rule('v3', [path('/match')]),
          rule('v2', [path('/match/exact')]),
          rule('v1', [path('=/match/exact')]),
          rule('v1', [path('/match/prefix/one')]),
          rule('v2', [path('/match/prefix/')]),
        ],
      },
    ],
    lands: {
      'GET a.lab/match/exact': 'v1',
      'GET a.lab/match/exact/one': 'v2',
      'GET a.lab/match/prefix/one/any': 'v1',
      'GET a.lab/match/prefix/any': 'v2',
      'GET a.lab/match/prefix': 'v2',
      'GET a.lab/match/any': 'v3',
    },
  },
  {
    name: 'HTTPRouteHeaderMatching: more headers win; patterns; a name counts once',
    routes: [
      {
        rules: [
          rule('v1', [{ headers: [{ name: 'version', value: 'one' }] }]),
          rule('v2', [
            {
              headers: [
                { name: 'version', value: 'one' },
                { name: 'VERSION', value: 'other' },
                { name: 'color', value: 'orange' },
              ],
            },
          ]),
          rule('v3', [{ headers: [{ type: 'RegularExpression', name: 'color', value: '^(red|blue)$' }] }]),
        ],
      },
    ],
    lands: {
      'GET a.lab/ version=one': 'v1',
      'GET a.lab/ version=one color=orange': 'v2',
      'GET a.lab/ color=blue': 'v3',
      'GET a.lab/ color=purple': undefined,
      'GET a.lab/': undefined,
    },
  },
  {
    name: 'HTTPRouteQueryParamMatching',
    routes: [
      {
        rules: [
          rule('v1', [{ queryParams: [{ name: 'animal', value: 'whale' }] }]),
          rule('v2', [
            {
              queryParams: [
                { name: 'animal', value: 'whale' },
                { name: 'color', value: 'blue' },
              ],
            },
          ]),
          rule('v3', [{ ...path('/path'), queryParams: [{ name: 'animal', value: 'whale' }] }]),
        ],
      },
    ],
    lands: {
      'GET a.lab/?animal=whale': 'v1',
      'GET a.lab/?animal=whale&color=blue': 'v2',
      'GET a.lab/path?animal=whale&color=blue': 'v3',
      'GET a.lab/?animal=dolphin': undefined,
      'GET a.lab/?Animal=whale': undefined,
    },
  },
  {
    name: 'HTTPRouteMethodMatching: path before method before headers before query',
    routes: [
      {
        rules: [
          rule('v1', [{ method: 'POST' }]),
          rule('v2', [{ headers: [{ name: 'version', value: 'one' }] }]),
          rule('v3', [{ queryParams: [{ name: 'a', value: '1' }] }]),
          rule('v4', [path('/path')]),
        ],
      },
    ],
    lands: {
      'POST a.lab/?a=1 version=one': 'v1',
      'GET a.lab/?a=1 version=one': 'v2',
      'GET a.lab/?a=1': 'v3',
      'POST a.lab/path?a=1 version=one': 'v4',
      'GET a.lab/': undefined,
    },
  },
  {
    name: 'HTTPRouteMatchingAcrossRoutes: the older route, then the name, then the first rule',
    routes: [
      { name: 'b', created: '2026-01-02T00:00:00Z', rules: [rule('young', [path('/x')])] },
      { name: 'c', rules: [rule('old', [path('/x')]), rule('second', [path('/x')])] },
      { name: 'd', rules: [rule('named-d', [path('/x'), path('/d')])] },
      { name: 'a-b', created: '2026-01-03T00:00:00Z', rules: [rule('a-b', [path('/y')])] },
      { name: 'a', created: '2026-01-03T00:00:00Z', rules: [rule('a', [path('/y')])] },
    ],
    lands: { 'GET a.lab/x': 'old', 'GET a.lab/d': 'named-d', 'GET a.lab/y': 'a' },
  },
  {
    name: 'patterns of paths; one that cannot be used matches nothing',
    routes: [{ rules: [rule('v1', [path('~/[a-z]+/v[0-9]')]), rule('v2', [path('~/(a)\\1'), path('/b')])] }],
    lands: { 'GET a.lab/shop/v1': 'v1', 'GET a.lab/aa': undefined, 'GET a.lab/b': 'v2' },
  },
  {
    name: 'HTTPRouteListenerHostnameMatching',
    world: {
      gateways: [
        gateway({
          listeners: [
            { name: 'bar', hostname: 'bar.com' },
            { name: 'foo-bar', hostname: 'foo.bar.com' },
            { name: 'any-bar', hostname: '*.bar.com' },
            { name: 'any-foo', hostname: '*.foo.com' },
          ],
        }),
      ],
    },
    routes: [
      { name: 'one', parents: [{ name: 'gw', sectionName: 'bar' }], rules: [rule('v1')] },
      { name: 'two', parents: [{ name: 'gw', sectionName: 'foo-bar' }], rules: [rule('v2')] },
      {
        name: 'three',
        parents: [
          { name: 'gw', sectionName: 'any-bar' },
          { name: 'gw', sectionName: 'any-foo' },
        ],
        rules: [rule('v3')],
      },
    ],
    lands: {
      'GET bar.com/': 'v1',
      'GET foo.bar.com/': 'v2',
      'GET baz.bar.com/': 'v3',
      'GET boo.bar.com/': 'v3',
      'GET multiple.prefixes.bar.com/': 'v3',
      'GET multiple.prefixes.foo.com/': 'v3',
      'GET foo.com/': undefined,
      'GET no.matching.host/': undefined,
    },
  },
  {
    name: 'HTTPRouteHostnameIntersection',
    world: {
      gateways: [
        gateway({
          listeners: [
            { name: 'specific', hostname: 'very.specific.com' },
            { name: 'wildcard', hostname: '*.wildcard.io' },
            { name: 'another', hostname: '*.anotherwildcard.io' },
          ],
        }),
      ],
    },
    routes: [
      {
        name: 'specific',
        hostnames: ['non.matching.com', '*.nonmatchingwildcard.io', 'Very.specific.com'],
        rules: [rule('v1', [path('/s1')])],
      },
      {
        name: 'wildcard',
        hostnames: ['non.matching.com', 'wildcard.io', 'foo.wildcard.io', 'bar.wildcard.io', 'foo.bar.wildcard.io'],
        rules: [rule('v2', [path('/s2')])],
      },
      { name: 'wide', hostnames: ['*.specific.com'], rules: [rule('v3', [path('/s3')])] },
      { name: 'narrow', hostnames: ['*.deep.anotherwildcard.io'], rules: [rule('v4', [path('/s4')])] },
    ],
    lands: {
      'GET very.specific.com/s1': 'v1',
      'GET very.specific.com/s3': 'v3',
      'GET non.matching.com/s1': undefined,
      'GET foo.specific.com/s3': undefined,
      'GET foo.wildcard.io/s2': 'v2',
      'GET foo.bar.wildcard.io/s2': 'v2',
      'GET wildcard.io/s2': undefined,
      'GET a.b.deep.anotherwildcard.io/s4': 'v4',
      'GET b.anotherwildcard.io/s4': undefined,
    },
  },
  {
    name: 'GatewayHTTPListenerIsolation, also of hostnames that routes name themselves',
    world: {
      gateways: [
        gateway({
          listeners: [
            { name: 'empty' },
            { name: 'example', hostname: '*.example.com' },
            { name: 'foo', hostname: '*.foo.example.com' },
            { name: 'abc', hostname: 'abc.foo.example.com' },
          ],
        }),
      ],
    },
    routes: ['empty', 'example', 'foo', 'abc'].map((name) => ({
      name,
      parents: [{ name: 'gw', sectionName: name }],
      hostnames: ['bar.com', '*.example.com', '*.foo.example.com', 'abc.foo.example.com'],
      rules: [rule(name, [path(`/${name}`)])],
    })),
    lands: {
      'GET bar.com/empty': 'empty',
      'GET bar.com/example': undefined,
      'GET bar.example.com/example': 'example',
      'GET bar.example.com/empty': undefined,
      'GET bar.foo.example.com/foo': 'foo',
      'GET bar.foo.example.com/example': undefined,
      'GET bar.foo.example.com/empty': undefined,
      'GET abc.foo.example.com/abc': 'abc',
      'GET abc.foo.example.com/foo': undefined,
      'GET abc.foo.example.com/example': undefined,
      'GET abc.foo.example.com/empty': undefined,
    },
  },
  {
    name: 'a listener without routes keeps the requests for its host from wider ones',
    world: { gateways: [gateway({ listeners: [{ name: 'all' }, { name: 'one', hostname: 'a.lab' }] })] },
    routes: [{ parents: [{ name: 'gw', sectionName: 'all' }] }],
    lands: { 'GET a.lab/': undefined, 'GET b.lab/': 'web' },
  },
]

for (const { name, world: around = {}, routes, lands } of cases)
  t.test(name, async (t) => {
    const all = routes.map((sketch, at) => route({ name: `r${at}`, ...sketch }))
    const { listeners } = compileGateways(world({ ...around, routes: all }))
    const [listener] = listeners
    if (!listener) return t.fail('nothing is listened on')
    for (const [written, wanted] of Object.entries(lands)) {
      const found = land(listener, readRequest(written))
      t.equal(found?.route.origin.service, wanted, `${written} → ${wanted ?? 404}`)
    }
  })

t.test('a route that is attached twice to a port is served once', async (t) => {
  const listeners = [
    { name: 'a', hostname: 'a.lab' },
    { name: 'b', hostname: 'b.lab' },
  ]
  const parents = [
    { name: 'gw', sectionName: 'a' },
    { name: 'gw', port: 80 },
  ]
  const compiled = compileGateways(world({ gateways: [gateway({ listeners })], routes: [route({ parents })] }))
  t.same(
    compiled.listeners.map(({ rules }) => rules.map(({ host }) => host)),
    [['a.lab', 'b.lab']],
  )
})
