/** Who leads: one at a time, whatever happens to it. Several API servers share one store; time is the test's. */
import t, { type Test } from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { aborted, createFakeClock, type FakeClock } from '../../../src/api/clock.ts'
import { internalError } from '../../../src/api/errors.ts'
import { leases } from '../../../src/api/resources.ts'
import type { ApiTransport } from '../../../src/api/transport.ts'
import { controlUser } from '../../../src/control/auth/user.ts'
import { createLocalTransport } from '../../../src/control/server/local-transport.ts'
import { createMemoryBackend, type MemoryBackend } from '../../../src/control/storage/memory-backend.ts'
import { leaderElectionTimes, runWithLeaderElection } from '../../../src/controller/leader-election.ts'
import { claim, released, remainingMs, sight } from '../../../src/controller/lease-record.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { createTestApi } from '../../support/api-server.ts'
import { turns, until } from '../../support/until.ts'

interface Candidate {
  readonly clock: FakeClock
  leads(): boolean
  /** How often it has begun to lead. */
  terms(): number
  /** Nothing it sends arrives any more, or again. */
  cut(isCut: boolean): void
  stop(): Promise<void>
  record(): Promise<unknown>
}

const candidate = async (t: Test, backend: MemoryBackend, identity: string, isSole = false): Promise<Candidate> => {
  const api = await createTestApi({ backend })
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-system' } } })
  const inner = createLocalTransport(api.handle, controlUser)
  let isCut = false
  const transport: ApiTransport = {
    request: async (...args) => {
      if (isCut) throw internalError('the cable is cut')
      return inner.request(...args)
    },
    watch: inner.watch,
  }
  const clock = createFakeClock()
  const client = createClient(transport)
  const stop = new AbortController()
  let leads = false
  let terms = 0
  const lead = async (signal: AbortSignal): Promise<void> => {
    terms++
    leads = true
    await aborted(signal)
    leads = false
  }
  const options = { client, clock, log: silentLogger, name: 'test', identity, isSole }
  const running = runWithLeaderElection(options, lead, stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  return {
    clock,
    leads: () => leads,
    terms: () => terms,
    cut: (now) => {
      isCut = now
    },
    stop: () => {
      stop.abort()
      return running
    },
    record: async () => (await createClient(inner).get(leases, 'test', 'kube-system')).spec,
  }
}

/** Time passes for all of them, in steps, until `isSo`; how much did. */
const pass = async (all: readonly Candidate[], isSo: () => boolean): Promise<number> => {
  const stepMs = 500
  let passed = 0
  await until(() => {
    if (isSo()) return true
    for (const { clock } of all) clock.advance(stepMs)
    passed += stepMs
    return isSo()
  }, 'the state waited for')
  return passed
}

t.test('one leads at once, the other waits', async (t) => {
  const backend = createMemoryBackend()
  const a = await candidate(t, backend, 'a')
  await until(a.leads, 'the first')
  const b = await candidate(t, backend, 'b')
  for (let n = 0; n < 60; n++) {
    await new Promise(setImmediate)
    a.clock.advance(500)
    b.clock.advance(500)
    await new Promise(setImmediate)
    await new Promise(setImmediate)
  }
  t.same([a.leads(), b.leads(), a.terms(), b.terms()], [true, false, 1, 0])
  t.match(await a.record(), { holderIdentity: 'a', leaseDurationSeconds: 10, leaseTransitions: 0 })

  await a.stop()
  t.notOk(a.leads())
  await until(b.leads, 'the other, at once: no time has passed')
  t.match(await b.record(), { holderIdentity: 'b', leaseTransitions: 1 })
  await b.stop()
  t.match(await b.record(), { leaseDurationSeconds: 1 })
})

t.test('one that vanishes is followed within 15 seconds, by one only', async (t) => {
  const backend = createMemoryBackend()
  const a = await candidate(t, backend, 'a')
  await until(a.leads, 'the first')
  const others = [await candidate(t, backend, 'b'), await candidate(t, backend, 'c')]
  a.cut(true)
  const passed = await pass(others, () => others.some((each) => each.leads()))
  t.ok(passed <= 15_000, `${passed} ms`)
  await pass(others, () => others.every(({ clock }) => clock.now() > Date.UTC(2026, 0, 1) + 40_000))
  t.equal(others.filter((each) => each.leads()).length, 1)
})

t.test('one that cannot renew stops before another may begin, and leads again in a term of its own', async (t) => {
  const backend = createMemoryBackend()
  const a = await candidate(t, backend, 'a')
  await until(a.leads, 'the first')
  a.cut(true)
  const passed = await pass([a], () => !a.leads())
  t.ok(passed < leaderElectionTimes.durationMs, `${passed} ms`)
  a.cut(false)
  await pass([a], a.leads)
  t.equal(a.terms(), 2)
})

t.test('where nobody else can be, what an earlier life has left counts for nothing', async (t) => {
  const backend = createMemoryBackend()
  const a = await candidate(t, backend, 'a')
  await until(a.leads, 'the first')
  a.cut(true)
  const b = await candidate(t, backend, 'b', true)
  await until(b.leads, 'the next, at once')
  t.match(await b.record(), { holderIdentity: 'b' })
})

/** One whose work is `lead`. */
const working = async (lead: (signal: AbortSignal) => Promise<void>) => {
  const api = await createTestApi()
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-system' } } })
  const client = createClient(createLocalTransport(api.handle, controlUser))
  const clock = createFakeClock()
  const stop = new AbortController()
  const options = { client, clock, log: silentLogger, name: 'test', identity: 'a' }
  const running = runWithLeaderElection(options, lead, stop.signal)
  return { clock, stop, running, record: async () => (await client.get(leases, 'test', 'kube-system')).spec }
}

t.test('work that fails is told, and the lease is given back for good', async (t) => {
  const { clock, running, record } = await working(async () => {
    throw new Error('broken')
  })
  await t.rejects(running, { message: 'broken' })
  const given = await record()
  t.match(given, { holderIdentity: '' })
  clock.advance(60_000)
  await turns()
  t.same(await record(), given, 'nobody renews it')
})

t.test('work that ends by itself is begun again, but not at once', async (t) => {
  let terms = 0
  const { clock, stop, running } = await working(async () => void terms++)
  await until(() => terms === 1, 'the first term')
  await turns()
  t.equal(terms, 1)
  await until(() => {
    clock.advance(200)
    return terms >= 2
  }, 'the second')
  stop.abort()
  await running
})

t.test('the clocks of others are not trusted', async (t) => {
  const old = claim('a', 10, undefined, 0)
  const first = sight(undefined, old, 1_000_000)
  t.equal(remainingMs(first, old, 1_000_000), 10_000)
  t.equal(remainingMs(sight(first, old, 1_009_000), old, 1_009_000), 1_000)
  const renewed = claim('a', 10, old, 5)
  t.equal(remainingMs(sight(first, renewed, 1_009_000), renewed, 1_009_000), 10_000)
  t.equal(remainingMs(sight(first, released(old, 6), 7), released(old, 6), 7), 0)
  t.equal(remainingMs(sight(undefined, undefined, 7), undefined, 7), 0)
})
