import t from 'tap'
import { parseChallenges } from '../../../src/images/registry/challenge.ts'
import { createRegistries, parseRegistries } from '../../../src/images/registry/registries.ts'

const basesOf = (registry: string, settings = parseRegistries('', () => '')) =>
  createRegistries(settings)
    .endpointsOf(registry)
    .map(({ base }) => base.href)

t.test('without a file', async (t) => {
  t.same(basesOf('docker.io'), ['https://registry-1.docker.io/'])
  t.same(basesOf('registry.example:5000'), ['https://registry.example:5000/'])
  for (const host of ['localhost:5000', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000'])
    t.same(basesOf(host), [`http://${host}/`], 'on this machine there is no TLS')
  for (const host of ['localhost.example', '10.0.0.1:5000', '[2001:db8::1]:5000']) t.match(basesOf(host)[0], /^https:/)
})

const file = `
mirrors:
  docker.io:
    endpoint: ["http://mirror.example:5000", "https://other.example/proxy"]
  registry.example:
    endpoint: []
  "*":
    endpoint: [everything.example]
configs:
  mirror.example:5000:
    auth: { username: u, password: p }
  127.0.0.1:5000:
    tls: { ca_file: /ca.crt, insecure_skip_verify: false }
  registry-1.docker.io:
    tls: { insecure_skip_verify: true }
`

t.test('with a file', async (t) => {
  const settings = parseRegistries(file, (path) => `content of ${path}`)
  const registries = createRegistries(settings)
  const [first, second, own] = registries.endpointsOf('docker.io')
  t.match(first, { mirrorOf: 'docker.io', credential: { kind: 'basic', username: 'u' } })
  t.equal(second?.base.href, 'https://other.example/proxy')
  t.match(own, { mirrorOf: undefined, isVerified: false, credential: undefined })
  t.same(basesOf('quay.example', settings), ['https://everything.example/', 'https://quay.example/'])
  t.same(basesOf('registry.example', settings), ['https://registry.example/'], 'one that has no mirrors')
  const [mirror, local] = registries.endpointsOf('127.0.0.1:5000')
  t.equal(mirror?.base.host, 'everything.example')
  t.match(local, { authority: 'content of /ca.crt', isVerified: true })
  t.equal(local?.base.protocol, 'https:', 'one of which a certificate is known has TLS')
})

for (const [name, text] of [
  ['a list', '[]'],
  ['mirrors that are a list', 'mirrors: []'],
  ['an endpoint that is none', 'mirrors: { a: { endpoint: ["ftp://x"] } }'],
  ['an endpoint with a password', 'mirrors: { a: { endpoint: ["https://u:p@x"] } }'],
  ['a user that is a number', 'configs: { a: { auth: { username: 1 } } }'],
  ['aliases', 'a: &a [x]\nb: *a'],
] as const)
  t.test(`refused: ${name}`, async (t) => t.throws(() => parseRegistries(text, () => '')))

t.test('an empty file says nothing', async (t) => t.same(parseRegistries('', () => '').mirrors.size, 0))

t.test('challenges', async (t) => {
  const header =
    'Bearer realm="https://auth.example/token",service="a, \\"b\\"" , scope="repository:x:pull", Basic realm=x'
  const [bearer, basic] = parseChallenges(header)
  t.equal(bearer?.scheme, 'bearer')
  t.same(
    [...(bearer?.parameters ?? [])],
    [
      ['realm', 'https://auth.example/token'],
      ['service', 'a, "b"'],
      ['scope', 'repository:x:pull'],
    ],
  )
  t.equal(basic?.scheme, 'basic')
  t.same(parseChallenges(''), [])
  t.same(parseChallenges('"""'), [])
  t.same(parseChallenges('Basic')[0]?.scheme, 'basic')
  parseChallenges(`Bearer ${'a="'.repeat(10_000)}`)
})
