/** Published records: SkyDNS' README, case by case. */
import t from 'tap'
import { checks } from '../../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../../src/dns/answer/cluster.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { skyNames } from '../../../../src/dns/answer/skydns.ts'
import { createAsker, readAnswer } from '../../../../src/dns/client/ask.ts'
import { checkRecords } from '../../../../src/dns/client/check.ts'
import { publishedBy } from '../../../../src/dns/skydns/published.ts'
import { nameOfPath, parseSkyRecord, pathOfName, renderSkyRecord } from '../../../../src/dns/skydns/record.ts'
import { createSkyTree } from '../../../../src/dns/skydns/tree.ts'
import { skyView } from '../../../../src/dns/skydns/view.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { addressRecord } from '../../../../src/dns/zone/records.ts'
import { recordsOf } from '../../../../src/dns/zone/service-records.ts'
import { createZone } from '../../../../src/dns/zone/zone.ts'
import { service, slice } from '../../../support/cluster-objects.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'

t.test('paths and names', async (t) => {
  t.equal(nameOfPath('/skydns/local/skydns/East/prod/rails/1'), '1.rails.prod.east.skydns.local')
  t.equal(pathOfName('1.rails.prod.east.skydns.local'), '/skydns/local/skydns/east/prod/rails/1')
  t.equal(nameOfPath('/other/local/x', '/other'), 'x.local')
  t.throws(() => nameOfPath('/elsewhere/x'), /is not below \/skydns/)
  t.throws(() => nameOfPath(`/skydns/${'x'.repeat(64)}`), /too long/)
})

t.test('records: defaults, limits, nonsense', async (t) => {
  t.match(
    parseSkyRecord('{"Host":"10.0.0.1","Port":80,"TTL":9}'),
    { host: '10.0.0.1', port: 80, ttl: 9 },
    'as Go reads it',
  )
  t.match(parseSkyRecord('{"host":"10.0.0.1","more":1}'), { port: 0, priority: 10, weight: 100, ttl: 3_600, group: '' })
  for (const [text, why] of [
    ['{"host":"a","port":70000}', /port: expected an integer from 0 to 65535/],
    ['{"host":5}', /host: expected a string/],
    ['{"host":"a","mail":"yes"}', /mail: expected a boolean/],
    ['{}', /neither a host nor a text/],
    ['[]', /expected an object/],
    [`{"host":"${'x'.repeat(64)}"}`, /too long/],
  ] as const)
    t.throws(() => parseSkyRecord(text), why)
  t.throws(() => parseSkyRecord('{'))
  const service = { ...parseSkyRecord('{"host":"10.96.0.9"}'), weight: 10, ttl: 30 }
  t.equal(renderSkyRecord(service), '{"host":"10.96.0.9","priority":10,"weight":10,"ttl":30,"targetstrip":0}')
})

const tree = createSkyTree()
const publish = (path: string, record: object): void =>
  tree.set(path, [{ name: nameOfPath(path), record: parseSkyRecord(JSON.stringify(record)) }])

publish('/skydns/local/skydns/east/prod/rails/1', { host: '10.0.1.1', port: 8080 })
publish('/skydns/local/skydns/east/prod/rails/2', { host: '10.0.1.2', port: 8080, weight: 300 })
publish('/skydns/local/skydns/west/prod/rails/1', { host: '10.0.2.1', port: 8080, priority: 20, ttl: 7 })
publish('/skydns/local/skydns/east/prod/six/1', { host: 'fd00::1', port: 80 })
publish('/skydns/local/skydns/east/prod/named/1', { host: 'www.example.com', port: 80 })
publish('/skydns/local/skydns/east/prod/alias/1', { host: '1.rails.prod.east.skydns.local' })
publish('/skydns/local/skydns/text', { text: 'x'.repeat(300) })
publish('/skydns/local/skydns/mail/1', { host: '10.0.3.1', mail: true, priority: 5 })
publish('/skydns/local/skydns/mail/2', { host: '10.0.3.2', port: 80 })
publish('/skydns/local/skydns/strip/a', { host: '10.0.4.1', port: 80, targetstrip: 1 })
publish('/skydns/local/skydns/strip/b', { host: '10.0.4.1', port: 81, targetstrip: 1 })
publish('/skydns/local/skydns/grouped/1', { host: '10.0.5.1', group: 'g1' })
publish('/skydns/local/skydns/grouped/1/2', { host: '10.0.5.2', group: 'g2' })
publish('/skydns/local/skydns/grouped/1/3', { host: '10.0.5.3' })
publish('/skydns/local/skydns/mixed/1', { host: '10.0.6.1', group: 'g1' })
publish('/skydns/local/skydns/mixed/2', { host: '10.0.6.2', group: 'g2' })
publish('/skydns/local/skydns/loop/1', { host: 'loop.skydns.local' })
publish('/skydns/arpa/in-addr/10/0/1/1', { host: '1.rails.prod.east.skydns.local' })
publish('/skydns/local/cluster/extra', { host: '10.0.9.9' })

