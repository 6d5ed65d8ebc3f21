/** Names that are not the cluster's: memory, choice of servers, loops, and what the operator says himself. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { checks } from '../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../src/dns/answer/cluster.ts'
import { completion, createPodNamespaces } from '../../../src/dns/answer/completion.ts'
import { hostsNames } from '../../../src/dns/answer/hosts.ts'
import { createHotAnswers } from '../../../src/dns/answer/hot.ts'
import { createResponder } from '../../../src/dns/answer/responder.ts'
import { aliasesOf, rewrittenNames } from '../../../src/dns/answer/rewrites.ts'
import type { Handler, Request } from '../../../src/dns/chain/request.ts'
import { defaultDnsConfig, type ForwardPolicy } from '../../../src/dns/config/config.ts'
import { followDnsConfig, readDnsConfig } from '../../../src/dns/config/watch.ts'
import { type CacheEvent, createCache } from '../../../src/dns/forward/cache.ts'
import { Busy, createForwarder } from '../../../src/dns/forward/forwarder.ts'
import { createLoopGuard } from '../../../src/dns/forward/loop-guard.ts'
import { createRouter } from '../../../src/dns/forward/router.ts'
import { renderDnsMetrics } from '../../../src/dns/metrics.ts'
import { listen } from '../../../src/dns/server/listen.ts'
import { watchQueries } from '../../../src/dns/thread/observed.ts'
import type { LoggedQuery } from '../../../src/dns/thread/protocol.ts'
import { loadSnapshot, saveSnapshot } from '../../../src/dns/thread/snapshot.ts'
import { createCounters, mergeStats } from '../../../src/dns/thread/stats.ts'
import { types } from '../../../src/dns/wire/constants.ts'
import { createQuery, readQuery, writeOnward } from '../../../src/dns/wire/query.ts'
import { writeResponse } from '../../../src/dns/wire/response.ts'
import { scanAnswer } from '../../../src/dns/wire/scan.ts'
import { podRecords } from '../../../src/dns/zone/pod-records.ts'
import { addressRecord, soaRecord } from '../../../src/dns/zone/records.ts'
import { createZone } from '../../../src/dns/zone/zone.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { makeQuery, readReply } from '../../support/dns-client.ts'
import { rounds, seedOr } from '../../support/rounds.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { until } from '../../support/until.ts'

const unexpected = (error: unknown): never => {
  throw error
}

const requestOf = (message: Buffer, limit = 1232, overTcp = false): Request => {
  const query = readQuery(message)
  if (query === 'drop' || 'isMalformed' in query) throw new Error('not a query')
  return { query, client: '10.244.1.2', overTcp, limit, resolve: () => unexpected(new Error('nothing leads on here')) }
}

interface Said {
  readonly rcode?: number
  readonly ttl?: number
  readonly addresses?: readonly string[]
  readonly soaTtl?: number
}

/** What an upstream server would answer. */
const answerTo = (message: Buffer, { rcode = 0, ttl = 100, addresses = [], soaTtl }: Said): Buffer => {
  const { query } = requestOf(message)
  const soa = soaRecord('example.com', { primary: 'a', contact: 'b', serial: 1, negativeTtl: soaTtl ?? 0 })
  return writeResponse(
    query,
    {
      ...{ rcode, isAuthoritative: false },
      answers: addresses.map((address) => {
        const { type, data } = addressRecord('', address)
        return { type, data, ttl }
      }),
      authority: soaTtl === undefined ? [] : [{ ...soa, ttl: 1_000 }],
    },
    65_535,
  )
}

const createStillClock = () => {
  let now = 1_000_000
  return {
    now: () => now,
    after: () => () => undefined,
    pass: (seconds: number) => {
      now += seconds * 1000
    },
  }
}

