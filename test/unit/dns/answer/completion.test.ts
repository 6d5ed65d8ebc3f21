import t from 'tap'
import { checks } from '../../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../../src/dns/answer/cluster.ts'
import { completion, createPodNamespaces } from '../../../../src/dns/answer/completion.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import type { Handler } from '../../../../src/dns/chain/request.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { podRecords } from '../../../../src/dns/zone/pod-records.ts'
import { addressRecord } from '../../../../src/dns/zone/records.ts'
import { createZone } from '../../../../src/dns/zone/zone.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'

import { unexpected } from '../../../support/dns-upstream.ts'

t.test('the search list of a pod, walked for it', async (t) => {
  const origin = 'cluster.local'
  const zone = createZone()
  zone.set('web', [addressRecord('web.other.svc.cluster.local', '10.96.0.9')])
  zone.set('own', [addressRecord('own.team.svc.cluster.local', '10.96.0.8')])
  const namespaces = createPodNamespaces()
  namespaces.set(
    'team/a',
    podRecords({ namespace: 'team', addresses: ['10.244.1.2'] }, origin).map(({ data }) => data),
  )
  const outside = new Map([
    ['example.com', '192.0.2.1'],
    ['db.corp.example', '192.0.2.2'],
  ])
  const asked: string[] = []
  const resolveOutside = async (name: string) => {
    asked.push(name)
    const address = outside.get(name)
    if (address === undefined) throw new Error('no such name')
    return [{ ...addressRecord(name, address), ttl: 60 }]
  }
  const outsideHandler: Handler = async ({ query, limit }) => {
    const answers = await resolveOutside(query.name).catch(() => [])
    return writeResponse(query, { rcode: answers.length > 0 ? 0 : 3, isAuthoritative: false, answers }, limit)
  }
  const options = { zone, origin, isComplete: () => true, ttl: 30 }
  const respond = createResponder(
    [
      checks,
      completion({ ...options, namespaceOf: namespaces.of, searches: ['corp.example'] }),
      clusterNames({ ...options, negativeTtl: 5 }),
      outsideHandler,
    ],
    unexpected,
  )
  const ask = async (name: string, client = '10.244.1.2') => {
    const answer = await respond(makeQuery(name, types.A), client, false)
    if (!answer) throw new Error('no answer')
    return readReply(answer)
  }
  /** What a resolver finds that walks the list itself. */
  const walk = async (name: string, client: string): Promise<readonly string[]> => {
    for (const end of ['team.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example', '']) {
      const full = end === '' ? name : `${name}.${end}`
      if (!full.endsWith(origin)) {
        const found = await resolveOutside(full).catch(() => [])
        if (found.length > 0) return found.map(({ data }) => [...data].join('.'))
        continue
      }
      const { rcode, answers } = await ask(full, client)
      if (rcode === 0 && answers.length > 0)
        return answers.filter((line) => line.includes(' A ')).map((line) => line.split(' ').at(-1) ?? '')
    }
    return []
  }
  t.same((await ask('example.com.team.svc.cluster.local')).answers, [
    'example.com.team.svc.cluster.local CNAME 30 example.com',
    'example.com A 60 192.0.2.1',
  ])
  t.same((await ask('web.other.team.svc.cluster.local')).answers, [
    'web.other.team.svc.cluster.local CNAME 30 web.other.svc.cluster.local',
    'web.other.svc.cluster.local A 30 10.96.0.9',
  ])
  t.same(asked, ['example.com.corp.example', 'example.com'], 'names of the cluster are not asked for outside')
  for (const name of [
    'example.com',
    'web.other',
    'web.other.svc',
    'db.corp.example',
    'own',
    'nobody.example',
    'own.team',
  ])
    t.same(await walk(name, '10.244.1.2'), await walk(name, '10.244.9.9'), `${name}: the same as without`)
  t.equal((await ask('example.com.team.svc.cluster.local', '10.244.9.9')).rcode, 3, 'who is no pod gets nothing else')
  t.equal((await ask('example.com.other.svc.cluster.local')).rcode, 3, 'nor does one for another namespace')
  namespaces.set('team/a', [])
  t.equal((await ask('example.com.team.svc.cluster.local')).rcode, 3, 'the pod is gone')
})
