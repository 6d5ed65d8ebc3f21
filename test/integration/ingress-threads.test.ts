/** Threads of the proxy that hang or end: others take their place, and who was served elsewhere is served on. */
import { Writable } from 'node:stream'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createIngress } from '../../src/proxy/ingress/ingress.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { createFedNamedData } from '../support/fed-named-data.ts'
import { freePort } from '../support/free-port.ts'
import { ask } from '../support/ingress-fixture.ts'
import { byService, ingress, ingressClass, path, service, slice } from '../support/ingress-objects.ts'
import { dial } from '../support/raw-http.ts'
import { startBackend } from '../support/relay-fixture.ts'
import { until } from '../support/until.ts'
import { withHook } from '../support/with-hook.ts'

const startProxy = async (t: Test, threads: number) => {
  const backend = await startBackend(t, (_, response) => void response.end('hello'))
  const lines: string[] = []
  const sink = new Writable({
    write: (line, _, done) => {
      lines.push(String(line))
      done()
    },
  })
  const httpPort = await freePort()
  const proxy = createIngress({
    ingresses: createFedInformer([ingress({ className: 'edge', rules: { 'a.lab': [path('prefix:/', 'web')] } })]),
    classes: createFedInformer([ingressClass('edge')]),
    services: createFedInformer([service('web')]),
    slices: createFedInformer(
      [slice({ service: 'web', addresses: { '127.0.0.1': {} }, ports: [{ name: '', port: backend.port }] })],
      { service: byService },
    ),
    ...{ secrets: createFedNamedData(), configMaps: createFedNamedData() },
    settings: { address: '127.0.0.1', httpPort, threads },
    ...{ log: pino({ level: 'warn' }, sink), timeouts: { drain: 500 } },
  })
  const stop = new AbortController()
  const done = proxy.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  await proxy.ready
  return { proxy, port: httpPort, lines }
}

const served = async (port: number): Promise<boolean> =>
  (await ask(port, { host: 'a.lab' }).then(
    ({ status }) => status,
    () => 0,
  )) === 200

const runTests = (): void => {
  t.test(
    'a thread that hangs is replaced, its request is named, and other connections stay',
    { timeout: 60_000 },
    async (t) => {
      const { proxy, port, lines } = await startProxy(t, 2)
      const bystanders = Array.from({ length: 16 }, () => dial(port))
      t.teardown(() => {
        for (const { socket } of bystanders) socket.destroy()
      })
      const get = 'GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n'
      for (const client of bystanders) {
        client.say(get)
        await client.hears('hello')
      }
      const victim = dial(port)
      t.teardown(() => victim.socket.destroy())
      victim.say('GET /slow HTTP/1.1\r\nHost: hang.lab\r\n\r\n')
      await until(() => proxy.restarts.stuck === 1, 'the hanging thread to be noticed')
      await victim.ends()
      t.match(lines.join(''), /did not answer for 2000 ms.*hang\.lab\/slow/)
      await until(
        async () => (await Promise.all(Array.from({ length: 20 }, () => served(port)))).every(Boolean),
        'everybody to be served',
      )
      const left = bystanders.filter((client) => client.end() === undefined)
      t.ok(left.length > 0 && left.length < bystanders.length, `${left.length} of 16 connections were elsewhere`)
      for (const client of left) {
        client.say(get)
        await until(() => client.heard().split('hello').length === 3, 'the second answer')
      }
      t.equal(proxy.trouble(), undefined)
    },
  )

  t.test(
    'a thread that ends again and again is started ever later, and that is told',
    { timeout: 60_000 },
    async (t) => {
      const { proxy, port } = await startProxy(t, 1)
      for (let count = 1; count <= 3; count++) {
        await until(() => served(port), 'to be served')
        const client = dial(port)
        client.say('GET / HTTP/1.1\r\nHost: crash.lab\r\n\r\n')
        await until(() => proxy.restarts.crashed === count, 'its end')
        client.socket.destroy()
      }
      t.match(proxy.trouble(), /an ingress thread ended 3 times in a row: .*code 3/)
      await until(() => served(port), 'to be served again')
    },
  )
}

await withHook('hang-on-name.ts', import.meta.url, runTests)
