/** The cluster's own names. */
import t from 'tap'
import { clusterNames } from '../../../../src/dns/answer/cluster.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { rcodes, types } from '../../../../src/dns/wire/constants.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { apexRecords } from '../../../../src/dns/zone/apex.ts'
import { addressRecord, ptrRecord, srvRecord } from '../../../../src/dns/zone/records.ts'
import { recordsOf } from '../../../../src/dns/zone/service-records.ts'
import { createZone } from '../../../../src/dns/zone/zone.ts'
import { service } from '../../../support/cluster-objects.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'
import { unexpected } from '../../../support/dns-upstream.ts'

const origin = 'cluster.local'
const svc = (name: string): string => `${name}.default.svc.${origin}`

const open = () => {
  const zone = createZone()
  zone.set('.', apexRecords({ zone: origin, addresses: ['10.96.0.10'], serial: 1, negativeTtl: 5 }))
  zone.set(
    'web',
    recordsOf(service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] }), [], origin),
  )
  const state = { isComplete: true }
  const outside: string[] = []
  const respond = createResponder(
    [
      clusterNames({ zone, origin, isComplete: () => state.isComplete, ttl: 30, negativeTtl: 5 }),
      ({ query, limit }) => {
        outside.push(query.name)
        return writeResponse(query, { rcode: rcodes.refused, isAuthoritative: false, answers: [] }, limit)
      },
    ],
    unexpected,
  )
  const ask = async (name: string, type: number = types.A) => {
    const answer = await respond(makeQuery(name, type), '10.244.1.2', true)
    if (!answer) throw new Error('no answer')
    return readReply(answer)
  }
  return { zone, state, outside, ask }
}

const denied = {
  rcode: 3,
  isAuthoritative: true,
  answers: { length: 0 },
  authority: [`${origin} SOA 5 ns.dns.${origin} 5`],
}

t.test('what there is, and what there is not', async (t) => {
  const { ask, outside } = open()
  t.match(await ask(svc('web')), {
    ...{ rcode: 0, isAuthoritative: true, authority: { length: 0 }, additional: { length: 0 } },
    answers: [`${svc('web')} A 30 10.96.0.9`],
  })
  t.match(await ask(svc('web'), types.AAAA), { ...denied, rcode: 0 }, 'nothing of that type')
  t.match(await ask(svc('nobody')), denied)
  t.match(await ask(origin), { ...denied, rcode: 0 }, 'the origin itself')
  t.match(await ask(`svc.${origin}`), { ...denied, rcode: 0 })
  t.match(await ask(`pod.${origin}`), { ...denied, rcode: 0 }, 'a search goes on below')
  t.match(await ask(`x.pod.${origin}`), denied)
  t.match((await ask(svc('web'), types.ANY)).answers, [/ A 30 10\.96\.0\.9$/])
  t.match(await ask(svc('nobody'), types.ANY), denied)
  t.same(outside, [])
})

t.test('names that only look like ours are others’', async (t) => {
  const { ask, outside } = open()
  for (const name of ['example.com', 'notcluster.local', 'local', 'cluster.local.example'])
    t.equal((await ask(name)).rcode, rcodes.refused)
  t.equal(outside.length, 4)
})

t.test('ways back: those of the cluster, and others’', async (t) => {
  const { ask, zone, outside } = open()
  t.same((await ask('9.0.96.10.in-addr.arpa', types.PTR)).answers, [`9.0.96.10.in-addr.arpa PTR 30 ${svc('web')}`])
  const six = `${'0.'.repeat(31)}f.ip6.arpa`
  zone.set('six', [ptrRecord(six, svc('web'))])
  t.same((await ask(six, types.PTR)).answers, [`${six} PTR 30 ${svc('web')}`])
  for (const name of ['8.0.96.10.in-addr.arpa', `${'1.'.repeat(32)}ip6.arpa`])
    t.equal((await ask(name, types.PTR)).rcode, rcodes.refused)
  t.equal(outside.length, 2)
})

t.test('as long as not everything is known, nothing is denied', async (t) => {
  const { ask, state } = open()
  state.isComplete = false
  t.match(await ask(svc('nobody')), { rcode: rcodes.failed, isAuthoritative: false, authority: { length: 0 } })
  t.match(await ask(svc('web'), types.AAAA), { rcode: rcodes.failed })
  t.equal((await ask(svc('web'))).answers.length, 1, 'what there is, is told')
})

t.test('each set of addresses takes turns of its own', async (t) => {
  const { ask, zone } = open()
  const all = ['10.244.0.1', '10.244.0.2', '10.244.0.3']
  zone.set('db', [
    ...all.map((address) => addressRecord(svc('db'), address)),
    ...['fd00::1', 'fd00::2'].map((address) => addressRecord(svc('db'), address)),
  ])
  const first = async (type: number) => (await ask(svc('db'), type)).answers.map((line) => line.split(' ').at(-1))[0]
  const turns: unknown[] = []
  for (let n = 0; n < 4; n++) {
    turns.push(await first(types.A))
    await first(types.AAAA)
  }
  t.same(turns, [...all, all[0]])
  t.same(
    new Set((await ask(svc('db'))).answers.map((line) => line.split(' ').at(-1))),
    new Set(all),
    'all of them, each time',
  )
})

t.test('with the targets of SRV records come their addresses, once', async (t) => {
  const { ask, zone } = open()
  const target = svc('web')
  zone.set('srv', [
    srvRecord(svc('_a._tcp.db'), { priority: 0, weight: 100, port: 1, target }),
    srvRecord(svc('_a._tcp.db'), { priority: 0, weight: 100, port: 2, target }),
  ])
  zone.set('web6', [addressRecord(target, 'fd00::9')])
  t.match(await ask(svc('_a._tcp.db'), types.SRV), {
    answers: { length: 2 },
    additional: [`${target} A 30 10.96.0.9`, new RegExp(`^${target} AAAA 30 `)],
  })
})
