import t from 'tap'
import { serviceOfSlice } from '../../../src/api/slices.ts'
import type { EndpointSlice, Node, Service } from '../../../src/api/types/index.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { createProxyHealth } from '../../../src/proxy/health/proxy-health.ts'
import {
  createServiceHealth,
  healthPortOf,
  healthReply,
  localEndpoints,
} from '../../../src/proxy/health/service-health.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'
import { makeService, makeSlice } from './support/objects.ts'

const createStillClock = () => {
  let now = Date.parse('2026-01-01T00:00:00Z')
  return {
    now: () => now,
    after: () => () => undefined,
    pass: (seconds: number) => {
      now += seconds * 1000
    },
  }
}

const node = (more: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'here' },
  ...more,
})
const report = { kind: 'partial', seconds: 0.01, written: { nat: 1, filter: 0 } } as const

t.test('healthy when rules are as the API says', async (t) => {
  const clock = createStillClock()
  const nodes = createFedInformer<Node>([node()])
  const health = createProxyHealth({ nodeName: 'here', nodes, families: ['IPv4'], clock })
  const ask = (path = '/healthz') => {
    const { status, body } = health.answer(path)
    return { status, ...JSON.parse(body) }
  }
  t.equal(ask().status, 503, 'before the first sync')
  health.started('IPv4', 'full')
  health.synced('IPv4', { ...report, kind: 'full' })
  t.match(ask(), { status: 200, nodeEligible: true, lastUpdated: '2026-01-01T00:00:00.000Z' })
  clock.pass(600)
  t.match(ask(), { status: 200, lastUpdated: '2026-01-01T00:10:00.000Z' }, 'nothing waits: it is as of now')
  health.changed('IPv4', 'service')
  clock.pass(50)
  t.match(ask(), { status: 200, lastUpdated: '2026-01-01T00:00:00.000Z' }, 'waits, but not for long')
  health.started('IPv4', 'partial')
  health.failed('IPv4', 'partial')
  clock.pass(20)
  t.equal(ask().status, 503, 'waits for too long')
  health.started('IPv4', 'full')
  health.changed('IPv4', 'endpoints')
  health.synced('IPv4', report)
  t.equal(ask().status, 200)
  clock.pass(61)
  t.equal(ask().status, 503, 'what came during the sync waits, too')
  health.started('IPv4', 'partial')
  health.synced('IPv4', report)
  t.equal(ask().status, 200)
})

t.test('a node that is about to go is alive, but not eligible', async (t) => {
  const nodes = createFedInformer<Node>([node()])
  const health = createProxyHealth({ nodeName: 'here', nodes, families: ['IPv4'] })
  health.synced('IPv4', report)
  const ask = () => [health.answer('/healthz').status, health.answer('/livez').status]
  t.same(ask(), [200, 200])
  nodes.put(node({ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } }))
  t.same(ask(), [503, 200])
  nodes.put(node({ metadata: { name: 'here', deletionTimestamp: '2026-01-01T00:00:00Z' } }))
  t.same(ask(), [503, 200])
  nodes.remove('here')
  t.same(ask(), [503, 200])
  t.equal(health.answer('/other').status, 404)
})

t.test('both families count', async (t) => {
  const health = createProxyHealth({ nodeName: 'here', families: ['IPv4', 'IPv6'] })
  health.synced('IPv4', report)
  t.equal(health.answer('/healthz').status, 503)
  health.synced('IPv6', report)
  t.equal(health.answer('/healthz').status, 200)
})

const local = (healthCheckNodePort: number): Service =>
  makeService({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort })

t.test("a Service's own health", async (t) => {
  t.equal(healthPortOf(local(31_000)), 31_000)
  t.equal(healthPortOf(makeService({ type: 'NodePort', externalTrafficPolicy: 'Local' })), undefined)
  const slices = [
    makeSlice([
      { address: '10.1.0.2', node: 'here' },
      { address: '10.1.0.3', node: 'here', ready: false },
    ]),
    makeSlice([
      { address: '10.1.0.2', node: 'here' },
      { address: '10.1.9.2', node: 'away' },
    ]),
  ]
  t.equal(localEndpoints(slices, 'here'), 1)
  const reply = healthReply(local(31_000), 1, true)
  t.match(reply, { status: 200, headers: { 'x-load-balancing-endpoint-weight': '1' } })
  t.same(JSON.parse(reply.body), {
    service: { namespace: 'default', name: 'web' },
    localEndpoints: 1,
    serviceProxyHealthy: true,
  })
  t.equal(healthReply(local(31_000), 0, true).status, 503)
  t.equal(healthReply(local(31_000), 1, false).status, 503)
})

t.test('served on the port of the Service, for as long as it has one', async (t) => {
  const port = await freePort()
  const services = createFedInformer<Service>([local(port)])
  const slices = createFedInformer<EndpointSlice>([makeSlice([{ address: '10.1.0.2', node: 'here' }])], {
    service: serviceOfSlice,
  })
  const stop = new AbortController()
  const health = createServiceHealth({ services, slices, nodeName: 'here', isHealthy: () => true, log: silentLogger })
  const running = health.run(stop.signal)
  const ask = () =>
    fetch(`http://127.0.0.1:${port}/any/path`).then(
      ({ status }) => status,
      () => 0,
    )
  await until(async () => (await ask()) === 200, 'the port')
  slices.put(makeSlice([{ address: '10.1.0.2', node: 'away' }]))
  t.equal(await ask(), 503)
  services.put(makeService({ type: 'LoadBalancer' }))
  await until(async () => (await ask()) === 0, 'the port to be closed')
  services.put(local(port))
  await until(async () => (await ask()) === 503, 'the port again')
  stop.abort()
  await running
  t.equal(await ask(), 0)
})
