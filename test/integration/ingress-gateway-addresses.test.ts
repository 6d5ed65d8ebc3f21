/** Gateways with addresses of their own: doors, and what is served at which. */
import { request } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import type { Gateway } from '../../src/api/types/index.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createIngress } from '../../src/proxy/ingress/ingress.ts'
import type { ServedAddress } from '../../src/proxy/ingress/own-addresses.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { createFedNamedData } from '../support/fed-named-data.ts'
import { freePort } from '../support/free-port.ts'
import { gateway, gatewayClass, route } from '../support/gateway-objects.ts'
import { byService, ingress, ingressClass, path, service, slice } from '../support/ingress-objects.ts'
import { startBackend } from '../support/relay-fixture.ts'
import { until } from '../support/until.ts'

/** Who answers, or the status or error of what did not. */
const ask = (address: string, port: number, host = 'a.lab'): Promise<string> =>
  new Promise((resolve) => {
    const asked = request({ host: address, port, headers: { host }, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (piece) => {
        body += piece
      })
      response.on('end', () => resolve(response.statusCode === 200 ? body : String(response.statusCode)))
    })
    asked.on('error', (error) => resolve('code' in error ? String(error.code) : error.message)).end()
  })

const at = (
  name: string,
  port: number,
  addresses: readonly string[],
  more: Parameters<typeof gateway>[0] = {},
): Gateway =>
  gateway({
    ...{ name, namespace: 'default', listeners: [{ port }] },
    status: { addresses: addresses.map((value) => ({ type: 'IPAddress', value })) },
    ...more,
  })

const toItself = (name: string) =>
  route({ name, namespace: 'default', parents: [{ name }], rules: [{ backendRefs: [{ name, port: 80 }] }] })

const start = async (t: Test, http: number, all: readonly Gateway[], settings: { readonly gatewayPool?: string }) => {
  const backend = async (name: string) => {
    const { port } = await startBackend(t, (_, response) => response.end(name))
    return slice({ service: name, addresses: { '127.0.0.1': {} }, ports: [{ name: '', port }] })
  }
  const names = ['a', 'b', 'c']
  const gateways = createFedInformer(all)
  const held: (readonly ServedAddress[])[] = []
  const proxy = createIngress({
    ingresses: createFedInformer([ingress({ className: 'edge', rules: { 'i.lab': [path('prefix:/', 'c')] } })]),
    classes: createFedInformer([ingressClass('edge')]),
    services: createFedInformer(names.map((name) => service(name))),
    slices: createFedInformer(await Promise.all(names.map(backend)), { service: byService }),
    ...{ secrets: createFedNamedData(), configMaps: createFedNamedData(), log: silentLogger },
    gateway: {
      classes: createFedInformer([gatewayClass()]),
      gateways,
      routes: createFedInformer(names.map(toItself)),
      grants: createFedInformer([]),
      namespaces: createFedInformer([]),
    },
    nodeAddresses: ['127.0.0.2', '127.0.0.3'],
    ownAddresses: { hold: async (served) => void held.push(served), run: async () => {} },
    settings: { address: '0.0.0.0', httpPort: http, ...settings },
    timeouts: { drain: 500 },
  })
  const stop = new AbortController()
  const done = proxy.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  await proxy.ready
  return { gateways, held }
}

const become = (address: string, port: number, wanted: string, host?: string) =>
  until(async () => (await ask(address, port, host)) === wanted, `${address}:${port} ${wanted}`)

t.test('each Gateway at its own address, and nobody else there', async (t) => {
  const [http, other] = [await freePort(), await freePort()]
  const [one, two] = ['127.9.0.1', '127.9.0.2']
  const { gateways, held } = await start(t, http, [at('a', http, [one]), at('b', http, [two])], {
    gatewayPool: '127.9.0.0/24',
  })
  t.ok(await become(one, http, 'a'))
  t.ok(await become(two, http, 'b'))
  t.same(held.at(-1), [
    { address: one, ports: [http] },
    { address: two, ports: [http] },
  ])
  t.equal(await ask('127.0.0.2', http), '404', 'the node itself serves none of them')
  t.equal(await ask('127.0.0.2', http, 'i.lab'), 'c', 'but Ingresses')
  t.not(await ask(one, http, 'i.lab'), 'c', 'which are nothing of a Gateway')

  gateways.put(at('b', other, [two, '127.9.0.3', '127.0.0.2']))
  t.ok(await become(two, other, 'b'), 'another port')
  t.ok(await become('127.9.0.3', other, 'b'), 'and one address more')
  t.equal(await ask('127.0.0.2', other), 'ECONNREFUSED', 'what is not of the pool is nobody else to give')
  t.same(
    held.at(-1)?.map(({ address }) => address),
    [one, two, '127.9.0.3'],
  )
  gateways.put(at('b', other, []))
  t.ok(await become(two, other, 'ECONNREFUSED'), 'an address that was taken back')
  t.equal(await ask(one, http), 'a')
})

t.test("without a pool: the nodes' addresses that a Gateway names, and no others", async (t) => {
  const http = await freePort()
  const named = (name: string, value: string) =>
    at(name, http, [], { listeners: [{ port: http }], addresses: [{ value }] })
  const { gateways } = await start(t, http, [named('a', '127.0.0.2'), named('b', '127.0.0.3')], {})
  t.ok(await become('127.0.0.2', http, 'a'))
  t.ok(await become('127.0.0.3', http, 'b'))
  t.equal(await ask('127.0.0.4', http), '404')
  t.equal(await ask('127.0.0.2', http, 'i.lab'), 'c', 'beside Ingresses')
  gateways.put(named('a', '10.99.0.1'))
  t.ok(await become('127.0.0.2', http, '404'), 'of another node')
  gateways.put(at('a', http, []))
  t.ok(await become('127.0.0.4', http, 'a'), 'every address')
  t.ok(await become('127.0.0.3', http, 'a'), 'the younger one is not served any more')
})

t.test('a connection outlives the address that was taken back', async (t) => {
  const http = await freePort()
  const { gateways } = await start(t, http, [at('a', http, ['127.9.0.1'])], { gatewayPool: '127.9.0.0/24' })
  t.ok(await become('127.9.0.1', http, 'a'))
  const socket = connect(http, '127.9.0.1')
  t.teardown(() => socket.destroy())
  let got = ''
  socket.setEncoding('latin1').on('data', (piece) => {
    got += piece
  })
  socket.write('GET / HTTP/1.1\r\nhost: a.lab\r\n\r\n')
  await until(async () => got.includes('200'), 'an answer')
  gateways.put(at('a', http, []))
  // The node's own door takes over.
  t.ok(await become('127.9.0.1', http, '404'))
  got = ''
  socket.write('GET / HTTP/1.1\r\nhost: a.lab\r\n\r\n')
  t.ok(await until(async () => /^HTTP\/1.1 \d/.test(got), 'another answer'))
})
