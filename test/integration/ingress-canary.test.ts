/** Shares of requests: canaries, and copies for others to look at. */
import t, { type Test } from 'tap'
import type { Ingress } from '../../src/api/types/index.ts'
import { freePort } from '../support/free-port.ts'
import { annotated, ask, echoed, nginx, type Question, startEcho, startIngress } from '../support/ingress-fixture.ts'
import { ingress, path } from '../support/ingress-objects.ts'
import { bodyOf, dial, listenRaw } from '../support/raw-http.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'

type Annotations = Readonly<Record<string, string>>

const canary = (annotations: Annotations, written = 'prefix:/', name = 'new'): Ingress =>
  ingress({
    ...{ name, created: '2026-02-01T00:00:00Z', annotations: nginx({ canary: 'true', ...annotations }) },
    rules: { 'a.lab': [path(written, 'new')] },
  })

const serve = async (t: Test, ingresses: readonly Ingress[]) => {
  const [main, young] = await Promise.all([startEcho(t, 'main'), startEcho(t, 'new')])
  const seeded = createSeededRandom(7)
  const fixture = await startIngress(
    t,
    { ingresses, services: { web: [main.port], new: [young.port] } },
    { random: () => seeded.below(1_000_000) / 1_000_000 },
  )
  const share = async (count: number, question: Question = {}): Promise<number> => {
    let taken = 0
    for (let asked = 0; asked < count; asked++) if (echoed(await ask(fixture.port, question)).name === 'new') taken++
    return taken
  }
  return { ...fixture, share }
}

const fields = (headers: Annotations): Question => ({ headers })

t.test('canaries by header, cookie and weight', async (t) => {
  const { share, change, problems } = await serve(t, [annotated({})])
  const by = (annotations: Annotations): void => change({ ingresses: [annotated({}), canary(annotations)] })
  t.equal(await share(2), 0)

  by({ 'canary-by-header': 'X-New' })
  t.equal(await share(2), 0)
  t.equal(await share(2, fields({ 'x-new': 'always' })), 2)
  t.equal(await share(2, fields({ 'x-new': 'never' })), 0)
  t.equal(await share(2, fields({ 'x-new': 'yes' })), 0)

  by({ 'canary-by-header': 'X-New', 'canary-by-header-value': 'de' })
  t.equal(await share(2, fields({ 'x-new': 'de' })), 2)
  t.equal(await share(2, fields({ 'x-new': 'always' })), 0, 'with a value, that alone counts')

  by({ 'canary-by-header': 'X-New', 'canary-by-header-pattern': '^(de|at)$' })
  t.equal(await share(2, fields({ 'x-new': 'at' })), 2)
  t.equal(await share(2, fields({ 'x-new': 'bat' })), 0)

  by({ 'canary-by-cookie': 'new' })
  t.equal(await share(2, fields({ cookie: 'a=b; new=always' })), 2)
  t.equal(await share(2, fields({ cookie: 'new=never' })), 0)
  t.equal(await share(2, fields({ cookie: 'newer=always' })), 0)

  by({ 'canary-weight': '25' })
  const quarter = await share(200)
  t.ok(quarter > 35 && quarter < 65, `${quarter} of 200`)
  by({ 'canary-weight': '1', 'canary-weight-total': '2' })
  const half = await share(100)
  t.ok(half > 35 && half < 65, `${half} of 100`)
  by({ 'canary-weight': '0' })
  t.equal(await share(20), 0)
  by({ 'canary-weight': '100' })
  t.equal(await share(20), 20)
  t.same(problems(), [])
})

t.test('several ways at once: header, then cookie, then weight', async (t) => {
  const all = { 'canary-by-header': 'x-new', 'canary-by-cookie': 'new', 'canary-weight': '100' }
  const { share } = await serve(t, [annotated({}), canary(all)])
  t.equal(await share(2), 2)
  t.equal(await share(2, fields({ 'x-new': 'never', cookie: 'new=always' })), 0)
  t.equal(await share(2, fields({ 'x-new': 'other', cookie: 'new=never' })), 0)
  t.equal(await share(2, fields({ 'x-new': 'always', cookie: 'new=never' })), 2)
})

t.test('a canary takes everything else from its main Ingress', async (t) => {
  const rewriting = { 'use-regex': 'true', 'rewrite-target': '/$1' }
  const { port, change, share, problems } = await serve(t, [
    annotated({ ...rewriting, 'denylist-source-range': '10.0.0.0/8' }, 'web', 'any:/app/(.*)'),
    canary({ 'canary-weight': '100', 'app-root': '/nowhere', 'denylist-source-range': '127.0.0.1' }, 'any:/app/(.*)'),
  ])
  t.match(echoed(await ask(port, { path: '/app/x' })), { name: 'new', url: '/x' })
  t.match(problems(), [/app-root.*no effect in a canary/, /denylist-source-range.*no effect in a canary/])
  change({ ingresses: [canary({ 'canary-weight': '100' })] })
  t.equal((await ask(port)).status, 404, 'a canary of nothing')
  t.match(problems(), [/canary of nothing/])
  change({ ingresses: [annotated({}), canary({ 'canary-weight': '100' }, 'prefix:/x'), canary({ canary: 'maybe' })] })
  t.equal(await share(2), 0)
})