const respond = createResponder(
  [
    checks,
    skyNames({
      tree,
      zones: ['skydns.local'],
      negativeTtl: 5,
    }),
    ({ query, limit }, next) => {
      if (query.name !== 'www.example.com' || query.type !== types.A) return next()
      const answers = [{ ...addressRecord(query.name, '192.0.2.80'), ttl: 60 }]
      return writeResponse(query, { rcode: 0, isAuthoritative: false, answers }, limit)
    },
  ],
  (error) => {
    throw error
  },
)
const ask = async (name: string, type: keyof typeof types = 'A') => {
  const answer = await respond(makeQuery(name, types[type], { edns: 4096 }), '10.244.1.2', false)
  if (!answer) throw new Error('no answer')
  return readReply(answer)
}
const addressesOf = async (name: string, type: keyof typeof types = 'A') =>
  (await ask(name, type)).answers.map((line) => line.split(' ').at(-1)).sort()

t.test('a name, and all below it', async (t) => {
  t.same(await addressesOf('1.rails.prod.east.skydns.local'), ['10.0.1.1'])
  t.same(await addressesOf('rails.prod.east.skydns.local'), ['10.0.1.1', '10.0.1.2'])
  t.same(await addressesOf('east.skydns.local', 'AAAA'), ['fd00::1'])
  t.same((await ask('1.rails.prod.west.skydns.local')).answers, ['1.rails.prod.west.skydns.local A 7 10.0.2.1'])
  t.same(await addressesOf('extra.cluster.local'), ['10.0.9.9'], 'also beside what others say')
})

t.test('any one label', async (t) => {
  t.same(await addressesOf('rails.prod.*.skydns.local'), ['10.0.1.1', '10.0.1.2', '10.0.2.1'])
  t.same(await addressesOf('1.rails.any.any.skydns.local'), ['10.0.1.1', '10.0.2.1'])
  t.equal((await ask('rails.*.nowhere.skydns.local')).rcode, 3)
})

t.test('SRV: targets of their own names, shares of 100 for each priority', async (t) => {
  const { answers, additional } = await ask('rails.prod.*.skydns.local', 'SRV')
  t.same([...answers].sort(), [
    'rails.prod.*.skydns.local SRV 3600 10 25 8080 1.rails.prod.east.skydns.local',
    'rails.prod.*.skydns.local SRV 3600 10 75 8080 2.rails.prod.east.skydns.local',
    'rails.prod.*.skydns.local SRV 7 20 100 8080 1.rails.prod.west.skydns.local',
  ])
  t.equal(additional.length, 3)
  t.ok(additional.includes('1.rails.prod.east.skydns.local A 3600 10.0.1.1'))
  const named = await ask('named.prod.east.skydns.local', 'SRV')
  t.same(named.answers, ['named.prod.east.skydns.local SRV 3600 10 100 80 www.example.com'])
  t.same(named.additional, ['www.example.com A 60 192.0.2.80'])
  const stripped = await ask('strip.skydns.local', 'SRV')
  t.same([...stripped.answers].sort(), [
    'strip.skydns.local SRV 3600 10 50 80 strip.skydns.local',
    'strip.skydns.local SRV 3600 10 50 81 strip.skydns.local',
  ])
  t.same(stripped.additional, ['strip.skydns.local A 3600 10.0.4.1'], 'one address for both')
})

t.test('names that lead on', async (t) => {
  t.same((await ask('alias.prod.east.skydns.local')).answers, [
    'alias.prod.east.skydns.local CNAME 3600 1.rails.prod.east.skydns.local',
    '1.rails.prod.east.skydns.local A 3600 10.0.1.1',
  ])
  t.same((await ask('named.prod.east.skydns.local')).answers, [
    'named.prod.east.skydns.local CNAME 3600 www.example.com',
    'www.example.com A 60 192.0.2.80',
  ])
  t.same((await ask('named.prod.east.skydns.local', 'CNAME')).answers.length, 1)
  t.match(await ask('loop.skydns.local'), { rcode: 2, answers: { length: 1 } }, 'a circle ends')
})

t.test('TXT, MX, PTR', async (t) => {
  const { answers } = await ask('text.skydns.local', 'TXT')
  t.equal(answers.length, 1)
  t.match(answers[0], /x{300}$/)
  const mail = await ask('mail.skydns.local', 'MX')
  t.equal(mail.answers.length, 1)
  t.same(mail.additional, ['1.mail.skydns.local A 3600 10.0.3.1'])
  t.same((await ask('1.1.0.10.in-addr.arpa', 'PTR')).answers, [
    '1.1.0.10.in-addr.arpa PTR 3600 1.rails.prod.east.skydns.local',
  ])
})

