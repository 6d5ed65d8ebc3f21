/** How the control plane reaches Services: pods through their agents, everything else by its address. */
import { once } from 'node:events'
import { createServer as createAgent } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import type { Endpoint, EndpointSlice, KubeObject, Pod, Service } from '../../../../src/api/types/index.ts'
import { type Dialer, NodeUnreachable } from '../../../../src/control/dial/dialer.ts'
import { connectSecurely, createServiceConnections } from '../../../../src/control/dial/services.ts'
import type { StoreKey } from '../../../../src/control/storage/backend.ts'
import type { Entry } from '../../../../src/control/storage/store.ts'
import { joinStreams, switchProtocols } from '../../../../src/host/upgrade.ts'
import { authority, certificateFor } from '../../../support/tls-fixture.ts'

const portOf = async (t: Test, server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Says its name to whoever connects with TLS. */
const startTlsServer = async (t: Test, dnsName: string): Promise<number> => {
  const { certificate: cert, key } = await certificateFor(dnsName)
  const server = createTlsServer({ cert, key }, (socket) => {
    socket.on('error', () => undefined).end(dnsName)
  })
  return portOf(t, server)
}

/** Nobody listens there. */
const closedPort = async (t: Test): Promise<number> => {
  const server = createServer()
  const port = await portOf(t, server)
  server.close()
  return port
}

const web = { namespace: 'shop', name: 'web', port: 443 }

const service = (spec: Service['spec']): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name: 'web' }, spec },
})

const pod = (address: string): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name: 'web-1', uid: 'u-1' } },
  spec: { nodeName: 'node1', containers: [] },
  status: { podIPs: [{ ip: address }] },
})

const slice = (port: number, endpoint: Partial<Endpoint>): EndpointSlice => ({
  ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
  metadata: { namespace: 'shop', name: 'web-a', labels: { 'kubernetes.io/service-name': 'web' } },
  ports: [{ name: 'https', port }],
  endpoints: [{ addresses: ['127.0.0.1'], ...endpoint }],
})

const ofPod = { targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1' } }
const httpsService = service({ ports: [{ name: 'https', port: 443 }] })

/** By `BUCKET NAME`. */
const storeOf = (objects: Readonly<Record<string, KubeObject>>) => {
  const entries = Object.entries(objects).map(([key, object]): Entry => {
    const [bucket = '', name = ''] = key.split(' ')
    return { key: { bucket, name }, object, revision: 1 }
  })
  return {
    get: ({ bucket, name }: StoreKey) => entries.find(({ key }) => key.bucket === bucket && key.name === name),
    list: (bucket: string) => ({ revision: 1, entries: entries.filter(({ key }) => key.bucket === bucket) }),
  }
}

/** An agent that connects whoever asks to the port that it is asked for, and what it was asked. */
const startAgent = async (t: Test, answer?: { readonly code: number; readonly words: string }) => {
  const asked: string[] = []
  const agent = createAgent((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(answer?.code ?? 404).end(answer?.words)
  })
  if (!answer)
    agent.on('upgrade', (request, socket, head) => {
      asked.push(request.url ?? '')
      const target = connect(Number(request.url?.split('/').at(-1)), '127.0.0.1')
      switchProtocols(socket, { connection: 'Upgrade', upgrade: 'tcp' })
      joinStreams(socket, target)
      if (head.length > 0) target.write(head)
    })
  const port = await portOf(t, agent)
  return { asked, dialer: { open: async () => connect(port, '127.0.0.1') } }
}

const noAgent = {
  open: async (node: string) => {
    throw new NodeUnreachable(`node ${node} is not connected`)
  },
}

const never = new AbortController().signal

const say = async (store: ReturnType<typeof storeOf>, dialer: Dialer, more = {}) => {
  const connectTo = createServiceConnections(store, dialer)
  const options = { servername: 'web.shop.svc', ca: authority.cert, ...more }
  const socket = await connectSecurely(connectTo, web, options, never)
  const [said] = await once(socket, 'data')
  socket.destroy()
  return String(said)
}

t.test('a pod is reached through the agent of its node, and has to be whom the Service names', async (t) => {
  const port = await startTlsServer(t, 'web.shop.svc')
  const { asked, dialer } = await startAgent(t)
  // An address that leads nowhere from here.
  const store = storeOf({
    'services shop/web': httpsService,
    'pods shop/web-1': pod('192.0.2.7'),
    'endpointslices.discovery.k8s.io shop/web-a': slice(port, { ...ofPod, addresses: ['192.0.2.7'] }),
  })
  t.equal(await say(store, dialer), 'web.shop.svc')
  t.same(asked, [`/dial/shop/web-1/u-1/${port}`])
  await t.rejects(say(store, dialer, { servername: 'other.shop.svc' }), /altnames/)
})

t.test('an endpoint that names a pod whose address it has not is an address', async (t) => {
  const port = await startTlsServer(t, 'web.shop.svc')
  const { asked, dialer } = await startAgent(t)
  for (const reference of [ofPod, { targetRef: { kind: 'Pod', namespace: 'other', name: 'nobody' } }, {}]) {
    const store = storeOf({
      'services shop/web': httpsService,
      'pods shop/web-1': pod('192.0.2.7'),
      'endpointslices.discovery.k8s.io shop/web-a': slice(port, reference),
    })
    t.equal(await say(store, dialer), 'web.shop.svc')
  }
  t.same(asked, [])
})

t.test('a pod whose agent does not connect is tried by its address; else both reasons are told', async (t) => {
  const port = await startTlsServer(t, 'web.shop.svc')
  const closed = await closedPort(t)
  const storeFor = (at: number) =>
    storeOf({
      'services shop/web': httpsService,
      'pods shop/web-1': pod('127.0.0.1'),
      'endpointslices.discovery.k8s.io shop/web-a': slice(at, ofPod),
    })
  const { dialer } = await startAgent(t, { code: 502, words: 'nobody listens on the port' })
  t.equal(await say(storeFor(port), noAgent), 'web.shop.svc')
  t.equal(await say(storeFor(port), dialer), 'web.shop.svc')
  await t.rejects(say(storeFor(closed), noAgent), {
    message: /^127\.0\.0\.1:\d+: node node1 is not connected; .*ECONNREFUSED/,
  })
  await t.rejects(say(storeFor(closed), dialer), /nobody listens on the port; /)
})

t.test('without an endpoint it is said why', async (t) => {
  const none = storeOf({ 'services shop/web': httpsService })
  await t.rejects(say(storeOf({}), noAgent), /service "shop\/web" not found/)
  await t.rejects(say(none, noAgent), /no endpoints available for service "shop\/web"/)
  const other = storeOf({ 'services shop/web': service({ ports: [{ port: 80 }] }) })
  await t.rejects(say(other, noAgent), /service "shop\/web" has no port 443/)
})

t.test('a name outside of the cluster is connected to as it is', async (t) => {
  const port = await startTlsServer(t, 'web.shop.svc')
  const store = storeOf({ 'services shop/web': service({ type: 'ExternalName', externalName: '127.0.0.1' }) })
  const connectTo = createServiceConnections(store, noAgent)
  const options = { servername: 'web.shop.svc', ca: authority.cert }
  const socket = await connectSecurely(connectTo, { ...web, port }, options)
  t.equal(String((await once(socket, 'data'))[0]), 'web.shop.svc')
  socket.destroy()
})
