/** Kubernetes' DNS-Based Service Discovery 1.1.0, and CoreDNS' manners around it, case by case. */
import t from 'tap'
import { checks } from '../../src/dns/answer/checks.ts'
import { clusterNames } from '../../src/dns/answer/cluster.ts'
import { createResponder } from '../../src/dns/answer/responder.ts'
import type { Handler } from '../../src/dns/chain/request.ts'
import { types } from '../../src/dns/wire/constants.ts'
import { writeResponse } from '../../src/dns/wire/response.ts'
import { apexRecords } from '../../src/dns/zone/apex.ts'
import { addressRecord } from '../../src/dns/zone/records.ts'
import { recordsOf } from '../../src/dns/zone/service-records.ts'
import { createZone } from '../../src/dns/zone/zone.ts'
import { service, slice } from '../support/cluster-objects.ts'
import { makeQuery, type QueryOptions, type Reply, readReply } from '../support/dns-client.ts'

const origin = 'cluster.local'
const zone = createZone()
zone.set('.', apexRecords({ zone: origin, addresses: ['10.96.0.10'], serial: 1, negativeTtl: 5 }))

const ready = (address: string, hostname?: string) => ({
  ...{ addresses: [address], conditions: { ready: true } },
  ...(hostname ? { hostname } : {}),
})

const objects = [
  [
    service('web', {
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9', 'fd00::9'],
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'dns', protocol: 'UDP', port: 53 },
      ],
    }),
    [],
  ],
  [service('plain', { clusterIP: '10.96.0.8', ports: [{ port: 80 }] }), []],
  [
    service('db', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }),
    [
      slice('db', [
        ready('10.244.1.2', 'db-0'),
        ready('10.244.2.2'),
        { addresses: ['10.244.3.3'], conditions: { ready: false } },
      ]),
    ],
  ],
  [
    service('six', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }),
    [slice('six', [ready('fd00::2:2'), ready('fd00:1::')])],
  ],
  [
    service('none', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }),
    [slice('none', [{ addresses: ['10.244.3.4'], conditions: { ready: false } }])],
  ],
  [
    service('both', { clusterIP: 'None' }),
    [slice('both', [ready('10.244.1.8'), ready('10.244.1.9')]), slice('both', [ready('fd00::a8'), ready('fd00::a9')])],
  ],
  [service('unported', { clusterIP: 'None' }), [slice('unported', [ready('10.244.1.7')], [])]],
  [service('ext', { type: 'ExternalName', externalName: 'www.Example.com' }), []],
  [service('alias', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }), []],
  [service('loop', { type: 'ExternalName', externalName: 'loop.default.svc.cluster.local' }), []],
] as const
for (const [object, slices] of objects) zone.set(object.metadata.name, recordsOf(object, slices, origin))

let isComplete = true
/** Knows one name, with one address, and fails for other types. */
const outside: Handler = ({ query, limit }, next) => {
  if (query.name !== 'www.example.com') return next()
  const isKnown = query.type === types.A
  const answers = isKnown ? [{ ...addressRecord('www.example.com', '192.0.2.80'), ttl: 60 }] : []
  return writeResponse(query, { rcode: isKnown ? 0 : 2, isAuthoritative: false, answers }, limit)
}
const respond = createResponder(
  [checks, clusterNames({ zone, origin, isComplete: () => isComplete, ttl: 30, negativeTtl: 5 }), outside],
  (error) => {
    throw error
  },
)

const ask = async (name: string, type: keyof typeof types | number, options?: QueryOptions): Promise<Reply> => {
  const answer = await respond(
    makeQuery(name, typeof type === 'number' ? type : types[type], options),
    '10.244.1.9',
    false,
  )
  if (!answer) throw new Error('no answer')
  return readReply(answer)
}

const dataOf = ({ answers }: Reply): string[] => answers.map((line) => line.split(' ').slice(3).join(' ')).sort()
const svc = (name: string): string => `${name}.default.svc.cluster.local`
const soa = ['cluster.local SOA 5 ns.dns.cluster.local 5']