t.test('groups: the shortest name decides; where those disagree, nobody is left out', async (t) => {
  t.same(await addressesOf('grouped.skydns.local'), ['10.0.5.1', '10.0.5.3'])
  t.same(await addressesOf('mixed.skydns.local'), ['10.0.6.1', '10.0.6.2'])
})

t.test('what there is not', async (t) => {
  t.match(await ask('nobody.skydns.local'), { rcode: 3, authority: ['skydns.local SOA 5 ns.dns.skydns.local 5'] })
  t.match(await ask('six.prod.east.skydns.local'), { rcode: 0, answers: [] }, 'nothing of that type')
  t.equal((await ask('example.com')).rcode, 5, 'names of others are left to the next')
})

t.test('records come and go', async (t) => {
  publish('/skydns/local/skydns/later', { host: '10.0.7.1' })
  t.same(await addressesOf('later.skydns.local'), ['10.0.7.1'])
  tree.set('/skydns/local/skydns/later', [])
  t.equal((await ask('later.skydns.local')).rcode, 3)
})

t.test('ConfigMaps: keys with dots for slashes', async (t) => {
  const { entries, problems } = publishedBy({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'names', namespace: 'team' },
    data: {
      'local.skydns.team.db': '{"host":"10.0.0.9"}',
      'local.skydns.bad': '{"port":"x"}',
      'local.skydns.worse': '{',
    },
  })
  t.match(entries, [{ name: 'db.team.skydns.local', record: { host: '10.0.0.9' } }])
  t.equal(problems.length, 2)
  t.match(problems[0], /^ConfigMap team\/names, key local\.skydns\.bad: port: expected an integer/)
})

t.test('the cluster as SkyDNS would hold it', async (t) => {
  const view = skyView(
    [
      service('redis-service', { clusterIP: '10.96.0.9', ports: [{ port: 6379 }] }),
      service('db', { clusterIP: 'None' }),
      service('ext', { type: 'ExternalName', externalName: 'www.example.com' }),
    ],
    [slice('db', [{ addresses: ['10.244.1.2'] }, { addresses: ['10.244.1.3'], conditions: { ready: false } }])],
    [{ name: 'x.skydns.local', record: parseSkyRecord('{"host":"10.0.0.1"}') }],
    'cluster.local',
  )
  t.same(
    [...view.keys()],
    [
      '/skydns/local/cluster/svc/default/db/10-244-1-2',
      '/skydns/local/cluster/svc/default/ext',
      '/skydns/local/cluster/svc/default/redis-service',
      '/skydns/local/skydns/x',
    ],
  )
  const redis = view.get('/skydns/local/cluster/svc/default/redis-service')
  t.equal(redis && renderSkyRecord(redis), '{"host":"10.96.0.9","priority":10,"weight":10,"ttl":30,"targetstrip":0}')
})

t.test('a check finds what differs', async (t) => {
  const origin = 'cluster.local'
  const web = service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] })
  const other = service('other', { clusterIP: '10.96.0.8' })
  const zone = createZone()
  zone.set('web', recordsOf({ ...web, spec: { ...web.spec, ports: [{ name: 'http', port: 81 }] } }, [], origin))
  const answer = createResponder(
    [
      clusterNames({
        ...{ zone, origin, ttl: 30, negativeTtl: 5 },
        isComplete: () => true,
      }),
    ],
    (error) => {
      throw error
    },
  )
  const asker = {
    ask: async (name: string, type: number) => {
      const reply = await answer(makeQuery(name, type), '127.0.0.1', true)
      if (!reply) throw new Error('no answer')
      return readAnswer(reply)
    },
  }
  const differences = await checkRecords(asker, [...recordsOf(web, [], origin), ...recordsOf(other, [], origin)])
  const shown = differences.map(({ name, type, missing, unexpected, rcode }) => [
    name,
    type,
    missing,
    unexpected,
    rcode,
  ])
  t.same(shown.sort(), [
    ['8.0.96.10.in-addr.arpa', 'PTR', ['other.default.svc.cluster.local'], [], 'REFUSED'],
    [
      '_http._tcp.web.default.svc.cluster.local',
      'SRV',
      ['80 web.default.svc.cluster.local'],
      ['81 web.default.svc.cluster.local'],
      undefined,
    ],
    ['other.default.svc.cluster.local', 'A', ['10.96.0.8'], [], 'NXDOMAIN'],
  ])
})

t.test('who has asked a server that is not there leaves nothing running', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const asker = createAsker({ address: '127.0.0.1', port: 1 })
  const before = timers()
  for (let n = 0; n < 3; n++) await t.rejects(asker.ask('example.com', types.A))
  asker.close()
  t.equal(timers(), before)
})
