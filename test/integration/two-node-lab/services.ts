/** What the service proxy does beside rules, in a lab: relays, loopback, load balancers, health, metrics; and alone. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import { podway } from '../support/lab.ts'
import { curlIn, webService as service, statusIn } from '../support/lab-web.ts'
import { apply, fetchFrom, kubectl, kubectlJson, run } from './lab.ts'

const node1 = '172.30.0.11'
const node2 = '172.30.0.12'

interface ServiceObject {
  readonly spec: { readonly clusterIP: string; readonly healthCheckNodePort?: number }
  readonly status: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip: string }[] } }
}
const serviceOf = (name: string): Promise<ServiceObject> => kubectlJson('get', 'service', name)

const curl = curlIn(run)
const statusOf = statusIn(run)
/** Asks the cluster DNS for a Service. */
const lookup = `
const resolver = new (require('node:dns').promises.Resolver)()
resolver.setServers(['10.96.0.10'])
resolver.resolve4('web.default.svc.cluster.local').then(([address]) => console.log(address))`

const rulesOn = (node: string): Promise<string> => run('lab', 'exec', node, '--', 'iptables-nft-save')

export const services = async (t: Test): Promise<void> => {
  await kubectl('scale', 'deployment/web', '--replicas=4')
  await apply(
    service(
      'relayed',
      { type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30_081 }] },
      { 'podway.dev/proxy-mode': 'userspace' },
    ),
    service('balanced', { type: 'LoadBalancer', ports: [{ port: 88, targetPort: 8080 }] }),
    service('narrow', {
      ...{ type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
      ports: [{ port: 89, targetPort: 8080 }],
    }),
  )
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')

  await t.test('node ports at loopback, in both families', async (t) => {
    for (const url of ['http://127.0.0.1:30080/', 'http://[::1]:30080/', 'http://localhost:30080/'])
      await until(async () => (await statusOf('node1', url)) === '200', url)
    t.equal(await statusOf('client', `http://${node1}:30080/`), '200')
    t.match(
      await run('lab', 'exec', 'node1', '--', 'cat', '/proc/sys/net/ipv4/conf/all/route_localnet'),
      /^1/,
      'which needs this, and so',
    )
    t.match(await rulesOn('node1'), /-A PODWAY-LOCALNET ! -s 127\.0\.0\.0\/8 -d 127\.0\.0\.0\/8 .* -j DROP/)
  })

  await t.test('relayed by a process: in turn, from anywhere', async (t) => {
    const { spec } = await serviceOf('relayed')
    await until(async () => /REDIRECT/.test(await rulesOn('node1')), 'the relay')
    for (const [host, url] of [
      ['node1', `http://${spec.clusterIP}/`],
      ['client', `http://${node1}:30081/`],
    ] as const) {
      const counts = new Map<string, number>()
      for (const { pod } of await fetchFrom(host, url, 8)) counts.set(pod, (counts.get(pod) ?? 0) + 1)
      t.same([...counts.values()], [2, 2, 2, 2], `${host}: ${url}`)
    }
    const [, port = ''] = /REDIRECT --to-ports (\d+)/.exec(await rulesOn('node1')) ?? []
    t.match(await curl('client', `http://${node1}:${port}/`), /exit code 28/, 'its own port is closed to others')
  })

  await t.test('a dead endpoint costs a relayed connection a retry, not the connection', async (t) => {
    const [{ status }] = (await kubectlJson<{ items: [{ status: { podIP: string } }] }>('get', 'pods')).items
    await apply(
      {
        ...service('half-dead', { ports: [{ port: 80 }] }, { 'podway.dev/proxy-mode': 'userspace' }),
        spec: { ports: [{ port: 80 }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'half-dead', labels: { 'kubernetes.io/service-name': 'half-dead' } },
        addressType: 'IPv4',
        ports: [{ port: 8080 }],
        // Nobody is behind the first: packets to it are lost.
        endpoints: [{ addresses: ['10.244.1.250'] }, { addresses: [status.podIP] }],
      },
    )
    const { spec } = await serviceOf('half-dead')
    await until(async () => (await rulesOn('node1')).match(/REDIRECT/g)?.length === 2, 'its relay')
    t.equal((await fetchFrom('node1', `http://${spec.clusterIP}/`, 6)).length, 6)
  })

  await t.test('load balancers have addresses that work', async (t) => {
    await until(async () => (await serviceOf('balanced')).status.loadBalancer?.ingress?.length === 2, 'addresses')
    t.match(await kubectl('get', 'service', 'balanced'), /172\.30\.0\.11,172\.30\.0\.12/)
    for (const address of [node1, node2]) t.equal(await statusOf('client', `http://${address}:88/`), '200')
  })

  await t.test('policy Local: nodes tell whether they have endpoints', async (t) => {
    const { spec } = await serviceOf('narrow')
    const url = `http://${node1}:${spec.healthCheckNodePort}/`
    await until(async () => (await statusOf('client', url)) === '200', 'the health of node1')
    t.match(await curl('client', url), /"service":\{"namespace":"default","name":"narrow"\},"localEndpoints":2/)
    const answers = await fetchFrom('client', `http://${node1}:89/`, 4)
    t.ok(answers.every(({ node, client }) => node === 'node1' && client.startsWith('172.30.0.100')))
    await kubectl('cordon', 'node1')
    await kubectl('delete', 'pods', '-l', 'app=web', '--field-selector=spec.nodeName=node1', '--wait=false')
    await until(async () => (await statusOf('client', url)) === '503', 'node1 to say that it has none')
    await until(
      async () => (await serviceOf('narrow')).status.loadBalancer?.ingress?.map(({ ip }) => ip).join() === node2,
      'the load balancer to be node2 alone',
    )
    await kubectl('uncordon', 'node1')
  })

  await t.test("what the nodes serve themselves is no Service's", async (t) => {
    await apply(
      service('greedy', { type: 'LoadBalancer', ports: [{ port: 10_250, targetPort: 8080 }] }),
      service('ingress-thief', { type: 'LoadBalancer', ports: [{ port: 80, targetPort: 8080 }] }),
      service('external', { externalIPs: [node1, node2], ports: [{ port: 10_250, targetPort: 8080 }] }),
    )
    for (const name of ['greedy', 'ingress-thief']) {
      const told = () => kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`)
      await until(async () => /PortTaken.*is served by node/.test(await told()), `the Event of ${name}`)
      t.equal((await serviceOf(name)).status.loadBalancer?.ingress, undefined)
    }
    await until(
      async () => (await rulesOn('node1')).includes('default/external/tcp'),
      'the rules of its cluster address',
    )
    for (const node of ['node1', 'node2'])
      t.notMatch(await rulesOn(node), /-d 172\.30\.0\.1[12]\/32 .*--dport (10250|80) /)
    // One that is on its way out may be gone by then.
    const logs = async () => {
      const [pod = ''] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n')
      return kubectl('logs', pod).catch(() => undefined)
    }
    t.match(await until(logs, 'the log of a pod'), /echo listens/, 'kubectl logs reaches the agent')
    t.equal(await statusOf('client', `http://${node1}/`), '404', 'and clients Ingress')
    await kubectl('delete', 'service', 'greedy', 'ingress-thief', 'external')
  })

  await t.test('health and metrics', async (t) => {
    t.match(await curl('client', `http://${node1}:10256/healthz`), /"nodeEligible":true\}\n200/)
    const metrics = await curl('node1', 'http://127.0.0.1:10249/metrics')
    t.match(metrics, /kubeproxy_sync_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/)
    t.match(metrics, /kubeproxy_network_programming_duration_seconds_count\{ip_family="IPv4"\} [1-9]/)
    t.match(await curl('client', `http://${node1}:10249/metrics`), /exit code 7/, 'not for others')
  })

  await t.test(
    'killed in the middle of changes: traffic goes on, and the rest comes with the next start',
    async (t) => {
      await apply(
        ...Array.from({ length: 40 }, (_, n) => service(`many-${n}`, { ports: [{ port: 80, targetPort: 8080 }] })),
      )
      await run('lab', 'kill', 'node1', '--agent')
      t.equal(await statusOf('client', `http://${node1}:30080/`), '200')
      await apply(service('last', { type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30_099 }] }))
      await run('lab', 'revive', 'node1')
      await until(
        async () => (await statusOf('client', `http://${node1}:30099/`)) === '200',
        'the last Service',
        20_000,
      )
      const names = (await rulesOn('node1')).match(/default\/many-\d+\/tcp"/g) ?? []
      t.equal(new Set(names).size, 40)
    },
  )

  await t.test("alone, beside somebody else's kubelet: rules, and nothing of pods", async (t) => {
    // Nobody tells of node2 meanwhile: after ten seconds its pods serve no longer, and those of node1 have to.
    await kubectl('rollout', 'restart', 'deployment/web')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    const there = await kubectl('get', 'pods', '-l', 'app=web', '--field-selector=spec.nodeName=node1', '-o', 'name')
    t.match(there, /^pod\/web/, 'pods are on node1 again, which was cordoned')
    await run('lab', 'kill', 'node2', '--agent')
    await run('lab', 'exec', 'node2', '--', 'sh', '-c', 'iptables-nft -t nat -F; iptables-nft -F')
    t.not(await statusOf('client', `http://${node2}:30080/`), '200')
    const agent = spawn(
      podway,
      [
        ...['lab', 'exec', 'node2', '--', 'podway', 'agent', '--only', 'proxy,dns,ingress'],
        ...['--kubeconfig', '/var/lib/podway/node2.kubeconfig', '--node-name', 'node2', '--node-ip', node2],
        ...['--upstream', '172.30.0.1'],
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    const ended = once(agent, 'exit')
    t.teardown(() => void agent.kill())
    const health = () => statusOf('client', `http://${node2}:10256/healthz`)
    await until(async () => /^(200|503)$/.test(await health()), 'the start of the agent', 60_000)
    await until(async () => (await statusOf('client', `http://${node2}:30080/`)) === '200', 'Services', 20_000)
    await until(async () => (await health()) === '200', 'its health')
    t.match(await rulesOn('node2'), /PODWAY-SERVICES/)
    await until(async () => (await statusOf('client', `http://${node2}/`)) === '404', 'Ingress: no routes')
    const { spec } = await serviceOf('web')
    t.equal((await run('lab', 'exec', 'node2', '--', process.execPath, '-e', lookup)).trim(), spec.clusterIP, 'DNS')
    agent.kill('SIGTERM')
    await ended
    t.equal(await statusOf('client', `http://${node2}:30080/`), '200', 'without it traffic goes on')
  })
  await run('lab', 'revive', 'node2')
  const made = [
    'relayed',
    'balanced',
    'narrow',
    'half-dead',
    'last',
    ...Array.from({ length: 40 }, (_, n) => `many-${n}`),
  ]
  await kubectl('delete', 'services', ...made)
  await kubectl('scale', 'deployment/web', '--replicas=3')
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
}