t.test('2.2 schema version', async (t) => {
  t.same(dataOf(await ask('dns-version.cluster.local', 'TXT')), ['1.1.0'])
})

t.test('2.3 Services with a cluster address', async (t) => {
  const a = await ask(svc('web'), 'A')
  t.same(a.answers, [`${svc('web')} A 30 10.96.0.9`])
  t.ok(a.isAuthoritative)
  t.same(dataOf(await ask(svc('web'), 'AAAA')), ['fd00:0:0:0:0:0:0:9'.replace(/:0(:0)+/, ':')], 'the other family')
  const srv = await ask(`_http._tcp.${svc('web')}`, 'SRV')
  t.same(dataOf(srv), [`0 100 80 ${svc('web')}`], 'the port of the Service')
  t.match(srv.additional[0], /10\.96\.0\.9/, 'with its address')
  t.same(dataOf(await ask(`_dns._udp.${svc('web')}`, 'SRV')), [`0 100 53 ${svc('web')}`])
  t.equal((await ask(`_http._udp.${svc('web')}`, 'SRV')).rcode, 3, 'another protocol')
  t.equal((await ask(`_._tcp.${svc('plain')}`, 'SRV')).rcode, 3, 'ports without a name have none')
  t.same(dataOf(await ask('9.0.96.10.in-addr.arpa', 'PTR')), [svc('web')])
  const nibbles = `9${'.0'.repeat(27)}.0.0.d.f.ip6.arpa`
  t.same(dataOf(await ask(nibbles, 'PTR')), [svc('web')])
})

t.test('2.4 headless Services', async (t) => {
  t.same(dataOf(await ask(svc('db'), 'A')), ['10.244.1.2', '10.244.2.2'], 'only those that are ready')
  t.same(dataOf(await ask(`db-0.${svc('db')}`, 'A')), ['10.244.1.2'], 'by host name')
  t.same(dataOf(await ask(`10-244-2-2.${svc('db')}`, 'A')), ['10.244.2.2'], 'by address')
  t.equal((await ask(`10-244-1-2.${svc('db')}`, 'A')).rcode, 3, 'not both')
  const srv = await ask(`_http._tcp.${svc('db')}`, 'SRV')
  t.same(dataOf(srv), [`0 50 8080 10-244-2-2.${svc('db')}`, `0 50 8080 db-0.${svc('db')}`], 'the port of the endpoint')
  t.equal(srv.additional.length, 2)
  t.same(dataOf(await ask('2.1.244.10.in-addr.arpa', 'PTR')), [`db-0.${svc('db')}`])
  t.equal((await ask(svc('none'), 'A')).rcode, 3, 'none ready: no such name')
  t.same(dataOf(await ask(svc('unported'), 'A')), ['10.244.1.7'], 'without ports')
  t.equal((await ask(`fd00-1--0.${svc('six')}`, 'AAAA')).answers.length, 1, 'no label ends in a dash')
  t.equal((await ask(svc('six'), 'AAAA')).answers.length, 2)
})

t.test('2.5 ExternalName', async (t) => {
  const a = await ask(svc('ext'), 'A')
  t.same(a.answers, [`${svc('ext')} CNAME 30 www.Example.com`, 'www.example.com A 60 192.0.2.80'])
  t.same((await ask(svc('ext'), 'CNAME')).answers.length, 1)
  t.equal((await ask(svc('ext'), 'AAAA')).rcode, 2, 'nobody can tell')
  t.same(dataOf(await ask(svc('alias'), 'A')), ['10.96.0.9', svc('web')], 'within the cluster')
  t.equal((await ask(svc('loop'), 'A')).rcode, 2, 'an alias of itself')
})

