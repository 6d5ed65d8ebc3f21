/** A relay on a free port of 127.0.0.1 with backends that a test has at hand. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Test } from 'tap'
import { steadyClock } from '../../src/api/clock.ts'
import { defaultLimits, type HeadLimits } from '../../src/proxy/ingress/http/limits.ts'
import type { BackendKey } from '../../src/proxy/ingress/policy/backend-key.ts'
import { type BackendProtocol, plainPolicy, type RoutePolicy } from '../../src/proxy/ingress/policy/policy.ts'
import { createRelay, type Relay, type RelayOptions, type RelayUpdate } from '../../src/proxy/ingress/relay/relay.ts'
import { defaultTimeouts, type Timeouts } from '../../src/proxy/ingress/relay/timeouts.ts'
import type { BackendUpdates } from '../../src/proxy/ingress/routes/endpoints.ts'
import { compileHost } from '../../src/proxy/ingress/routes/paths.ts'
import type { Origin, Route } from '../../src/proxy/ingress/routes/rule.ts'
import { until } from './until.ts'

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

/** Waits until a number has not changed for a while, and returns it. */
export const settles = async (value: () => number, what: string): Promise<number> => {
  let last = -1
  let looks = 0
  await until(() => {
    looks = value() === last ? looks + 1 : 0
    last = value()
    return looks > 20
  }, what)
  return last
}

export interface LargeBackend extends HttpBackend {
  /** Bytes that it has handed over so far. */
  written(): number
  /** Waits until it has begun and gets no further; how far that is. */
  heldBack(): Promise<number>
}

/** A backend whose answer to anything is so many bytes, written as fast as they are taken. `declared`: their number is told. */
export const startLargeBackend = async (t: Test, size: number, declared = false): Promise<LargeBackend> => {
  let written = 0
  const backend = await startBackend(t, (_, response) => {
    if (declared) response.setHeader('Content-Length', size)
    const piece = Buffer.alloc(64 * 1024, 'x')
    const write = (): void => {
      while (written < size) {
        written += piece.length
        if (!response.write(piece)) return void response.once('drain', write)
      }
      response.end()
    }
    write()
  })
  const heldBack = async (): Promise<number> => {
    await until(() => written > 0, 'the backend to start')
    return settles(() => written, 'the backend to be held back')
  }
  return { ...backend, written: () => written, heldBack }
}
