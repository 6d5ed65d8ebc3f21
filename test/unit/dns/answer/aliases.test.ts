/** Where aliases lead: whoever has the alias and whoever knows its target, the chain is followed in one way. */
import t from 'tap'
import { checks } from '../../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../../src/dns/answer/cluster.ts'
import { hostsNames } from '../../../../src/dns/answer/hosts.ts'
import { createHotAnswers } from '../../../../src/dns/answer/hot.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { rewrittenNames } from '../../../../src/dns/answer/rewrites.ts'
import { skyNames } from '../../../../src/dns/answer/skydns.ts'
import type { Handler } from '../../../../src/dns/chain/request.ts'
import { parseSkyRecord } from '../../../../src/dns/skydns/record.ts'
import { createSkyTree } from '../../../../src/dns/skydns/tree.ts'
import { readAnswer } from '../../../../src/dns/wire/answer.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { encodeName } from '../../../../src/dns/wire/name.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { apexRecords } from '../../../../src/dns/zone/apex.ts'
import { addressRecord, mxRecord, soaRecord, txtRecord } from '../../../../src/dns/zone/records.ts'
import { recordsOf } from '../../../../src/dns/zone/service-records.ts'
import { createZone } from '../../../../src/dns/zone/zone.ts'
import { service } from '../../../support/cluster-objects.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'

const origin = 'cluster.local'
const svc = (name: string): string => `${name}.default.svc.${origin}`

/** Each target by who knows it, and the address that it has. */
const targets = {
  hosts: ['db.internal', '10.0.0.9'],
  skydns: ['east.skydns.local', '10.0.1.1'],
  cluster: [svc('web'), '10.96.0.9'],
  rewrites: ['shop.example', '10.96.0.9'],
  outside: ['www.example.com', '192.0.2.80'],
} as const

const zone = createZone()
zone.set('.', apexRecords({ zone: origin, addresses: [], serial: 1, negativeTtl: 5 }))
zone.set('web', recordsOf(service('web', { clusterIP: '10.96.0.9' }), [], origin))
const external = (name: string, externalName: string): void =>
  zone.set(name, recordsOf(service(name, { type: 'ExternalName', externalName }), [], origin))
const tree = createSkyTree()
const publish = (name: string, record: object): void =>
  tree.set(name, [{ name, record: parseSkyRecord(JSON.stringify(record)) }])
publish('east.skydns.local', { host: '10.0.1.1', port: 80 })
for (const [by, [target]] of Object.entries(targets)) {
  external(`to-${by}`, target)
  publish(`to-${by}.skydns.local`, { host: target, port: 80, mail: true })
}
for (const [name, target] of [
  ['a', svc('b')],
  ['b', svc('c')],
  ['c', svc('a')],
  ['missing', svc('nobody')],
  ['missing-sky', 'nobody.skydns.local'],
  ['denied', 'nobody.example.com'],
  ['broken', 'broken.example.com'],
  ['swap', 'one.swap'],
] as const)
  external(name, target)
for (let n = 0; n < 20; n++) external(`n${n}`, svc(`n${n + 1}`))

