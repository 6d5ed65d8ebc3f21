/** A relay on a free port of 127.0.0.1 with backends that a test has at hand. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Test } from 'tap'
import { defaultLimits, type HeadLimits } from '../../src/proxy/ingress/http/limits.ts'
import { createRelay, type Relay, type RelayOptions, type RelayUpdate } from '../../src/proxy/ingress/relay/relay.ts'
import { defaultTimeouts, type Timeouts } from '../../src/proxy/ingress/relay/timeouts.ts'
import type { BackendUpdates } from '../../src/proxy/ingress/routes/endpoints.ts'
import type { BackendKey } from '../../src/proxy/ingress/routes/model.ts'
import { compileHost } from '../../src/proxy/ingress/routes/paths.ts'
import { type BackendProtocol, plainPolicy, type RoutePolicy } from '../../src/proxy/ingress/routes/policy.ts'
import type { Origin, Route } from '../../src/proxy/ingress/routes/rule.ts'
import { steadyClock } from '../../src/proxy/ingress/steady-clock.ts'

export const web = 'default/web:80' as BackendKey

const origin: Origin = { kind: 'Ingress', namespace: 'default', name: 'test', path: '/', service: 'web', host: '*' }

/** Everything that any host is asked goes to one backend. */
export const everythingTo = (
  backend: BackendKey | undefined,
  policy: Partial<RoutePolicy> = {},
): RelayUpdate['tables'] => {
  const route: Route = {
    ...{ origin, policy: { ...plainPolicy, ...policy } },
    targets: [{ backend, status: 503, weight: 1 }],
  }
  const { paths } = compileHost(
    '',
    [{ host: '', path: { kind: 'prefix', path: '/' }, created: '', order: '', route }],
    false,
  )
  return ['http', 'https'].map((entry) => ({ entry, hosts: [['', paths]] }))
}

/** One backend on these ports of 127.0.0.1. */
export const onPorts = (
  ports: readonly number[],
  backend = web,
  protocol: BackendProtocol = 'http',
): BackendUpdates => [
  [backend, { endpoints: ports.map((port) => ({ key: `127.0.0.1:${port}`, address: '127.0.0.1', port })), protocol }],
]

/** What every relay of the tests starts with. */
export const relayOptions: Omit<RelayOptions, 'report'> = {
  timeouts: { ...defaultTimeouts, drain: 200 },
  limits: defaultLimits,
  clock: steadyClock,
  observe: () => {},
  trustedProxies: [],
  proxyProtocol: [],
  maxConnections: 1000,
  httpsPort: 443,
  ticketKeys: Buffer.alloc(48, 7),
}

export interface RelayFixture {
  readonly relay: Relay
  readonly port: number
  readonly problems: readonly string[]
}

/** Serves until the test ends. */
export const startRelay = async (
  t: Test,
  ports: readonly number[],
  timeouts: Partial<Timeouts> = {},
  limits: Partial<HeadLimits> = {},
  more: Partial<RelayOptions> = {},
): Promise<RelayFixture> => {
  const problems: string[] = []
  const relay = createRelay({
    ...relayOptions,
    timeouts: { ...relayOptions.timeouts, ...timeouts },
    limits: { ...defaultLimits, ...limits },
    report: (problem) => problems.push(problem),
    ...more,
  })
  relay.apply({ tables: everythingTo(web), backends: onPorts(ports) })
  const { port } = await relay.listen('http', { address: '127.0.0.1', port: 0, reusePort: false, tls: false })
  t.teardown(() => relay.drain())
  return { relay, port, problems }
}

export interface HttpBackend {
  readonly port: number
  readonly server: Server
  /** Connections it was asked for so far. */
  connections(): number
}

/** A backend of Node's own server, until the test ends. */
export const startBackend = async (t: Test, listener: RequestListener): Promise<HttpBackend> => {
  let connections = 0
  const server = createServer(listener)
  server.on('connection', () => {
    connections++
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, server, connections: () => connections }
}