t.test('names that exist without records, and names that do not exist', async (t) => {
  for (const name of [origin, `svc.${origin}`, `pod.${origin}`, `default.svc.${origin}`, `_tcp.${svc('web')}`]) {
    const reply = await ask(name, 'A')
    t.same([reply.rcode, reply.answers, reply.authority], [0, [], soa], `${name}: no data`)
  }
  t.same([(await ask(svc('web'), 'TXT')).rcode, (await ask(svc('web'), 'TXT')).authority], [0, soa], 'another type')
  for (const name of [svc('nobody'), `web.other.svc.${origin}`, `nothing.${origin}`, `x.${svc('web')}`]) {
    const reply = await ask(name, 'A')
    t.same([reply.rcode, reply.authority], [3, soa], `${name}: no such name`)
  }
  t.same(dataOf(await ask(origin, 'SOA')), ['ns.dns.cluster.local 5'])
  const ns = await ask(origin, 'NS')
  t.same([dataOf(ns), ns.additional], [['ns.dns.cluster.local'], ['ns.dns.cluster.local A 30 10.96.0.10']])
})

t.test('case does not matter, and is kept', async (t) => {
  const name = 'WeB.DeFaUlT.sVc.ClUsTeR.lOcAl'
  t.same((await ask(name, 'A')).answers, [`${name} A 30 10.96.0.9`])
})

t.test('the order of addresses changes from answer to answer', async (t) => {
  const firsts = new Set()
  for (let n = 0; n < 4; n++) firsts.add((await ask(svc('db'), 'A')).answers[0])
  t.equal(firsts.size, 2)
})

t.test('also for clients that ask for both families by turns', async (t) => {
  const firsts = new Set()
  for (let n = 0; n < 4; n++) {
    firsts.add((await ask(svc('both'), 'A')).answers[0])
    await ask(svc('both'), 'AAAA')
  }
  t.equal(firsts.size, 2)
})

t.test('what is not answered', async (t) => {
  t.equal((await ask(svc('web'), 'A', { class: 3 })).rcode, 5, 'another class')
  t.equal((await ask(svc('web'), 'A', { opcode: 4 })).rcode, 4, 'another operation')
  t.equal((await ask(origin, 'AXFR')).rcode, 5, 'transfers')
  t.equal((await ask('example.com', 'A')).rcode, 5, 'names of others, without a server to ask')
  t.equal((await ask(svc('web'), 'A', { edns: 1232, ednsVersion: 1 })).rcode, 0, 'BADVERS: the lower bits')
  const badVersion = await respond(makeQuery(svc('web'), types.A, { edns: 1232, ednsVersion: 1 }), '10.244.1.9', false)
  t.equal(badVersion?.at(-6), 1, 'BADVERS: the upper bits in the OPT record')
  t.equal(await respond(Buffer.alloc(5), '10.244.1.9', false), undefined, 'no header')
  const answer = makeQuery(svc('web'), types.A)
  answer.writeUInt16BE(0x8000, 2)
  t.equal(await respond(answer, '10.244.1.9', false), undefined, 'answers')
})

t.test('until everything is known, nothing is denied', async (t) => {
  isComplete = false
  t.equal((await ask(svc('nobody'), 'A')).rcode, 2)
  t.equal((await ask(svc('web'), 'A')).rcode, 0, 'what is known already is answered')
  isComplete = true
})

t.test('sizes', async (t) => {
  const many = Array.from({ length: 100 }, (_, n) => ready(`10.244.9.${n + 1}`))
  zone.set('many', recordsOf(service('many', { clusterIP: 'None' }), [slice('many', many)], origin))
  const sizes: readonly (readonly [QueryOptions, number])[] = [
    [{}, 512],
    [{ edns: 100 }, 512],
    [{ edns: 900 }, 900],
    [{ edns: 4096 }, 1232],
  ]
  for (const [options, limit] of sizes) {
    const reply = await ask(svc('many'), 'A', options)
    t.ok(
      reply.isTruncated && reply.bytes <= limit && reply.bytes > limit - 16,
      `${JSON.stringify(options)}: ${reply.bytes}`,
    )
  }
  const overTcp = await respond(makeQuery(svc('many'), types.A), '10.244.1.9', true)
  t.equal(overTcp && readReply(overTcp).answers.length, 100)
  zone.set('many', [])
  t.equal((await ask(svc('many'), 'A')).rcode, 3, 'gone')
})
