/** The scenarios of the Ingress conformance suite, in this project's own reading, each over a real socket. */
import t from 'tap'
import { ask, echoed, startEcho, startIngress } from '../support/ingress-fixture.ts'
import { backend, ingress, path, service, slice } from '../support/ingress-objects.ts'
import { askTls, certificateFor } from '../support/tls-fixture.ts'

/** `METHOD host/path` to the Service that answers, or to 404. */
type Cases = Readonly<Record<string, string | 404>>

const named = ['web', 'foo', 'foo-bar', 'aaa', 'aaa-bbb', 'exact', 'prefix', 'wild']

const backends = async (t: Parameters<typeof startEcho>[0]) => {
  const started = await Promise.all(named.map((name) => startEcho(t, name)))
  return Object.fromEntries(named.map((name, at) => [name, [started[at]?.port ?? 0]]))
}

const run = async (
  t: Parameters<typeof startEcho>[0],
  rules: Parameters<typeof ingress>[0],
  cases: Cases,
): Promise<void> => {
  const { port } = await startIngress(t, { ingresses: [ingress(rules)], services: await backends(t) })
  for (const [asked, expected] of Object.entries(cases)) {
    const [, method = '', host = '', target = ''] = /^(\S+) ([^/]*)(\S+)$/.exec(asked) ?? []
    const answer = await ask(port, { method, host, path: target })
    if (expected === 404) t.equal(answer.status, 404, asked)
    else
      t.match({ status: answer.status, ...echoed(answer) }, { status: 200, name: expected, method, url: target }, asked)
  }
}

t.test('default backend: without rules all requests are its own', async (t) => {
  const { port } = await startIngress(t, {
    ...{ ingresses: [ingress({ defaultBackend: backend('web') })], services: await backends(t) },
  })
  for (const [method, host, target] of [
    ['GET', 'my-host', '/'],
    ['GET', 'my-host', '/sub-path'],
    ['POST', 'some-host', '/'],
    ['PUT', `127.0.0.1:${port}`, '/resource'],
    ['DELETE', 'some-host', '/resource'],
    ['PATCH', 'my-host', '/resource'],
  ] as const) {
    const answer = await ask(port, { method, host, path: target, headers: { 'user-agent': 'tests' } })
    t.equal(answer.status, 200)
    t.match(answer.headers, { 'content-type': 'application/json', date: /GMT$/, server: 'podway' })
    t.ok(answer.headers['content-length'] ?? answer.headers['transfer-encoding'], 'its length, or chunks')
    t.match(echoed(answer), { method, url: target, headers: { host, 'user-agent': 'tests' } })
  }
})

t.test('host rules', async (t) => {
  const wild = await startEcho(t, 'wild')
  const { certificate, key } = await certificateFor('foo.bar.com')
  const { port, tlsPort } = await startIngress(t, {
    ingresses: [
      ingress({
        tls: [{ hosts: ['foo.bar.com'], secretName: 'cert' }],
        rules: {
          'foo.bar.com': [path('prefix:/', 'foo-bar')],
          'bar.com': [path('prefix:/', 'foo')],
          '*.foo.com': [path('prefix:/', 'wild', 'http')],
          'a.foo.com': [path('prefix:/x', 'web')],
        },
      }),
    ],
    services: {
      ...(await backends(t)),
      wild: {
        service: service('wild', {
          ports: [
            { name: 'metrics', port: 80 },
            { name: 'http', port: 8080 },
          ],
        }),
        slices: [
          slice({ service: 'wild', addresses: { '127.0.0.1': {} }, ports: [{ name: 'http', port: wild.port }] }),
        ],
      },
    },
    secrets: { cert: { 'tls.crt': certificate, 'tls.key': key } },
  })
  t.equal(echoed(await askTls(tlsPort, { host: 'foo.bar.com' })).name, 'foo-bar', 'its own certificate was shown')
  for (const [host, name] of [
    ['bar.com', 'foo'],
    ['BAR.com:8080', 'foo'],
    ['bar.foo.com', 'wild'],
  ] as const)
    t.equal(echoed(await ask(port, { host })).name, name, host)
  t.equal(echoed(await ask(port, { host: 'a.foo.com', path: '/x' })).name, 'web', 'the precise host')
  for (const host of ['subdomain.bar.com', 'baz.bar.foo.com', 'foo.com'])
    t.equal((await ask(port, { host })).status, 404, host)
})

t.test('ingress class: one that is not ours is not served', async (t) => {
  const { port } = await startIngress(t, {
    ingresses: [ingress({ className: 'some-invalid-class-name', rules: { 'a.lab': [path('prefix:/', 'web')] } })],
    services: await backends(t),
  })
  t.equal((await ask(port)).status, 404)
})

t.test('load balancing: 100 requests reach all of 10 endpoints', async (t) => {
  const ten = await Promise.all(Array.from({ length: 10 }, (_, at) => startEcho(t, `pod-${at}`)))
  const { port } = await startIngress(t, {
    ingresses: [ingress({ defaultBackend: backend('web') })],
    services: { web: ten.map((each) => each.port) },
  })
  const names = new Map<string, number>()
  for (let count = 0; count < 100; count++) {
    const { name } = echoed(await ask(port))
    names.set(name, (names.get(name) ?? 0) + 1)
  }
  t.same([...names.values()], Array(10).fill(10))
})

t.test('path rules: exact', (t) =>
  run(
    t,
    { rules: { 'exact.lab': [path('exact:/foo', 'foo')] } },
    { 'GET exact.lab/foo': 'foo', 'GET exact.lab/foo/': 404, 'GET exact.lab/FOO': 404, 'GET exact.lab/bar': 404 },
  ),
)

t.test('path rules: prefix', (t) =>
  run(
    t,
    {
      rules: {
        'prefix.lab': [path('prefix:/foo', 'foo'), path('prefix:/aaa/bbb', 'aaa-bbb'), path('prefix:/aaa', 'aaa')],
      },
    },
    {
      'GET prefix.lab/foo': 'foo',
      'GET prefix.lab/foo/': 'foo',
      'GET prefix.lab/FOO': 404,
      'GET prefix.lab/aaa/bbb': 'aaa-bbb',
      'GET prefix.lab/aaa/bbb/ccc': 'aaa-bbb',
      'GET prefix.lab/aaa/ccc': 'aaa',
      'GET prefix.lab/aaaccc': 404,
      'GET prefix.lab/aaa/bbb/': 'aaa-bbb',
    },
  ),
)

t.test('path rules: exact goes before prefix', (t) =>
  run(
    t,
    { rules: { 'mixed.lab': [path('prefix:/foo', 'prefix'), path('exact:/foo', 'exact')] } },
    { 'GET mixed.lab/foo': 'exact', 'GET mixed.lab/foo/x': 'prefix' },
  ),
)

t.test('path rules: slashes at the end', (t) =>
  run(
    t,
    { rules: { 'slash.lab': [path('prefix:/aaa/bbb/', 'aaa-bbb'), path('exact:/foo/', 'foo')] } },
    {
      'GET slash.lab/aaa/bbb': 'aaa-bbb',
      'GET slash.lab/aaa/bbb/': 'aaa-bbb',
      'GET slash.lab/foo/': 'foo',
      'GET slash.lab/foo': 404,
    },
  ),
)
