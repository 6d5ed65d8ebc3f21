import t from 'tap'
import { defaultDnsConfig } from '../../../../src/dns/config/config.ts'
import { type CacheEvent, createCache } from '../../../../src/dns/forward/cache.ts'
import { Busy } from '../../../../src/dns/forward/forwarder.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { writeOnward } from '../../../../src/dns/wire/query.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'

import { answerTo, createStillClock, requestOf, type Said } from '../../../support/dns-upstream.ts'

/** A cache over an upstream whose answer the test sets. */
const openCache = (more: Partial<NonNullable<typeof defaultDnsConfig.cache>> = {}) => {
  const clock = createStillClock()
  const events: CacheEvent[] = []
  const state = { said: { addresses: ['192.0.2.1'] } as Said | Error, asked: 0, change: (answer: Buffer) => answer }
  const { cache: config } = defaultDnsConfig
  if (!config) throw new Error('the default has a cache')
  const cache = createCache({
    ...{ config: { ...config, ...more }, clock, onEvent: (event) => events.push(event) },
    ask: async ({ query }) => {
      state.asked++
      if (state.said instanceof Error) throw state.said
      return state.change(answerTo(writeOnward(query, false), state.said))
    },
  })
  const ask = async (name = 'example.com', options = {}, limit?: number, overTcp = false) =>
    readReply(await cache.answer(requestOf(makeQuery(name, types.A, options), limit, overTcp)))
  return { cache, clock, events, state, ask }
}

t.test('an answer is remembered, counts down, and is asked for anew', async (t) => {
  const { clock, state, ask, events } = openCache({ prefetch: false })
  t.same((await ask('example.com', { id: 1 })).answers, ['example.com A 100 192.0.2.1'])
  clock.pass(30)
  const again = await ask('ExAmple.COM', { id: 4711 })
  t.same([again.id, again.answers], [4711, ['ExAmple.COM A 70 192.0.2.1']], 'as this client asked for it')
  t.equal(state.asked, 1)
  clock.pass(71)
  state.said = { addresses: ['192.0.2.2'] }
  t.same((await ask()).answers, ['example.com A 100 192.0.2.2'])
  t.same(events, ['miss', 'hit', 'miss'])
  await ask('example.com', { edns: 1232 })
  t.equal(state.asked, 2, 'with EDNS it is the same answer')
  await ask('example.com', { edns: 1232, ednsFlags: 0x8000 })
  await ask('example.com', { flags: 0x10 })
  await ask('example.com', { isRecursive: false })
  t.equal(state.asked, 5, 'with DNSSEC records, without checks, or without recursion it is another one')
})

t.test('denials are remembered as the SOA says, failures for a moment, and what says nothing not at all', async (t) => {
  const { clock, state, ask } = openCache({ staleSeconds: 0 })
  state.said = { rcode: 3, soaTtl: 60 }
  t.equal((await ask('no.example')).rcode, 3)
  clock.pass(59)
  t.equal((await ask('no.example')).rcode, 3)
  t.equal(state.asked, 1)
  clock.pass(2)
  await ask('no.example')
  t.equal(state.asked, 2)
  state.said = { rcode: 2 }
  for (const seconds of [0, 4, 2]) {
    clock.pass(seconds)
    t.equal((await ask('bad.example')).rcode, 2)
  }
  t.equal(state.asked, 4, 'for five seconds')
  clock.pass(9)
  await ask('bad.example')
  t.equal(state.asked, 4, 'the second time for ten')
  for (let wait = 10; wait < 600; wait = Math.min(wait * 2, 60) + (wait >= 60 ? 600 : 0)) {
    const before = state.asked
    clock.pass(wait)
    await ask('bad.example')
    await ask('bad.example')
    t.equal(state.asked, before + 1, `after ${wait} s once`)
  }
  state.said = { addresses: ['192.0.2.1'] }
  clock.pass(61)
  t.equal((await ask('bad.example')).rcode, 0)
  for (const said of [{ rcode: 5 }, { rcode: 1 }, { rcode: 4 }, new Error('nobody answers')]) {
    const name = `f${said instanceof Error ? '' : said.rcode}.example`
    state.said = said
    const before = state.asked
    const asking = () => ask(name).then(({ rcode }) => rcode, String)
    const first = await asking()
    t.equal(await asking(), first)
    t.equal(state.asked, before + 1, `${first} is remembered`)
    clock.pass(6)
    await asking()
    await asking()
    t.equal(state.asked, before + 2, 'and again')
  }
  state.asked = 4
  state.said = { rcode: 3 }
  await ask('silent.example')
  await ask('silent.example')
  t.equal(state.asked, 6, 'a denial without an SOA')
  state.said = { addresses: ['192.0.2.1'], ttl: 0 }
  await ask('zero.example')
  await ask('zero.example')
  t.equal(state.asked, 8, 'an answer for this moment only')
})

t.test('an old answer rather than none', async (t) => {
  const { clock, state, ask, events } = openCache({ prefetch: false })
  await ask()
  clock.pass(101)
  state.said = new Error('away')
  t.same((await ask()).answers, ['example.com A 30 192.0.2.1'])
  state.said = { rcode: 2 }
  t.same((await ask()).answers, ['example.com A 30 192.0.2.1'], 'also when the server fails')
  t.same(events, ['miss', 'miss', 'stale', 'stale'])
  t.equal(state.asked, 2, 'which nobody waits for')
  clock.pass(6)
  await ask()
  await ask()
  t.equal(state.asked, 3, 'and which is asked for anew now and then')
  clock.pass(3_600)
  state.said = new Error('away')
  await t.rejects(ask(), /away/, 'but not for ever')
})

