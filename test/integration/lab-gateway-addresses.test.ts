/** A lab with a pool: Services and Gateways have addresses of their own, which every node serves. */
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/until.ts'
import { createLabHome, root } from './support/lab.ts'
import { curlIn, statusIn, webService } from './support/lab-web.ts'

t.setTimeout(150_000)
const { run, kubectl, apply } = await createLabHome()
const statusOf = statusIn(run)

const gateway = (name: string, port: number, addresses?: readonly string[]) => ({
  ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name } },
  spec: {
    gatewayClassName: 'podway',
    listeners: [{ name: 'http', port, protocol: 'HTTP' }],
    ...(addresses ? { addresses: addresses.map((value) => ({ value })) } : {}),
  },
})

const route = (name: string, value: string) => ({
  ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name } },
  spec: {
    parentRefs: [{ name }],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value } }], backendRefs: [{ name: 'shown', port: 80 }] }],
  },
})

t.test('Gateways share a port, and no address', { timeout: 120_000 }, async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '2', '--load-balancer-cidr', '192.0.2.0/24')
  await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
  await apply(
    webService('shown', { ports: [{ port: 80, targetPort: 8080 }] }),
    webService('balanced', { type: 'LoadBalancer', ports: [{ port: 80, targetPort: 8080 }] }),
    gateway('a', 80),
    gateway('b', 80, ['192.0.2.50']),
    gateway('taken', 80, ['192.0.2.50']),
    route('a', '/a'),
    route('b', '/b'),
  )
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  const at = (kind: string, name: string, path: string) =>
    kubectl('get', kind, name, '-o', `jsonpath={.status.${path}}`)
  const own = async (): Promise<string> => at('gateway', 'a', 'addresses[0].value')
  await until(async () => (await own()) !== '', 'an address of its own')
  const [a, balanced] = [await own(), await at('service', 'balanced', 'loadBalancer.ingress[0].ip')]
  t.match(a, /^192\.0\.2\./)
  t.match(balanced, /^192\.0\.2\./)
  t.equal(new Set([a, balanced, '192.0.2.50']).size, 3)
  t.match(await at('gateway', 'taken', 'conditions[1].reason'), 'AddressNotUsable')
  for (const host of ['client', 'node1', 'node2']) {
    await until(async () => (await statusOf(host, `http://${a}/a`)) === '200', `${host} to the first`)
    await until(async () => (await statusOf(host, 'http://192.0.2.50/b')) === '200', `${host} to the second`)
    t.same(
      [await statusOf(host, `http://${a}/b`), await statusOf(host, 'http://192.0.2.50/a')],
      ['404', '404'],
      `${host}: each has its own routes`,
    )
    t.equal(await statusOf(host, `http://${balanced}/`), '200', `${host} to the Service`)
  }
  t.equal(await statusOf('client', 'http://172.30.0.11/a'), '404', "not at the nodes' own addresses")
  // What curl says when a connection is refused.
  t.match(await curlIn(run)('client', `http://${a}:10250/`), /exit code 7\b/, "nor are the nodes' ports there")
  const routes = (node: string) =>
    run('lab', 'exec', node, '--', 'ip', 'route', 'show', 'table', 'local', 'proto', '118')
  t.match(await routes('node2'), a)
  await kubectl('delete', 'gateway', 'a')
  await until(async () => !(await routes('node2')).includes(a), 'the address goes with its Gateway')
})