const known = [
  addressRecord('www.example.com', '192.0.2.80'),
  txtRecord('www.example.com', 'hello'),
  mxRecord('www.example.com', 10, 'mail.example.com'),
  { owner: 'www.example.com', type: 65, data: Uint8Array.of(0, 1, 0) },
  addressRecord('grown.more.example', '192.0.2.81'),
]
const soa = soaRecord('example.com', { primary: 'a.example.com', contact: 'b.example.com', serial: 1, negativeTtl: 60 })
const asked: string[] = []
const outside: Handler = ({ query, limit }) => {
  asked.push(query.name)
  const found = known.filter(({ owner }) => owner === query.name)
  const answers = found.filter(({ type }) => type === query.type).map(({ type, data }) => ({ type, data, ttl: 60 }))
  const rcode = query.name.startsWith('broken') ? 2 : found.length > 0 ? 0 : 3
  const authority = answers.length > 0 || rcode === 2 ? [] : [{ ...soa, ttl: 60 }]
  return Promise.resolve(writeResponse(query, { rcode, isAuthoritative: false, answers, authority }, limit))
}
let isComplete = true
const respond = createResponder(
  [
    checks,
    hostsNames([{ address: '10.0.0.9', names: ['db.internal'] }]),
    skyNames({ tree, zones: ['skydns.local'], negativeTtl: 5 }),
    rewrittenNames(
      [
        { kind: 'exact', from: 'shop.example', to: svc('web') },
        ...Object.entries(targets).map(([by, [to]]) => ({ kind: 'exact', from: `to-${by}.rewritten`, to }) as const),
        { kind: 'exact', from: 'one.swap', to: 'two.swap' },
        { kind: 'exact', from: 'two.swap', to: 'one.swap' },
        { kind: 'suffix', from: 'example', to: 'more.example' },
      ],
      30,
    ),
    clusterNames({ zone, origin, isComplete: () => isComplete, ttl: 30, negativeTtl: 5 }),
    outside,
  ],
  (error) => {
    throw error
  },
)
const ask = async (name: string, type: number = types.A, options = {}) => {
  const answer = await respond(makeQuery(name, type, options), '10.244.1.2', false)
  if (!answer) throw new Error('no answer')
  return readReply(answer)
}

t.test('every alias reaches whoever knows its target, and only what is outside is asked outside', async (t) => {
  for (const [by, [target, address]] of Object.entries(targets))
    for (const [alias, isAuthoritative] of [
      [svc(`to-${by}`), true],
      [`to-${by}.skydns.local`, true],
      [`to-${by}.rewritten`, false],
    ] as const) {
      asked.length = 0
      const { answers, ...reply } = await ask(alias)
      t.match(reply, { rcode: 0, isAuthoritative, authority: { length: 0 } }, `${alias}: flags of the alias itself`)
      t.match(answers[0], new RegExp(`^${alias.replaceAll('.', '\\.')} CNAME \\d+ ${target}$`))
      t.match(answers.at(-1), new RegExp(` A \\d+ ${address}$`), `${alias} has an address`)
      t.same(asked, by === 'outside' ? [target] : [], `${alias} asks nobody who need not know`)
    }
})

t.test('all types follow', async (t) => {
  for (const alias of [svc('to-outside'), 'to-outside.rewritten']) {
    t.match((await ask(alias, types.TXT)).answers, { 1: /hello/ })
    t.match(await ask(alias, types.MX), { rcode: 0, answers: { length: 2 } })
    t.match(await ask(alias, 65), { rcode: 0, answers: { length: 2 } }, 'one that is not known here')
    for (const type of [types.CNAME, types.ANY]) {
      asked.length = 0
      t.match(await ask(alias, type), { rcode: 0, answers: { length: 1 } })
      t.same(asked, [], 'the alias itself')
    }
  }
  t.match((await ask('to-outside.skydns.local', types.TXT)).answers, { 1: /hello/ }, 'SkyDNS: where there is no text')
  t.match(await ask(svc('to-skydns'), types.SRV), { answers: { 1: /SRV/ }, rcode: 0 })
})

t.test('additional addresses come from whoever knows the target', async (t) => {
  for (const type of [types.SRV, types.MX])
    for (const [by, [, address]] of Object.entries(targets)) {
      const { additional } = await ask(`to-${by}.skydns.local`, type)
      t.match(additional.at(-1), new RegExp(` A \\d+ ${address}$`), `${by}, ${type}`)
    }
})

t.test('one query for many targets does not become many', async (t) => {
  for (let n = 0; n < 40; n++) publish(`${n}.many.skydns.local`, { host: `t${n}.example.com`, port: 80 })
  asked.length = 0
  const message = makeQuery('many.skydns.local', types.SRV)
  const answer = await respond(message, '10.244.1.2', true)
  t.equal(answer && readReply(answer).answers.length, 40)
  t.equal(asked.length, 32, 'sixteen of them, for both families')
})