/** A cache over an upstream whose answer the test sets. */
const openCache = (more: Partial<NonNullable<typeof defaultDnsConfig.cache>> = {}) => {
  const clock = createStillClock()
  const events: CacheEvent[] = []
  const state = { said: { addresses: ['192.0.2.1'] } as Said | Error, asked: 0 }
  const { cache: config } = defaultDnsConfig
  if (!config) throw new Error('the default has a cache')
  const cache = createCache({
    ...{ config: { ...config, ...more }, clock, onEvent: (event) => events.push(event) },
    ask: async ({ query }) => {
      state.asked++
      if (state.said instanceof Error) throw state.said
      return answerTo(writeOnward(query, false), state.said)
    },
  })
  const ask = async (name = 'example.com', options = {}, limit?: number) =>
    readReply(await cache.answer(requestOf(makeQuery(name, types.A, options), limit)))
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

t.test('answers are scanned strictly: no broken one is ever taken for whole', async (t) => {
  const good = answerTo(makeQuery('example.com', types.A), { addresses: ['192.0.2.1', '192.0.2.2'] })
  t.match(scanAnswer(good), { ttl: 100, rcode: 0, isNegative: false, isTruncated: false })
  t.equal(scanAnswer(good)?.ttlOffsets.length, 2)
  for (let length = 0; length < good.length; length++)
    if (scanAnswer(good.subarray(0, length)) !== undefined) t.fail(`cut at ${length}`)
  const random = createSeededRandom(seedOr(3))
  const tries = rounds(20_000, 1_000_000)
  let read = 0
  for (let n = 0; n < tries; n++) {
    const packet = Buffer.from(good)
    for (let change = 0; change < 3; change++) packet[random.below(packet.length)] = random.below(256)
    const scan = scanAnswer(packet)
    if (scan) read++
    if (scan?.ttlOffsets.some((offset) => offset + 4 > packet.length)) t.fail(packet.toString('hex'))
  }
  t.ok(read > tries / 10 && read < tries, `${read} of ${tries} could be read`)
})

/** An upstream server that can be silenced. */
const startServer = async (t: Test, address: string) => {
  const socket = createSocket('udp4')
  /** `heard`: how often it was asked for a name, whether it answered or not; the root is asked for by probes. */
  const server = { asked: 0, heard: 0, isSilent: false }
  socket.on('message', (query, { port, address: client }) => {
    if (requestOf(query).query.name !== '') server.heard++
    if (server.isSilent) return
    server.asked++
    socket.send(answerTo(query, { addresses: [address] }), port, client)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return Object.assign(server, { upstream: { address: '127.0.0.1', port: socket.address().port } })
}

const { forward } = defaultDnsConfig

t.test('which server is asked', async (t) => {
  const [a, b] = [await startServer(t, '192.0.2.1'), await startServer(t, '192.0.2.2')]
  const asked = async (policy: ForwardPolicy, count: number): Promise<readonly number[]> => {
    const before = [a.asked, b.asked]
    const forwarder = createForwarder({ ...forward, upstreams: [a.upstream, b.upstream], policy })
    for (let n = 0; n < count; n++) await forwarder.forward(createQuery('example.com', types.A), false)
    return [a.asked - (before[0] ?? 0), b.asked - (before[1] ?? 0)]
  }
  t.same(await asked('sequential', 4), [4, 0])
  t.same(await asked('round-robin', 4), [2, 2])
  const [one = 0, other = 0] = await asked('random', 40)
  t.ok(one > 0 && other > 0, `${one} and ${other} by chance`)
})

t.test('a server that is down is passed over, and comes back', async (t) => {
  const [a, b] = [await startServer(t, '192.0.2.1'), await startServer(t, '192.0.2.2')]
  const forwarder = createForwarder({ ...forward, upstreams: [a.upstream, b.upstream], timeoutMs: 500 })
  t.teardown(() => forwarder.close())
  const ask = async () => readReply(await forwarder.forward(createQuery('example.com', types.A), false)).answers[0]
  a.isSilent = true
  for (let n = 0; n < 3; n++) t.match(await ask(), /192\.0\.2\.2/)
  t.equal(a.heard, 2, 'after two failures')
  for (let n = 0; n < 10; n++) t.match(await ask(), /192\.0\.2\.2/)
  t.equal(a.heard, 2, 'nobody asks it any more, and so nobody waits for it')
  a.isSilent = false
  await until(async () => /192\.0\.2\.1/.test((await ask()) ?? ''), 'its return')
})

t.test('stub domains: the longest that fits', async (t) => {
  const servers = [
    await startServer(t, '192.0.2.1'),
    await startServer(t, '192.0.2.2'),
    await startServer(t, '192.0.2.3'),
  ]
  const [main, corp, lab] = servers.map(({ upstream }) => ({ ...forward, upstreams: [upstream] }))
  if (!main || !corp || !lab) throw new Error('three servers')
  const router = createRouter({
    config: { forward: main, stubDomains: { 'corp.example': corp, 'lab.corp.example': lab } },
  })
  t.teardown(() => router.close())
  const ask = async (name: string) =>
    readReply(await router.of(name).forward(createQuery(name, types.A), false)).answers[0]?.at(-1)
  t.equal(await ask('example.com'), '1')
  t.equal(await ask('notcorp.example'), '1')
  t.equal(await ask('corp.example'), '2')
  t.equal(await ask('a.b.corp.example'), '2')
  t.equal(await ask('x.lab.corp.example'), '3')
})

t.test('a server that leads back to us is left out, and only that', async (t) => {
  const good = await startServer(t, '192.0.2.1')
  const found: number[] = []
  const guard = createLoopGuard(({ port }) => found.push(port))
  const responder = createResponder([guard.handler], unexpected)
  const ourselves = await listen({ address: '127.0.0.1', port: 0, respond: responder })
  t.teardown(() => ourselves.close())
  const loop = { address: '127.0.0.1', port: ourselves.port }
  const router = createRouter({
    config: { forward: { ...forward, upstreams: [loop, good.upstream] }, stubDomains: {} },
  })
  t.teardown(() => router.close())
  await guard.check(router)
  t.same(found, [ourselves.port])
  const before = good.asked
  await router.of('example.com').forward(createQuery('example.com', types.A), false)
  t.equal(good.asked, before + 1)
})

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
  t.match(await ask('db', types.AAAA), { rcode: 0, answers: [] }, 'nothing of another type')
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
  t.match(await ask('team.pod.cluster.local'), { rcode: 0, answers: [] })
  t.equal(aliasesOf(rules)(`${'x.'.repeat(122)}old.example`), undefined, 'too long for DNS')
})

t.test('the zone on disk', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-dns-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'zone')
  const told: string[] = []
  const load = () => loadSnapshot(file, (message) => told.push(message))
  t.equal(await load(), undefined)
  t.same(told, [], 'at the first start there is nothing to tell')
  const sources = Array.from({ length: 500 }, (_, n) => [`ns/s${n}`, [addressRecord(`s${n}.x`, '10.0.0.1')]] as const)
  await saveSnapshot(file, sources)
  const loaded = (await load()) ?? []
  t.equal(loaded.length, 500)
  t.same(
    loaded.map(([source, records]) => [source, records.map(({ data }) => [...data])]),
    sources.map(([source, records]) => [source, records.map(({ data }) => [...data])]),
  )
  for (const text of ['{', '["a", "b"]', '["a", [[1]]]', '["a",[["o",1]]]']) {
    await writeFile(file, text)
    t.equal(await load(), undefined, text)
    t.match(told.pop(), /set aside/)
  }
})

