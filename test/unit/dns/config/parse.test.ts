import t from 'tap'
import { defaultDnsConfig } from '../../../../src/dns/config/config.ts'
import { parseDnsConfig, parseUpstream } from '../../../../src/dns/config/parse.ts'

const wrong: readonly (readonly [text: string, message: RegExp])[] = [
  ['ttl: soon', /^dns\.yaml:1: ttl: expected a whole number from 0 to 3600$/],
  ['ttl: 5\nforwrad: {}', /^dns\.yaml:2: forwrad: there is no setting "forwrad" here; there are ttl, pods, /],
  [
    'forward:\n  upstreams:\n    - 192.0.2.1\n    - somewhere',
    /^dns\.yaml:4: forward\.upstreams\.1: expected the address/,
  ],
  ['forward:\n  policy: fastest', /:2: forward\.policy: expected sequential or random or round-robin/],
  ['stubDomains:\n  corp.example: []', /:2: stubDomains\.corp\.example: a stub domain needs servers/],
  ['hosts:\n  - names: [a]', /:2: hosts\.0: needs an address and names/],
  ['rewrites:\n  - from: a.example', /:2: rewrites\.0: needs "from" and "to"/],
  [`rewrites:\n  - {from: ${'x'.repeat(64)}, to: b}`, /:2: rewrites\.0\.from: the label "x+" is too long for DNS/],
  ['cache: maybe', /:1: cache: expected a mapping/],
  ['- a', /:1: expected a mapping/],
  ['a: [1', /^dns\.yaml:1: /],
]

for (const [text, message] of wrong)
  t.test(text, async (t) => t.throws(() => parseDnsConfig(text, 'dns.yaml'), { name: 'DnsConfigError', message }))

t.test('nothing said', async (t) => {
  t.same(parseDnsConfig('', 'f'), defaultDnsConfig)
  t.same(parseDnsConfig('# only a comment\n', 'f'), defaultDnsConfig)
})

t.test('everything said', async (t) => {
  const text = `
ttl: 5
pods: disabled
forward:
  upstreams: [192.0.2.1, "192.0.2.2:5353", "2001:db8::1"]
  policy: round-robin
  timeout: 0.5
stubDomains:
  Corp.Example.: [10.0.0.53]
  lab: { upstreams: ["[fd00::53]:53"], forceTcp: true }
cache: false
hosts:
  - { address: 10.0.0.9, names: [DB.internal, db] }
rewrites:
  - { kind: suffix, from: old.example, to: new.example }
logOneOf: 100
`
  const config = parseDnsConfig(text, 'f')
  t.match(config, {
    ttl: 5,
    forward: { policy: 'round-robin', timeoutMs: 500, maxConcurrent: 1_000 },
    stubDomains: { 'corp.example': { upstreams: [{ address: '10.0.0.53', port: 53 }] }, lab: { forceTcp: true } },
    hosts: [{ address: '10.0.0.9', names: ['db.internal', 'db'] }],
    rewrites: [{ kind: 'suffix', from: 'old.example', to: 'new.example' }],
  })
  t.equal(config.cache, undefined)
  t.same(config.forward.upstreams[1], { address: '192.0.2.2', port: 5353 })
  t.same(parseUpstream('2001:db8::1'), { address: '2001:db8::1', port: 53 })
  t.equal(parseUpstream('192.0.2.1:0'), undefined)
})