t.test('the end of the chain decides', async (t) => {
  t.match(await ask(svc('missing')), {
    ...{ rcode: 3, answers: { length: 1 } },
    authority: ['cluster.local SOA 5 ns.dns.cluster.local 5'],
  })
  t.match(await ask(svc('to-cluster')), { rcode: 0, answers: { length: 2 }, authority: { length: 0 } })
  t.match(await ask(svc('missing-sky')), { rcode: 3, authority: [/^skydns\.local SOA/] })
  t.match(await ask(svc('denied')), { rcode: 3, answers: { length: 1 }, authority: [/^example\.com SOA 60/] })
  t.match(await ask(svc('to-outside'), types.AAAA), { rcode: 0, answers: { length: 1 }, authority: [/^example\.com/] })
  t.match(await ask(svc('to-cluster'), types.AAAA), {
    rcode: 0,
    answers: { length: 1 },
    authority: [/^cluster\.local/],
  })
  t.match(await ask(svc('broken')), { rcode: 2, answers: { length: 1 } })
  isComplete = false
  t.match(await ask(svc('missing')), { rcode: 2 }, 'as long as nobody knows')
  isComplete = true
})

t.test('circles, and chains without an end, fail', async (t) => {
  t.match(await ask(svc('a')), { rcode: 2, answers: { length: 3 } })
  t.match(await ask(svc('swap')), { rcode: 2 }, 'through rewrites')
  t.match(await ask(svc('n0')), { rcode: 2 }, 'twenty')
  t.match(await ask(svc('n14')), { rcode: 3, answers: { length: 6 } }, 'a few are none')
  t.match((await ask('grown.example')).answers.at(-1), / A 60 192\.0\.2\.81$/, 'a rule does not grow its own result')
})

t.test('what hangs on others is not kept as ours', async (t) => {
  const hot = createHotAnswers(respond)
  const query = makeQuery(svc('to-cluster'), types.AAAA)
  const first = await hot.respond(query, '10.244.1.2', false)
  t.equal(first && readReply(first).answers.length, 1)
  zone.set('web', [])
  const then = await hot.respond(query, '10.244.1.2', false)
  t.equal(then && readReply(then).rcode, 3)
})

t.test('answers are taken apart: pointers are followed backwards, and what is broken is none', async (t) => {
  const query = makeQuery('www.example.com', types.MX)
  const head = Buffer.from(query)
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(1, 6)
  const record = (data: readonly number[]) =>
    Buffer.concat([head, Buffer.from([0xc0, 12, 0, types.MX, 0, 1, 0, 0, 0, 60, 0, data.length, ...data])])
  const good = record([0, 10, 4, 109, 97, 105, 108, 0xc0, 16])
  t.match(readAnswer(good), { rcode: 0, answers: [{ ttl: 60, owner: encodeName('www.example.com') }] })
  t.same(readAnswer(good)?.answers[0]?.data, Uint8Array.of(0, 10, ...encodeName('mail.example.com')))
  t.equal(readAnswer(record([0, 10, 0xc0, query.length + 14])), undefined, 'a pointer to itself')
  t.equal(readAnswer(record([0, 10, 0xc0, 0xff])), undefined, 'a pointer ahead')
  const random = createSeededRandom(seedOr(11))
  for (let n = 0; n < rounds(20_000, 1_000_000); n++) {
    const packet = Buffer.from(good)
    for (let change = 0; change < 3; change++) packet[random.below(packet.length)] = random.below(256)
    const read = readAnswer(packet.subarray(0, random.below(packet.length + 1)))
    for (const { data } of read?.answers ?? []) if (data.length > 300) t.fail(packet.toString('hex'))
  }
})