t.test('a new file is taken over, a wrong one is not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-dns-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'dns.yaml')
  await writeFile(file, 'ttl: 1')
  const first = await readDnsConfig(file)
  t.equal(first.config.ttl, 1)
  const seen: number[] = []
  const told: unknown[] = []
  // As much of a logger as is used here.
  const log = {
    ...silentLogger,
    info: () => {},
    error: (what: unknown) => told.push(what),
  } as unknown as typeof silentLogger
  const stop = new AbortController()
  const clock = {
    now: Date.now,
    after: (_ms: number, then: () => void) => {
      const timer = setTimeout(then, 10)
      return () => clearTimeout(timer)
    },
  }
  const running = followDnsConfig(first, ({ ttl }) => seen.push(ttl), log, stop.signal, clock)
  await writeFile(file, 'ttl: 2')
  await until(() => seen.length === 1, 'the new one')
  await writeFile(file, 'ttl: soon')
  await until(() => told.length === 1, 'the complaint')
  t.match(told, [{ err: /dns\.yaml:1: ttl: expected a whole number/ }])
  await writeFile(file, 'ttl: 3')
  await until(() => seen.length === 2, 'the next')
  t.same(seen, [2, 3])
  stop.abort()
  await running
})

t.test('queries in numbers, and one of many in the log', async (t) => {
  const counters = createCounters()
  const logged: LoggedQuery[] = []
  const respond = watchQueries(
    (message) => (message.length < 12 ? undefined : answerTo(message, { rcode: 3, soaTtl: 5 })),
    counters,
    2,
    (query) => logged.push(query),
  )
  for (let n = 0; n < 4; n++) respond(makeQuery('a.example', types.AAAA, { edns: 1232 }), '10.244.1.2', n === 3)
  respond(makeQuery('a.example', 4711), '10.244.1.2', false)
  respond(Buffer.alloc(3), '10.244.1.2', false)
  counters.cache('hit')
  counters.fault()
  counters.upstream({ address: '192.0.2.1', port: 53 }, true, 0.003)
  counters.upstream({ address: '192.0.2.1', port: 53 }, false, 2)
  const text = await renderDnsMetrics(counters.read({ cacheEntries: 5, names: 7 }), { stuck: 2, crashed: 1 })
  for (const line of [
    'coredns_dns_requests_total{server="dns://:53",zone=".",proto="udp",type="AAAA"} 3',
    'coredns_dns_requests_total{server="dns://:53",zone=".",proto="tcp",type="AAAA"} 1',
    'coredns_dns_requests_total{server="dns://:53",zone=".",proto="udp",type="other"} 2',
    'coredns_dns_responses_total{server="dns://:53",zone=".",rcode="NXDOMAIN"} 5',
    'coredns_cache_hits_total{server="dns://:53",zone="."} 1',
    'coredns_cache_entries{server="dns://:53",zone="."} 5',
    'coredns_proxy_request_duration_seconds_bucket{to="192.0.2.1:53",le="0.004"} 1',
    'coredns_forward_failures_total{to="192.0.2.1:53"} 1',
    'podway_dns_dropped_total 1',
    'coredns_panics_total 1',
    'podway_dns_thread_restarts_total{reason="stuck"} 2',
  ])
    t.ok(text.includes(`${line}\n`), line)
  const both = mergeStats([counters.read({ cacheEntries: 5, names: 7 }), counters.read({ cacheEntries: 5, names: 7 })])
  t.match(both, { requests: { 'udp 28': 6 }, responses: { 3: 10 }, dropped: 2, cacheEntries: 10, names: 7 })
  t.equal(both.upstreams['192.0.2.1:53']?.failures, 2)
  t.equal(
    both.duration.counts.reduce((sum, count) => sum + count, 0),
    10,
  )
  t.equal(logged.length, 3)
  t.match(logged[0], { client: '10.244.1.2', name: 'a.example', type: types.AAAA, rcode: 3, overTcp: false })
})