t.test('two canaries: the older one', async (t) => {
  const { problems, share } = await serve(t, [
    annotated({}),
    canary({ 'canary-weight': '0' }, 'prefix:/', 'a'),
    canary({ 'canary-weight': '100' }, 'prefix:/', 'b'),
  ])
  t.equal(await share(3), 0)
  t.match(problems(), [/has a canary already: Ingress default\/a/])
})

t.test('with a sticky cookie a client stays where it was', async (t) => {
  const sticky = { affinity: 'cookie' }
  const { port, share, change } = await serve(t, [annotated(sticky), canary({ 'canary-weight': '100' })])
  const cookieOf = async (): Promise<string> => (await ask(port)).headers['set-cookie']?.[0]?.split(';')[0] ?? 'none'
  const young = await cookieOf()
  change({ ingresses: [annotated(sticky), canary({ 'canary-weight': '0' })] })
  const main = await cookieOf()
  t.not(young, main)
  t.equal(await share(3, fields({ cookie: young })), 3, 'the canary keeps whom it had')
  change({ ingresses: [annotated(sticky), canary({ 'canary-weight': '100' })] })
  t.equal(await share(3, fields({ cookie: main })), 0)
  t.equal(await share(3), 3)
  const legacy = canary({ 'canary-weight': '100', 'affinity-canary-behavior': 'legacy' })
  change({ ingresses: [annotated(sticky), legacy] })
  t.equal(await share(3, fields({ cookie: main })), 3, 'legacy: each request anew')
})

const mirrored = (port: number, more: Annotations = {}): Ingress =>
  annotated({ 'mirror-target': `http://127.0.0.1:${port}/copy$request_uri`, ...more })

t.test('a mirror gets copies, and nobody notices', async (t) => {
  const looker = await listenRaw()
  t.teardown(() => looker.close())
  const { port, change } = await serve(t, [mirrored(looker.port)])
  t.match(echoed(await ask(port, { path: '/x?y', headers: { 'x-mine': '1' } })), { name: 'main', url: '/x?y' })
  const first = await (await looker.accepts(0)).hears('\r\n\r\n')
  t.match(first, /^GET \/copy\/x\?y HTTP\/1\.1\r\n/)
  t.match(first, `host: 127.0.0.1:${looker.port}\r\n`)
  t.match(first, /x-mine: 1\r\n/i)
  t.match(first, /x-forwarded-for: 127\.0\.0\.1\r\n/i)

  const posted = await ask(port, { method: 'POST', body: 'hello' })
  t.equal(echoed(posted).body, 'hello')
  t.match(await (await looker.accepts(1)).hears('hello'), /^POST \/copy\/ HTTP/)

  const client = dial(port)
  client.say('POST / HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n')
  t.equal(JSON.parse(bodyOf(await client.hears('"body"'))).body, 'abcdef')
  client.socket.destroy()
  const copied = await looker.accepts(2)
  await copied.hears('def')
  t.match(copied.heard(), /abc[\s\S]*def/)

  change({ ingresses: [mirrored(looker.port, { 'mirror-request-body': 'off', 'mirror-host': 'shadow.lab' })] })
  t.equal(echoed(await ask(port, { method: 'POST', body: 'hello' })).body, 'hello')
  const bare = await (await looker.accepts(3)).hears('\r\n\r\n')
  t.match(bare, /host: shadow\.lab\r\n/i)
  t.notMatch(bare, 'hello')
})

t.test('a mirror that is down, slow or wrong', async (t) => {
  const { port, change, reports } = await serve(t, [mirrored(await freePort())])
  for (let count = 0; count < 5; count++)
    t.equal(echoed(await ask(port, { method: 'POST', body: 'hello' })).body, 'hello')
  await until(() => reports.length >= 5, 'the failures to be told')
  t.match(reports[0], /^mirror http:.*ECONNREFUSED/)

  const slow = await listenRaw()
  t.teardown(() => slow.close())
  change({ ingresses: [mirrored(slow.port, { 'proxy-body-size': '0' })] })
  const body = 'x'.repeat(4 * 1024 * 1024)
  t.equal(echoed(await ask(port, { method: 'POST', body })).body.length, body.length, 'it never reads')
  const wrong = await listenRaw()
  t.teardown(() => wrong.close())
  change({ ingresses: [mirrored(wrong.port)] })
  t.equal(echoed(await ask(port)).name, 'main')
  ;(await wrong.accepts(0)).say('SSH-2.0\r\n\r\n')
  await until(() => reports.some((each) => each.includes(String(wrong.port))), 'a wrong answer to be told')
})

t.test('a request that comes to nothing ends its copies', async (t) => {
  const looker = await listenRaw()
  t.teardown(() => looker.close())
  const { port, change, reports } = await serve(t, [mirrored(looker.port)])
  change({ services: { web: [] } })
  t.equal((await ask(port, { method: 'POST', body: 'hello' })).status, 503)
  await until(() => reports.some((each) => each.startsWith('mirror')), 'the copy to be given up')
})
