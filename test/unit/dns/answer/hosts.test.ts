import t from 'tap'
import { checks } from '../../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../../src/dns/answer/cluster.ts'
import { hostsNames } from '../../../../src/dns/answer/hosts.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { aliasesOf, rewrittenNames } from '../../../../src/dns/answer/rewrites.ts'
import type { Handler } from '../../../../src/dns/chain/request.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { podRecords } from '../../../../src/dns/zone/pod-records.ts'
import { addressRecord } from '../../../../src/dns/zone/records.ts'
import { createZone } from '../../../../src/dns/zone/zone.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'

import { unexpected } from '../../../support/dns-upstream.ts'

t.test('hosts, rewrites and names of pods', async (t) => {
  const zone = createZone()
  zone.set('a', [addressRecord('web.default.svc.cluster.local', '10.96.0.9')])
  zone.set(
    'pod',
    podRecords({ namespace: 'team', addresses: ['10.244.1.2', 'fd00::1:'.slice(0, -1)] }, 'cluster.local'),
  )
  const outside: Handler = ({ query, limit }, next) => {
    if (query.name !== 'b.new.example') return next()
    const answers = [{ ...addressRecord(query.name, '192.0.2.9'), ttl: 60 }]
    return writeResponse(query, { rcode: 0, isAuthoritative: false, answers }, limit)
  }
  const rules = [
    { kind: 'exact', from: 'shop.example', to: 'web.default.svc.cluster.local' },
    { kind: 'suffix', from: 'old.example', to: 'new.example' },
  ] as const
  const respond = createResponder(
    [
      checks,
      hostsNames([{ address: '10.0.0.9', names: ['db.internal', 'db'] }]),
      rewrittenNames(rules, 30),
      clusterNames({ zone, origin: 'cluster.local', isComplete: () => true, ttl: 30, negativeTtl: 5 }),
      outside,
    ],
    unexpected,
  )
  const ask = async (name: string, type: number = types.A) => {
    const answer = await respond(makeQuery(name, type), '10.244.1.2', false)
    if (!answer) throw new Error('no answer')
    return readReply(answer)
  }
  t.same((await ask('db')).answers, ['db A 3600 10.0.0.9'])
  t.match(await ask('db', types.AAAA), { rcode: 0, answers: { length: 0 } }, 'nothing of another type')
  t.same((await ask('9.0.0.10.in-addr.arpa', types.PTR)).answers, ['9.0.0.10.in-addr.arpa PTR 3600 db.internal'])
  t.same((await ask('shop.example')).answers, [
    'shop.example CNAME 30 web.default.svc.cluster.local',
    'web.default.svc.cluster.local A 30 10.96.0.9',
  ])
  t.same((await ask('b.old.example')).answers, ['b.old.example CNAME 30 b.new.example', 'b.new.example A 60 192.0.2.9'])
  t.same((await ask('10-244-1-2.team.pod.cluster.local')).answers, [
    '10-244-1-2.team.pod.cluster.local A 30 10.244.1.2',
  ])
  t.equal((await ask('10-244-1-3.team.pod.cluster.local')).rcode, 3, 'no such pod')
  t.equal((await ask('10-244-1-2.other.pod.cluster.local')).rcode, 3, 'not of this namespace')
  t.match(await ask('team.pod.cluster.local'), { rcode: 0, answers: { length: 0 } })
  t.equal(aliasesOf(rules)(`${'x.'.repeat(122)}old.example`), undefined, 'too long for DNS')
})

t.test('rules: the first that fits, up to what DNS can hold', async (t) => {
  const aliasOf = aliasesOf([
    { kind: 'exact', from: 'old.example', to: 'first.example' },
    { kind: 'suffix', from: 'old.example', to: 'new.example' },
    { kind: 'suffix', from: 'example', to: 'prod.example' },
  ])
  t.equal(aliasOf('old.example'), 'first.example')
  t.equal(aliasOf('a.old.example'), 'a.new.example', 'an exact rule is for that name alone')
  t.equal(aliasOf('b.example'), 'b.prod.example')
  t.equal(aliasOf('b.prod.example'), undefined, 'what a rule has put in place')
  t.equal(aliasOf('prod.example'), undefined)
  t.equal(aliasOf('notold.examples'), undefined)
  t.equal(aliasOf('boldexample'), undefined, 'labels are whole')
  const suffix = aliasesOf([{ kind: 'suffix', from: 'o', to: 'new' }])
  const longest = `${'x'.repeat(249)}.o`
  t.equal(suffix(longest)?.length, 253)
  t.equal(suffix(`x${longest}`), undefined)
})