t.test('what lasts is made once; what changes, or takes turns, is made each time', async (t) => {
  let made = 0
  let said: Said = { addresses: ['10.96.0.9'] }
  const authoritative = (message: Buffer): Buffer => {
    const answer = answerTo(message, said)
    answer.writeUInt16BE(answer.readUInt16BE(2) | 0x0400, 2)
    return answer
  }
  const hot = createHotAnswers((message) => {
    made++
    return authoritative(message)
  })
  const ask = async (name: string, options = {}, overTcp = false) => {
    const answer = await hot.respond(makeQuery(name, types.A, options), '10.244.1.2', overTcp)
    if (!answer) throw new Error('no answer')
    return readReply(answer)
  }
  t.match(await ask('a.example', { id: 1 }), { id: 1, answers: ['a.example A 100 10.96.0.9'] })
  t.match(await ask('a.example', { id: 2 }), { id: 2, answers: ['a.example A 100 10.96.0.9'] })
  t.equal(made, 1)
  await ask('A.example')
  await ask('a.example', { edns: 1232 })
  await ask('a.example', {}, true)
  t.equal(made, 4, 'other bytes, and TCP, are other questions')
  said = { addresses: ['10.96.0.8'] }
  hot.forget()
  t.match(await ask('a.example'), { answers: ['a.example A 100 10.96.0.8'] })
  said = { addresses: ['10.96.0.8', '10.96.0.7'] }
  const before = made
  await ask('b.example')
  await ask('b.example')
  t.equal(made, before + 2, 'addresses that take turns')
  const others = createHotAnswers((message) => {
    made++
    return answerTo(message, { addresses: ['192.0.2.1'] })
  })
  others.respond(makeQuery('c.example', types.A), '10.244.1.2', false)
  others.respond(makeQuery('c.example', types.A), '10.244.1.2', false)
  t.equal(made, before + 4, 'what others say is the cache’s matter')
})

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
