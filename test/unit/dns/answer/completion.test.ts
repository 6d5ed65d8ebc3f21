import t from 'tap'
import { checks } from '../../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../../src/dns/answer/cluster.ts'
import { completion, createPodNamespaces } from '../../../../src/dns/answer/completion.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import type { Handler, Request, Resolved } from '../../../../src/dns/chain/request.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { encodeName } from '../../../../src/dns/wire/name.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { podRecords } from '../../../../src/dns/zone/pod-records.ts'
import { addressRecord, cnameRecord } from '../../../../src/dns/zone/records.ts'
import { createZone } from '../../../../src/dns/zone/zone.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'

import { requestOf, unexpected } from '../../../support/dns-upstream.ts'

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

t.test('only the first step of a walk is answered for it', async (t) => {
  const origin = 'cluster.local'
  const state = { isComplete: true }
  const zone = createZone()
  zone.set('x', [
    addressRecord('a.b.svc.cluster.local', '10.96.0.9'),
    addressRecord('c.d.cluster.local', '10.96.0.7'),
    addressRecord('here.it.team.svc.cluster.local', '10.96.0.8'),
    cnameRecord('led.on.svc.cluster.local', 'x.example'),
  ])
  const resolved: string[] = []
  const handler = completion({
    ...{ zone, origin, isComplete: () => state.isComplete, ttl: 30, searches: ['corp.example'] },
    namespaceOf: (client) => (client === '10.244.1.2' ? 'team' : undefined),
  })
  const found: Readonly<Record<string, Resolved>> = {
    'x.y.corp.example': {
      ...{ rcode: 0, authority: [] },
      answers: [
        { owner: 'x.y.corp.example', type: types.CNAME, ttl: 60, data: encodeName('z.example') },
        { owner: 'z.example', type: types.A, ttl: 9, data: Uint8Array.of(192, 0, 2, 1) },
      ],
    },
    'n.o.corp.example': {
      rcode: 3,
      authority: [],
      answers: [{ type: types.A, ttl: 60, data: Uint8Array.of(1, 2, 3, 4) }],
    },
    'n.o': { rcode: 0, authority: [], answers: [{ type: types.AAAA, ttl: 60, data: Uint8Array.of(1, 2, 3, 4) }] },
  }
  const ask = async (name: string, type: number = types.A, client = '10.244.1.2') => {
    resolved.length = 0
    const request: Request = {
      ...requestOf(makeQuery(name, type)),
      client,
      resolve: (wanted) => {
        resolved.push(wanted)
        return found[wanted] ?? { rcode: 3, answers: [], authority: [] }
      },
    }
    const answer = await handler(request, () => undefined)
    return answer && readReply(answer)
  }
  const [walk, end] = ['x.y.team.svc.cluster.local', 'svc.cluster.local']
  t.match(await ask(walk), {
    ...{ rcode: 0, isAuthoritative: true },
    answers: [`${walk} CNAME 9 x.y.corp.example`, 'x.y.corp.example CNAME 60 z.example', 'z.example A 9 192.0.2.1'],
  })
  t.same(resolved, ['x.y.corp.example'])
  for (const type of [types.TXT, types.SRV, types.CNAME]) t.equal(await ask(walk, type), undefined, `type ${type}`)
  t.equal(await ask(walk, types.AAAA), undefined, 'nothing of that family anywhere: the pod walks on')
  t.same(resolved, ['x.y.corp.example', 'x.y'])
  t.equal(await ask('n.o.team.svc.cluster.local'), undefined, 'neither what is denied nor what has another type')
  for (const [name, why] of [
    ['x.y.team.svc.cluster.example', 'of another domain'],
    ['x.y.other.svc.cluster.local', 'of another namespace'],
    ['x.team.svc.cluster.local', 'a single label'],
    ['here.it.team.svc.cluster.local', 'one that exists'],
  ] as const) {
    t.equal(await ask(name), undefined, why)
    t.same(resolved, [], why)
  }
  t.equal(await ask(walk, types.A, '10.244.9.9'), undefined, 'who is no pod')
  state.isComplete = false
  t.equal(await ask(walk), undefined, 'as long as not everything is known')
  state.isComplete = true
  t.match((await ask(`a.b.team.${end}`))?.answers, [`a.b.team.${end} CNAME 30 a.b.${end}`, `a.b.${end} A 30 10.96.0.9`])
  t.match((await ask(`c.d.team.${end}`))?.answers, [
    `c.d.team.${end} CNAME 30 c.d.cluster.local`,
    / A 30 10\.96\.0\.7$/,
  ])
  t.equal(await ask(`a.b.team.${end}`, types.AAAA), undefined, 'one without addresses of this family ends the walk')
  t.equal(await ask(`led.on.team.${end}`), undefined, 'one that leads on')
  t.same(resolved, [])
})

t.test('the namespaces of pods by their addresses', async (t) => {
  const { set, of } = createPodNamespaces()
  const bytes = (...addresses: readonly string[]) => addresses.map((address) => addressRecord('', address).data)
  t.equal(of('10.244.1.2'), undefined)
  set('team/a', bytes('10.244.1.2', 'fd00::2'))
  t.same([of('10.244.1.2'), of('fd00::2'), of('10.244.1.3')], ['team', 'team', undefined])
  set('team/a', bytes('10.244.1.3'))
  t.same([of('10.244.1.2'), of('fd00::2'), of('10.244.1.3')], [undefined, undefined, 'team'], 'another address')
  set('other/b', bytes('10.244.1.3'))
  t.equal(of('10.244.1.3'), 'other', 'it has gone to another pod')
  set('team/a', [])
  t.equal(of('10.244.1.3'), 'other', 'before the end of its first is heard of')
  set('other/b', [])
  t.equal(of('10.244.1.3'), undefined)
  set('team/a', bytes('10.244.1.4'))
  set('team/a', [])
  set('team/c', bytes('10.244.1.4'))
  set('team/a', [])
  t.equal(of('10.244.1.4'), 'team', 'who has gone takes nothing twice')
})
