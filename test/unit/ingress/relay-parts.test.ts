/** The small parts of the relay that need no socket. */
import t from 'tap'
import { createFakeClock } from '../../../src/api/clock.ts'
import { createBalancer } from '../../../src/proxy/ingress/balance/balancer.ts'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { parseRequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import type { BackendKey } from '../../../src/proxy/ingress/policy/backend-key.ts'
import { plainPolicy, type Retries } from '../../../src/proxy/ingress/policy/policy.ts'
import { createAttempts } from '../../../src/proxy/ingress/relay/attempts.ts'
import { createDeadlines } from '../../../src/proxy/ingress/relay/deadlines.ts'
import { createHeadedWriter } from '../../../src/proxy/ingress/relay/headed-writer.ts'
import type { Endpoint } from '../../../src/proxy/ingress/routes/endpoints.ts'
import { throttled } from '../../../src/proxy/ingress/thread/throttled.ts'

const endpoint = (key: string): Endpoint => ({ key, address: key, port: 80 })
const endpoints = (keys: string): readonly Endpoint[] => [...keys].map(endpoint)
const inTurn = { kind: 'round-robin' } as const
const web = 'default/web:80' as BackendKey
const api = 'default/api:80' as BackendKey

t.test('deadlines', async (t) => {
  const clock = createFakeClock()
  const deadlines = createDeadlines(clock, 1_000)
  const fired: string[] = []
  const first = deadlines.add(() => fired.push('first'))
  const second = deadlines.add(() => fired.push('second'))
  first.set(10_000)
  second.set(5_000)
  clock.advance(4_900)
  t.same(fired, [])
  clock.advance(1_100)
  t.same(fired, ['second'], 'late by no more than a tick')
  first.set(10_000)
  clock.advance(6_000)
  t.same(fired, ['second'], 'set again: counts from then')
  first.clear()
  clock.advance(100_000)
  second.set(1_000)
  second.remove()
  clock.advance(100_000)
  t.same(fired, ['second'], 'cleared and removed ones never fire')
  first.set(1_000)
  deadlines.close()
  clock.advance(100_000)
  t.same(fired, ['second'])
})

t.test('short deadlines are not late', async (t) => {
  const clock = createFakeClock()
  const deadlines = createDeadlines(clock, 250)
  const fired: string[] = []
  const deadline = deadlines.add(() => fired.push(`at ${clock.now() - started}`))
  const started = clock.now()
  const pass = (ms: number): void => {
    for (let at = 0; at < ms; at++) clock.advance(1)
  }
  deadline.set(400)
  pass(500)
  t.same(fired, ['at 401'])
  deadline.set(100)
  deadline.set(400)
  pass(300)
  deadline.clear()
  pass(1_000)
  t.equal(fired.length, 1, 'set again or cleared, it does not fire')
  deadline.set(100)
  deadlines.close()
  pass(1_000)
  t.equal(fired.length, 1)
})

t.test('the balancer takes turns', async (t) => {
  const gone: string[] = []
  const balancer = createBalancer({ now: () => 0 }, (key) => gone.push(key))
  const picks = (count: number, tried = '') =>
    Array.from({ length: count }, () => balancer.pick(web, endpoints(tried), inTurn)?.key ?? '-').join('')
  t.equal(picks(1), '-', 'unknown backend')
  balancer.set(web, { endpoints: endpoints('abc') })
  t.equal(picks(7), 'abcabca')
  t.equal(picks(3, 'b'), 'cac', 'but not the ones that were tried')
  t.equal(picks(1, 'abc').length, 1, 'of nobody else there is still somebody')
  balancer.set(web, { endpoints: endpoints('bc') })
  t.equal(picks(4).length, 4)
  balancer.set(api, { endpoints: endpoints('bd') })
  t.same(gone, ['a'])
  balancer.set(web, { endpoints: endpoints('') })
  t.same(gone, ['a', 'c'], 'an endpoint that another backend has is not gone')
  t.ok(balancer.has('b'))
  balancer.set(api, undefined)
  t.same(gone, ['a', 'c', 'b', 'd'])
  t.notOk(balancer.has('b'))
})

t.test('shares of a round robin are equal to one', async (t) => {
  const balancer = createBalancer({ now: () => 0 }, () => {})
  balancer.set(web, { endpoints: endpoints('abcdefg') })
  const counts = new Map<string, number>()
  for (let count = 0; count < 1_000; count++) {
    const key = balancer.pick(web, [], inTurn)?.key ?? '-'
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  t.same([...new Set(counts.values())].sort(), [142, 143])
})

t.test('attempts', async (t) => {
  const balancer = createBalancer({ now: () => 0 }, () => {})
  balancer.set(web, { endpoints: endpoints('abcd') })
  const attemptsOf = (retries: Retries, ...lines: readonly string[]) => {
    const text = `${[...lines, 'Host: a.lab'].join('\r\n')}\r\n\r\n`
    const request = parseRequestHead(text, defaultLimits)
    const plan = { request, policy: { ...plainPolicy, retries }, backend: web, pickBy: inTurn }
    return createAttempts(plan, { balancer, clock: { now: () => 0 } })
  }
  const attempts = (...lines: readonly string[]) => attemptsOf(plainPolicy.retries, ...lines)
  const get = attempts('GET / HTTP/1.1')
  const first = get.next()
  t.equal(first?.maxRestMs, Number.POSITIVE_INFINITY, 'any resting connection will do')
  t.ok(first)
  if (first) get.failed(first.endpoint, false)
  t.equal(get.mayRetry(true, false), true)
  const second = get.next()
  t.not(second?.endpoint.key, first?.endpoint.key, 'another endpoint')
  t.equal(second?.maxRestMs, -1, 'and a new connection')
  get.next()
  t.equal(get.mayRetry(false, false), false, 'three are enough')

  const post = attempts('POST / HTTP/1.1')
  t.equal(post.next()?.maxRestMs, 1_000, 'only a connection just used')
  t.equal(post.mayRetry(true, false), false)
  t.equal(post.mayRetry(false, false), true, 'not sent: nothing was done twice')

  const put = attempts('PUT / HTTP/1.1', 'Content-Length: 5')
  put.next()
  t.equal(put.mayRetry(true, false), false, 'the body is gone')

  balancer.set(web, { endpoints: endpoints('a') })
  const single = attempts('GET / HTTP/1.1')
  single.failed(endpoint('a'), true)
  t.equal(single.next()?.endpoint.key, 'a', 'a resting connection that died says nothing about its endpoint')
  single.failed(endpoint('a'), false)
  t.equal(single.next()?.endpoint.key, 'a', 'the same again where there is no other')
  t.equal(single.mayRetry(true, false), true)

  const eachOnce = attemptsOf({ ...plainPolicy.retries, tries: 0 }, 'GET / HTTP/1.1')
  const only = eachOnce.next()
  if (only) eachOnce.failed(only.endpoint, false)
  t.equal(eachOnce.mayRetry(true, false), true)
  t.equal(eachOnce.next(), undefined, 'without a number each endpoint is asked once')
})

t.test('a request that fails at one endpoint again and again is one failure of it', async (t) => {
  const balancer = createBalancer({ now: () => 0 }, () => {})
  balancer.set(web, { endpoints: endpoints('a') })
  const request = parseRequestHead('GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n', defaultLimits)
  const plan = { request, policy: plainPolicy, backend: web, pickBy: inTurn }
  const attempts = createAttempts(plan, { balancer, clock: { now: () => 0 } })
  for (let tried = 0; tried < 3; tried++) {
    const choice = attempts.next()
    t.equal(choice?.endpoint.key, 'a')
    if (choice) attempts.failed(choice.endpoint, false)
  }
  balancer.set(web, { endpoints: endpoints('ab') })
  t.same([1, 2].map(() => balancer.pick(web, [], inTurn)?.key).sort(), ['a', 'b'], 'it was not sent away')
})

t.test('a head goes out with what follows', async (t) => {
  const written: (string | number)[] = []
  const writer = createHeadedWriter((data) => {
    written.push(typeof data === 'string' ? data : data.length > 20 ? data.length : `<${data.toString('latin1')}>`)
    return false
  })
  t.equal(writer.flush(), true, 'nothing waits')
  writer.head('h\xe9ad ')
  t.equal(writer.isFlushed(), false)
  t.equal(writer.write(Buffer.from('body')), false)
  t.equal(writer.isFlushed(), true)
  writer.write(Buffer.from('more'))
  writer.head('alone')
  t.equal(writer.flush(), false)
  writer.head('before ')
  writer.write(Buffer.alloc(100_000))
  t.same(written, ['h\xe9ad body', '<more>', 'alone', 'before ', 100_000])
})

t.test('lines are throttled, and counted', async (t) => {
  const clock = createFakeClock()
  const passed: string[] = []
  const line = throttled((text) => passed.push(text), clock, 2, 1_000)
  for (const text of ['a', 'b', 'c', 'd']) line(text)
  clock.advance(1_000)
  line('e')
  line('f')
  t.same(passed, ['a', 'b', 'e (and 2 more that were not written)', 'f'])
})
