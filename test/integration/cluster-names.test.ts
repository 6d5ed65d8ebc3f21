/** Names of the cluster wherever Ingress sends requests to a name: asked of the cluster's DNS, over both families. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createUDPServer, Packet } from 'dns2'
import t, { type Test } from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createStreamServices } from '../../src/proxy/ingress/stream-services.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { createFedNamedData } from '../support/fed-named-data.ts'
import { freePort } from '../support/free-port.ts'
import { annotated, ask, nginx, startEcho, startIngress } from '../support/ingress-fixture.ts'
import { byService, ingress, path, service } from '../support/ingress-objects.ts'
import { dial } from '../support/raw-http.ts'
import { udpAnswer } from '../support/udp-answer.ts'
import { until } from '../support/until.ts'

const [four, six] = ['192.0.2.10', '2001:db8::10']
const domain = 'cluster.local'

const { run } = createCommandRunner()
await run('ip', ['address', 'add', `${four}/32`, 'dev', 'lo'])
await run('ip', ['address', 'add', `${six}/128`, 'dev', 'lo', 'nodad'])

/** The addresses of each name; there are no others. */
const records: Readonly<Record<string, readonly string[]>> = {
  [`be.default.svc.${domain}`]: [four],
  [`be6.default.svc.${domain}`]: [six],
  [`both.default.svc.${domain}`]: [four, six],
  [`self.default.svc.${domain}`]: ['127.0.0.1'],
}

const answersOf = (name: string, type: number | undefined) =>
  (records[name.toLowerCase()] ?? [])
    .filter((address) => type === (address.includes(':') ? Packet.TYPE.AAAA : Packet.TYPE.A))
    .map((address) => ({ name, type, class: Packet.CLASS.IN, ttl: 30, address }))

const startDns = async (t: Test) => {
  const asked: string[] = []
  const server = createUDPServer((request, send) => {
    const response = Packet.createResponseFromRequest(request)
    const [question] = request.questions
    const name = question?.name ?? ''
    asked.push(name)
    if (records[name.toLowerCase()] === undefined) response.header.rcode = 3
    // dns2's types know no address records.
    for (const answer of answersOf(name, question?.type)) response.answers.push(answer as never)
    send(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { asked, names: { domain, servers: [`127.0.0.1:${server.address().port}`] } }
}

/** At both addresses; tells what it was asked. */
const startWide = async (t: Test) => {
  const heard: string[] = []
  const server = createServer((asked, response) => {
    heard.push(asked.url ?? '')
    response.end(`by ${asked.socket.localAddress?.replace('::ffff:', '')}`)
  }).listen(0, '::')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { heard, port: (server.address() as AddressInfo).port }
}

const external = (externalName: string, port: number) => ({
  service: service('web', { type: 'ExternalName', externalName, ports: [{ port }] }),
  slices: [],
})

const routed = (port: number) =>
  ingress({
    rules: { 'a.lab': [{ ...path('prefix:/', 'web'), backend: { service: { name: 'web', port: { number: port } } } }] },
  })

t.test('a Service that is an alias of another one', async (t) => {
  const [{ names }, { port }] = [await startDns(t), await startWide(t)]
  const world = (name: string) => ({ ingresses: [routed(port)], services: { web: external(name, port) } })
  const {
    port: at,
    change,
    reports,
  } = await startIngress(t, world(`be.default.svc.${domain}`), { clusterNames: names })
  t.match(await ask(at), { status: 200, body: `by ${four}` })
  for (const [name, by] of [
    [`be6.default.svc.${domain}`, six],
    [`Both.default.svc.${domain}.`, four],
    ['be.default.svc', four],
  ] as const) {
    change(world(name))
    t.match(await ask(at), { status: 200, body: `by ${by}` }, name)
  }
  change(world(`self.default.svc.${domain}`))
  t.equal((await ask(at)).status, 502, 'a name that is this machine')
  t.match(reports.join('\n'), /cannot look up self\.default\.svc\.cluster\.local: it is this machine itself/)
  change(world(`gone.default.svc.${domain}`))
  t.equal((await ask(at)).status, 502)
  t.match(
    reports.join('\n'),
    /cannot look up gone\.default\.svc\.cluster\.local: cluster DNS 127\.0\.0\.1:\d+: ENOTFOUND/,
  )
})

t.test('a backend over HTTP/2, an auth server, and a mirror', async (t) => {
  const [{ names, asked }, { port, heard }] = [await startDns(t), await startWide(t)]
  const echo = await startEcho(t, 'web')
  const name = `be.default.svc.${domain}`
  const {
    port: at,
    change,
    reports,
  } = await startIngress(
    t,
    {
      ingresses: [
        annotated({ 'auth-url': `http://${name}:${port}/auth`, 'mirror-target': `http://${name}:${port}/mirror` }),
      ],
      services: { web: [echo.port] },
    },
    { clusterNames: names },
  )
  t.equal((await ask(at)).status, 200)
  await until(() => heard.length === 2, 'both were asked')
  t.same([...heard].sort(), ['/auth', '/mirror'])
  t.ok(asked.includes(name))
  change({
    ingresses: [annotated({ 'auth-url': `http://gone.default.svc.${domain}:${port}/auth` })],
  })
  t.equal((await ask(at)).status, 500, 'no such auth server')
  t.match(reports.join('\n'), /cannot look up gone\.default\.svc\.cluster\.local: cluster DNS/)
  change({
    ingresses: [
      { ...routed(port), metadata: { ...routed(port).metadata, annotations: nginx({ 'backend-protocol': 'GRPC' }) } },
    ],
    services: { web: external(`gone.default.svc.${domain}`, port) },
  })
  t.equal((await ask(at)).status, 502)
  t.ok(asked.includes(`gone.default.svc.${domain}`), 'of HTTP/2 as well')
})

t.test('stream services', async (t) => {
  const { names } = await startDns(t)
  const [tcp, udp, udp6] = [await freePort(), await freePort(), await freePort()]
  const { port } = await startWide(t)
  const socket = createSocket({ type: 'udp6', ipv6Only: false })
  socket.on('message', (message, sender) => socket.send(`heard ${message}`, sender.port, sender.address))
  socket.bind(0, '::')
  await once(socket, 'listening')
  t.teardown(() => void socket.close())
  const heardAt = socket.address().port
  const alias = (name: string, to: string) =>
    service(name, { type: 'ExternalName', externalName: `${to}.default.svc.${domain}` })
  const streams = createStreamServices({
    services: createFedInformer([alias('four', 'be'), alias('six', 'be6')]),
    slices: createFedInformer([], { service: byService }),
    configMaps: createFedNamedData({
      'infra/tcp': { [tcp]: `default/four:${port}` },
      'infra/udp': { [udp]: `default/four:${heardAt}`, [udp6]: `default/six:${heardAt}` },
    }),
    ...{ log: silentLogger, clusterNames: names },
    settings: { address: '127.0.0.1', tcp: 'infra/tcp', udp: 'infra/udp' },
  })
  const stop = new AbortController()
  const done = streams.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  const overTcp = async (): Promise<boolean> => {
    const client = dial(tcp)
    try {
      client.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      return (await client.hears('by')).includes(`by ${four}`)
    } catch {
      // Nobody listens yet.
      return false
    } finally {
      client.socket.destroy()
    }
  }
  t.equal(await until(overTcp, 'an answer over TCP'), true)
  for (const to of [udp, udp6]) t.equal(await udpAnswer(t, to), 'heard you')
})
