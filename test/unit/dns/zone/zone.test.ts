import t from 'tap'
import { types } from '../../../../src/dns/wire/constants.ts'
import { addressRecord, txtRecord } from '../../../../src/dns/zone/records.ts'
import { recordsOf } from '../../../../src/dns/zone/service-records.ts'
import { createZone, type Zone } from '../../../../src/dns/zone/zone.ts'
import { service, slice } from '../../../support/cluster-objects.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'

const origin = 'cluster.local'

const dump = (zone: Zone, names: readonly string[]): unknown =>
  names.map((name) => [
    name,
    zone.find(name, types.A).exists,
    zone
      .all(name)
      .map(({ type, data }) => `${type} ${Buffer.from(data).toString('hex')}`)
      .sort(),
  ])

t.test('any sequence of changes leads to the same zone as a fresh start', async (t) => {
  const random = createSeededRandom(seedOr(9))
  const zone = createZone()
  const current = new Map<string, readonly ReturnType<typeof recordsOf>[number][]>()
  const names = new Set<string>(['svc.cluster.local', 'default.svc.cluster.local'])
  for (let n = 0; n < rounds(400, 10_000); n++) {
    const name = `s${random.below(8)}`
    const endpoints = Array.from({ length: random.below(4) }, () => ({
      addresses: [`10.244.0.${random.below(5) + 1}`],
      conditions: { ready: random.below(3) > 0 },
    }))
    const isHeadless = random.below(2) === 0
    const object = service(name, {
      clusterIP: isHeadless ? 'None' : `10.96.0.${random.below(9)}`,
      ports: [{ name: 'p', port: 80 }],
    })
    const records = random.below(4) === 0 ? [] : recordsOf(object, [slice(name, endpoints)], origin)
    zone.set(name, records)
    current.set(name, records)
    for (const { owner } of records) names.add(owner)
    if (n % 40 !== 0) continue
    const fresh = createZone()
    for (const [source, all] of current) fresh.set(source, all)
    t.same(dump(zone, [...names]), dump(fresh, [...names]), `after ${n} changes`)
    t.equal(zone.size, fresh.size)
  }
})

t.test('what is there, what is between, what is not', async (t) => {
  const zone = createZone()
  const [one, two, text] = [
    addressRecord('a.b.c', '10.0.0.1'),
    addressRecord('a.b.c', '10.0.0.2'),
    txtRecord('a.b.c', 'x'),
  ]
  zone.set('s', [one, two, text])
  t.same(zone.find('a.b.c', types.A), { records: [one, two], exists: true })
  t.same(zone.find('a.b.c', types.AAAA), { records: [], exists: true }, 'of another type')
  for (const name of ['b.c', 'c']) t.same(zone.find(name, types.A), { records: [], exists: true }, name)
  for (const name of ['x.a.b.c', 'a.b', '.b.c', 'bb.c', '']) t.equal(zone.find(name, types.A).exists, false, name)
  t.same([zone.size, zone.all('a.b.c').length, zone.all('b.c').length], [1, 3, 0])
  t.same([...zone.sources()], [['s', [one, two, text]]])
  zone.set('s', [text])
  t.same(zone.find('a.b.c', types.A), { records: [], exists: true })
  zone.set('s', [])
  t.same([zone.find('c', types.A).exists, zone.size, [...zone.sources()].length], [false, 0, 0])
})

t.test('sources share names', async (t) => {
  const zone = createZone()
  const [one, two] = [addressRecord('a.c', '10.0.0.1'), addressRecord('b.c', '10.0.0.2')]
  zone.set('one', [one])
  zone.set('two', [two, one])
  t.equal(zone.find('a.c', types.A).records.length, 2)
  zone.set('two', [])
  t.equal(zone.find('c', types.A).exists, true)
  zone.set('one', [])
  t.equal(zone.find('c', types.A).exists, false)
})
