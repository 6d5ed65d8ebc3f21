/** Shares of endpoints, by text, age, trouble and work, without a socket. */
import t from 'tap'
import { createFakeClock } from '../../../src/api/clock.ts'
import { type Balancer, createBalancer, type PickBy } from '../../../src/proxy/ingress/balance/balancer.ts'
import type { BackendKey } from '../../../src/proxy/ingress/policy/backend-key.ts'
import type { Endpoint } from '../../../src/proxy/ingress/routes/endpoints.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

const endpoint = (key: string): Endpoint => ({ key, address: key, port: 80 })
const endpoints = (keys: string): readonly Endpoint[] => [...keys].map(endpoint)
const web = 'default/web:80' as BackendKey

const start = (keys: string) => {
  const clock = createFakeClock()
  const seeded = createSeededRandom(3)
  const balancer = createBalancer(
    clock,
    () => {},
    () => seeded.below(1_000) / 1_000,
  )
  balancer.set(web, { endpoints: endpoints(keys) })
  return { clock, balancer }
}

/** How many of `count` requests each endpoint gets, each over before the next. */
const shares = (balancer: Balancer, by: PickBy, count: number): Readonly<Record<string, number>> => {
  const found: Record<string, number> = {}
  for (let asked = 0; asked < count; asked++) {
    const picked = balancer.pick(web, [], by)
    if (!picked) continue
    found[picked.key] = (found[picked.key] ?? 0) + 1
    balancer.finished(web, picked)
  }
  return found
}

const roundRobin: PickBy = { kind: 'round-robin' }

t.test('a text stays with its endpoint, and texts are spread evenly', async (t) => {
  const { balancer } = start('abcdefghij')
  const texts = Array.from({ length: 2_000 }, (_, at) => `client-${at}`)
  const place = (text: string): string => balancer.pick(web, [], { kind: 'hash', key: text })?.key ?? '-'
  const before = texts.map(place)
  const counts = Object.values(Object.groupBy(before, (key) => key)).map((each) => each?.length ?? 0)
  t.equal(counts.length, 10)
  t.ok(Math.max(...counts) < 300 && Math.min(...counts) > 120, counts.join(' '))
  t.same(texts.map(place), before)
  balancer.set(web, { endpoints: endpoints('abcdefghi') })
  const after = texts.map(place)
  t.ok(
    before.every((key, at) => key === 'j' || key === after[at]),
    'only the texts of the one that is gone move',
  )
  t.notOk(after.includes('j'))
  balancer.set(web, { endpoints: endpoints('jihgfedcba') })
  t.same(texts.map(place), before, 'and they come back with it, in whatever order')
})

t.test('a text whose endpoint was tried, or is in trouble, goes to one other', async (t) => {
  const { balancer, clock } = start('abc')
  const by: PickBy = { kind: 'hash', key: 'x' }
  const first = balancer.pick(web, [], by)
  if (!first) return t.fail('nobody')
  const second = balancer.pick(web, [first], by)
  t.not(second?.key, first.key)
  for (let count = 0; count < 3; count++) balancer.failed(first)
  t.equal(balancer.pick(web, [], by)?.key, second?.key)
  clock.advance(10_001)
  t.equal(balancer.pick(web, [], by)?.key, first.key)
})

t.test('slow start: a new endpoint gets a growing share', async (t) => {
  for (const kind of ['round-robin', 'least-connections'] as const) {
    const { balancer, clock } = start('ab')
    const by: PickBy = { kind, slowStartMs: 10_000 }
    t.ok((shares(balancer, by, 100)['a'] ?? 0) >= 50, 'those of the first moment are not new')
    balancer.set(web, { endpoints: endpoints('abc') })
    const young = shares(balancer, by, 900)['c'] ?? 0
    clock.advance(5_000)
    const half = shares(balancer, by, 900)['c'] ?? 0
    clock.advance(5_000)
    const grown = shares(balancer, by, 900)['c'] ?? 0
    t.ok(young > 10 && young < 80, `${kind}: ${young} of 900 at first`)
    t.ok(half > 120 && half < 250, `${kind}: ${half} of 900 half way`)
    t.equal(grown, 300, kind)
  }
})

t.test('slow start: alone it gets everything', async (t) => {
  const { balancer } = start('')
  balancer.set(web, { endpoints: endpoints('a') })
  t.same(shares(balancer, { kind: 'round-robin', slowStartMs: 10_000 }, 20), { a: 20 })
})

t.test('an endpoint in trouble rests longer each time, and any success forgives it', async (t) => {
  const { balancer, clock } = start('ab')
  const fail = (): void => {
    for (let count = 0; count < 3; count++) balancer.failed(endpoint('a'))
  }
  const isAway = (): boolean => shares(balancer, roundRobin, 4)['a'] === undefined
  balancer.failed(endpoint('a'))
  balancer.failed(endpoint('a'))
  t.notOk(isAway(), 'twice is not enough')
  balancer.answered(endpoint('a'))
  balancer.failed(endpoint('a'))
  t.notOk(isAway(), 'not three in a row')
  balancer.answered(endpoint('a'))
  for (const rests of [10_000, 20_000, 40_000, 60_000, 60_000]) {
    fail()
    t.ok(isAway())
    clock.advance(rests - 1)
    t.ok(isAway(), `${rests} ms`)
    clock.advance(1)
    t.notOk(isAway())
  }
  balancer.answered(endpoint('a'))
  fail()
  clock.advance(10_000)
  t.notOk(isAway(), 'from the start again')
})

t.test('with all of them in trouble everybody is asked', async (t) => {
  const { balancer } = start('ab')
  for (const key of ['a', 'b']) for (let count = 0; count < 3; count++) balancer.failed(endpoint(key))
  t.same(shares(balancer, roundRobin, 4), { a: 2, b: 2 })
  balancer.set(web, { endpoints: endpoints('c') })
  balancer.set(web, { endpoints: endpoints('ac') })
  t.same(shares(balancer, roundRobin, 4), { a: 2, c: 2 }, 'who was gone comes back without a past')
})

t.test('least connections: by what is under way, in turn among equals', async (t) => {
  const { balancer } = start('abc')
  const by: PickBy = { kind: 'least-connections' }
  t.same(shares(balancer, by, 9), { a: 3, b: 3, c: 3 })
  const busy = [0, 1, 2].flatMap(() => balancer.pick(web, [endpoint('b'), endpoint('c')], by) ?? [])
  t.same(shares(balancer, by, 10), { b: 5, c: 5 })
  for (const each of busy) balancer.finished(web, each)
  t.same(shares(balancer, by, 9), { a: 3, b: 3, c: 3 })
  balancer.finished(web, endpoint('a'))
  t.same(shares(balancer, by, 9), { a: 3, b: 3, c: 3 }, 'nobody has less than nothing to do')
})

t.test('sticky: the endpoint of that name, else the next in turn', async (t) => {
  const { balancer } = start('abc')
  const id = balancer.idOf(endpoint('b'))
  t.same(shares(balancer, { kind: 'sticky', id }, 5), { b: 5 })
  t.ok(balancer.knows(web, id))
  balancer.set(web, { endpoints: endpoints('ac') })
  t.notOk(balancer.knows(web, id))
  t.same(shares(balancer, { kind: 'sticky', id }, 4), { a: 2, c: 2 })
})
