/** A relay on a free port of 127.0.0.1 with backends that a test has at hand. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Test } from 'tap'
import { defaultLimits, type HeadLimits } from '../../src/proxy/ingress/http/limits.ts'
import { createRelay, type Relay } from '../../src/proxy/ingress/relay/relay.ts'
import { defaultTimeouts, type Timeouts } from '../../src/proxy/ingress/relay/timeouts.ts'
import type { BackendEndpoints } from '../../src/proxy/ingress/routes/endpoints.ts'
import type { Route, RouteTable } from '../../src/proxy/ingress/routes/match.ts'
import type { BackendKey } from '../../src/proxy/ingress/routes/model.ts'
import { steadyClock } from '../../src/proxy/ingress/steady-clock.ts'

export const web = 'default/web:80' as BackendKey

/** Everything that any host is asked goes to one backend. */
export const everythingTo = (backend: BackendKey): RouteTable => {
  const route: Route = { backend, ingress: 'default/test' }
  const anyHost = { exact: new Map(), prefix: new Map([['', route]]), depth: 0, fallback: undefined }
  return { hosts: new Map(), wildcards: new Map(), anyHost, fallback: undefined }
}

/** One backend on these ports of 127.0.0.1. */
export const onPorts = (ports: readonly number[], backend = web): BackendEndpoints => [
  [backend, ports.map((port) => ({ key: `127.0.0.1:${port}`, address: '127.0.0.1', port }))],
]

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
): Promise<RelayFixture> => {
  const problems: string[] = []
  const relay = createRelay({
    timeouts: { ...defaultTimeouts, drain: 200, ...timeouts },
    limits: { ...defaultLimits, ...limits },
    clock: steadyClock,
    report: (problem) => problems.push(problem),
  })
  relay.configure(everythingTo(web), onPorts(ports))
  const { port } = await relay.listen({ address: '127.0.0.1', port: 0, reusePort: false })
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
