/** Mistakes of the proxy itself, at every place where one can be made: one request ends, and nothing else does. */
import { once } from 'node:events'
import { connect as connectH2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import type { BackendKey } from '../../src/proxy/ingress/policy/backend-key.ts'
import type { RoutePolicy } from '../../src/proxy/ingress/policy/policy.ts'
import type { RelayUpdate } from '../../src/proxy/ingress/relay/relay.ts'
import { ask, askH2 } from '../support/ingress-fixture.ts'
import { dial } from '../support/raw-http.ts'
import { everythingTo, onPorts, startBackend, startRelay, web } from '../support/relay-fixture.ts'
import { authority, startTlsRelay } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

const mistake = (): never => {
  throw new Error('a mistake of ours')
}

/** One host whose requests meet a mistake, at a place of its own. */
const brokenPolicies: Readonly<Record<string, Partial<RoutePolicy>>> = {
  'steps.lab': { allow: ['no network'] },
  'pattern.lab': { rewrite: { path: { kind: 'regex', pattern: '(', replacement: '/' } } },
  'later.lab': {
    basicAuth: { realm: 'r', users: { a: '{PLAIN}b' } },
    rewrite: { path: { kind: 'regex', pattern: '(', replacement: '/' } },
  },
  'exchange.lab': {
    mirrors: [
      {
        to: { backend: web },
        body: false,
        get numerator() {
          return mistake()
        },
        denominator: 1,
      },
    ],
  },
  'answer.lab': {
    redirectFrom: {
      get from() {
        return mistake()
      },
      to: '/',
    },
  },
}
const authorization = `Basic ${Buffer.from('a:b').toString('base64')}`

const tablesFor = (host: string, backend: BackendKey, policy: Partial<RoutePolicy>): RelayUpdate['tables'] =>
  everythingTo(backend, policy).map(({ entry, hosts }) => ({ entry, hosts: hosts.map(([, paths]) => [host, paths]) }))

const startPlace = async (t: Test) =>
  startBackend(t, (request, response) => {
    request.resume()
    response.setHeader('Location', '/elsewhere').end('ok')
  })

const applyBroken = (relay: { apply(update: RelayUpdate): void }): void => {
  for (const [host, policy] of Object.entries(brokenPolicies))
    relay.apply({ tables: tablesFor(host, web, policy), backends: [] })
}

t.test('over HTTP/1.1: an error for this request, and the end of its connection', async (t) => {
  const backend = await startPlace(t)
  const { relay, port, problems } = await startRelay(t, [backend.port])
  applyBroken(relay)
  const bystander = dial(port)
  t.teardown(() => bystander.socket.destroy())
  let faults = 0
  let answered = 0
  for (const host of Object.keys(brokenPolicies)) {
    const client = dial(port)
    client.say(`GET /x HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n\r\n`)
    t.match(await client.hears('internal error'), /^HTTP\/1\.1 500 /, host)
    t.equal(client.heard().split('HTTP/1.1 ').length, 2, `${host}: one answer`)
    client.socket.destroy()
    t.ok(relay.faults > faults, `${host}: counted`)
    faults = relay.faults
    t.match(problems.at(-1) ?? '', /internal error in|lost the connection|502/, `${host}: told`)
    bystander.say('GET / HTTP/1.1\r\nHost: good.lab\r\n\r\n')
    answered++
    await until(() => bystander.heard().split('HTTP/1.1 200 OK').length === answered + 1, 'the bystander')
  }
  t.ok(
    problems.some((text) => text.includes('pattern.lab/x')),
    'the request is named',
  )
  await until(() => relay.connections === 1, 'nothing is left but the bystander')
})

t.test('over HTTP/2: an error for this stream, and nothing for the others of its connection', async (t) => {
  const backend = await startPlace(t)
  const { relay, tlsPort } = await startTlsRelay(t, [backend.port])
  applyBroken(relay)
  const session = connectH2(`https://127.0.0.1:${tlsPort}`, {
    ca: authority.cert,
    checkServerIdentity: () => undefined,
    servername: 'default.lab',
  })
  t.teardown(() => session.destroy())
  for (const host of Object.keys(brokenPolicies)) {
    const [broken, good] = await Promise.all([
      askH2(session, { host, headers: { authorization } }),
      askH2(session, { host: 'good.lab' }),
    ])
    t.match(String(broken.status), /^500$/, host)
    t.match(good, { status: 200, body: 'ok' }, `${host}: beside it`)
  }
  t.ok(relay.faults >= Object.keys(brokenPolicies).length)
})

t.test('who keeps the records may fail: the answers are as ever', async (t) => {
  const backend = await startPlace(t)
  const { relay, port } = await startRelay(t, [backend.port], {}, {}, { observe: mistake })
  for (let count = 0; count < 3; count++) t.match(await ask(port), { status: 200, body: 'ok' })
  await until(() => relay.faults === 3, 'all three are counted')
})

t.test('an endpoint that is none ends what leads to it', async (t) => {
  const backend = await startPlace(t)
  const { relay, port } = await startRelay(t, [backend.port])
  const nowhere = 'default/nowhere:80' as BackendKey
  relay.apply({ tables: tablesFor('nowhere.lab', nowhere, {}), backends: onPorts([99_999], nowhere) })
  t.match(String((await ask(port, { host: 'nowhere.lab' })).status), /^50/)
  t.match(await ask(port), { status: 200 })
})

t.test('a handshake for which there is no certificate fails alone', async (t) => {
  const backend = await startPlace(t)
  const { relay, tlsPort, port, configure } = await startTlsRelay(t, [backend.port])
  const broken = { certificate: 'none', key: 'none' }
  configure({ fallback: broken })
  for (const servername of ['a.lab', '']) {
    const client = connectTls({
      host: '127.0.0.1',
      port: tlsPort,
      rejectUnauthorized: false,
      ...(servername ? { servername } : {}),
    })
    const [error] = await once(client, 'error')
    t.ok(error, `${servername || 'no name'}: refused`)
  }
  t.ok(relay.faults > 0)
  configure({})
  const client = connectTls({ host: '127.0.0.1', port: tlsPort, ca: authority.cert, servername: 'default.lab' })
  await once(client, 'secureConnect')
  client.destroy()
  t.match(await ask(port), { status: 200 })
})

t.test('one table that cannot be taken over leaves all others in force', async (t) => {
  const backend = await startPlace(t)
  const { relay, port } = await startRelay(t, [backend.port])
  const [table] = tablesFor('new.lab', web, {})
  relay.apply({
    tables: [{ entry: 'http', hosts: [[undefined as unknown as string, undefined]] }, ...(table ? [table] : [])],
    backends: [],
  })
  t.equal(relay.faults, 1)
  t.match(await ask(port, { host: 'new.lab' }), { status: 200 })
})