t.test('too many questions at a time: refused, but not what is remembered, and not remembered itself', async (t) => {
  const { state, ask } = openCache({ prefetch: false })
  await ask('known.example')
  state.said = new Busy()
  t.same((await ask('known.example')).answers.length, 1)
  await t.rejects(ask('other.example'), Busy)
  state.said = { addresses: ['192.0.2.1'] }
  t.equal((await ask('other.example')).answers.length, 1, 'a moment later')
})

t.test('what is still wanted is asked for ahead, once', async (t) => {
  const { clock, state, ask, events } = openCache()
  await ask()
  await ask()
  clock.pass(91)
  await ask()
  await ask()
  t.equal(state.asked, 2)
  t.equal(events.filter((event) => event === 'prefetch').length, 1)
  clock.pass(50)
  t.same((await ask()).answers, ['example.com A 50 192.0.2.1'], 'the new one')
})

t.test('many who ask at once are one question; memory has an end; limits hold', async (t) => {
  const { state, ask, cache } = openCache({ maxEntries: 3 })
  await Promise.all(Array.from({ length: 10 }, () => ask()))
  t.equal(state.asked, 1)
  for (let n = 0; n < 5; n++) await ask(`n${n}.example`)
  t.equal(cache.size, 3)
  state.said = { addresses: Array.from({ length: 60 }, (_, n) => `192.0.2.${n}`) }
  t.equal((await ask('big.example', {}, 512)).isTruncated, true)
  t.equal((await ask('big.example', {}, 1232)).answers.length, 60, 'from memory')
})

t.test('a failure over UDP says nothing of TCP; an answer is one for both', async (t) => {
  const { state, ask, events } = openCache()
  state.said = { rcode: 2 }
  await ask('bad.example')
  await ask('bad.example', {}, 1232, true)
  t.equal(state.asked, 2)
  await ask('bad.example')
  await ask('bad.example', {}, 1232, true)
  t.equal(state.asked, 2)
  t.same(events, ['miss', 'miss', 'hit', 'hit'], 'what is remembered of a failure counts')
  state.said = { addresses: ['192.0.2.1'] }
  await ask('good.example')
  await ask('good.example', {}, 1232, true)
  t.equal(state.asked, 3)
})

t.test('an answer ends what is remembered of failures', async (t) => {
  const { state, ask, clock } = openCache({ staleSeconds: 0 })
  state.said = { rcode: 2 }
  await ask()
  clock.pass(5)
  state.said = { addresses: ['192.0.2.1'], ttl: 5 }
  await ask()
  clock.pass(5)
  state.said = { rcode: 2 }
  await ask()
  const { asked } = state
  clock.pass(5)
  await ask()
  t.equal(state.asked, asked + 1, 'the next failure is a first one')
})

t.test('of a failure the question is kept, and nothing else', async (t) => {
  const { state, ask } = openCache()
  state.said = { rcode: 5, addresses: ['192.0.2.1'] }
  t.match(await ask('odd.example'), { rcode: 5, answers: { length: 1 } }, 'as it came')
  t.match(await ask('odd.example'), { rcode: 5, answers: { length: 0 } })
})

t.test('what is cut, and what is large, is kept for nobody', async (t) => {
  const { state, ask } = openCache()
  const asked = async (name: string): Promise<number> => {
    const before = state.asked
    for (let n = 0; n < 2; n++) await ask(name, {}, 65_535)
    return state.asked - before
  }
  state.change = (answer) => {
    answer.writeUInt16BE(answer.readUInt16BE(2) | 0x0200, 2)
    return answer
  }
  t.equal(await asked('cut.example'), 2)
  state.change = (answer) => answer
  // Header and question have 29 bytes, each address 16.
  const addresses = (count: number) => Array.from({ length: count }, (_, n) => `192.0.${n >> 8}.${n & 255}`)
  state.said = { addresses: addresses(254) }
  t.equal(await asked('abc.example'), 1, '4,093 bytes')
  t.equal(await asked('abcdef.example'), 1, '4,096 bytes')
  t.equal(await asked('abcdefg.example'), 2, '4,097 bytes')
})

t.test('when it is asked ahead', async (t) => {
  const { state, ask, clock, events } = openCache()
  const prefetches = (): number => events.filter((event) => event === 'prefetch').length
  await ask()
  clock.pass(89)
  await ask()
  await ask()
  t.equal(prefetches(), 0, 'more than a tenth of its time is left')
  clock.pass(1)
  await ask()
  t.equal(prefetches(), 1)
  t.equal(state.asked, 2)
  await ask('other.example')
  clock.pass(95)
  await ask('other.example')
  t.equal(prefetches(), 1, 'nobody else has asked for it')
  const off = openCache({ prefetch: false })
  await off.ask()
  for (const seconds of [95, 1, 1]) {
    off.clock.pass(seconds)
    await off.ask()
  }
  t.equal(off.state.asked, 1)
})

t.test('what was asked for last is kept longest', async (t) => {
  const { state, ask } = openCache({ maxEntries: 2 })
  await ask('a.example')
  await ask('b.example')
  await ask('a.example')
  await ask('c.example')
  t.equal(state.asked, 3)
  await ask('a.example')
  t.equal(state.asked, 3)
  await ask('b.example')
  t.equal(state.asked, 4)
})

t.test('times to the second', async (t) => {
  const { state, ask, clock } = openCache({ prefetch: false, staleSeconds: 10 })
  await ask()
  clock.pass(99)
  await ask()
  t.equal(state.asked, 1)
  clock.pass(1)
  state.said = new Error('away')
  t.same((await ask()).answers, ['example.com A 30 192.0.2.1'], 'its time is over')
  clock.pass(9)
  t.equal((await ask()).answers.length, 1)
  clock.pass(1)
  await t.rejects(ask(), /away/)
})
