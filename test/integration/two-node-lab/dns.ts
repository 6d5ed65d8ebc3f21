/** The cluster's DNS in a lab: what users publish and ask, and what is answered while the control plane is away. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cgroupParent } from '../../../src/lab/plan.ts'
import { until } from '../../support/until.ts'
import { podway } from '../support/lab.ts'
import { apply, home, kubectl, kubectlJson, run } from './lab.ts'

/** Asks the cluster DNS again and again for 12 seconds; each question at most twice, as resolvers do. */
const askOn = `
const resolver = new (require('node:dns').promises.Resolver)({ timeout: 500, tries: 2 })
resolver.setServers(['10.96.0.10'])
let ok = 0
let failed = 0
const end = Date.now() + 12000
const ask = async () => {
  while (Date.now() < end) {
    await resolver.resolve4('web.default.svc.cluster.local').then(() => ok++, () => failed++)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
Promise.all([ask(), ask()]).then(() => console.log(JSON.stringify({ ok, failed })))`

/** What a node is answered. */
const query = async (name: string, type = 'A', node = 'node1') => {
  const text = await run('dns', 'query', name, type, '--lab', 'lab', '--node', node, '-o', 'json').catch(
    (error: unknown) => String((error as { readonly stdout?: unknown }).stdout ?? error),
  )
  return JSON.parse(text) as { rcode: string; answers: { name: string; type: string; data: string }[] }
}
/** NXDOMAIN is exit code 1, of which the runner tells no output. */
const answersOf = async (name: string, type = 'A', node = 'node1'): Promise<readonly string[]> =>
  query(name, type, node).then(
    ({ answers }) => answers.map(({ data }) => data).sort(),
    () => [],
  )

export const dns = async (t: Test): Promise<void> => {
  await apply(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'headless' },
      spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'names', labels: { 'podway.dev/skydns': '' } },
      data: { 'local.skydns.db.1': '{"host":"10.0.0.9","port":5432}' },
    },
  )
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')

  await t.test('every record that the specification demands, on every node', async (t) => {
    for (const node of ['node1', 'node2']) {
      const check = ['dns', 'check', '--lab', 'lab', '--node', node, '-o', 'json']
      const { records, differences } = JSON.parse(await run(...check))
      t.same(differences, [], node)
      t.ok(records > 10, `${records} records`)
    }
  })

  await t.test('pods by their address, and what users publish', async (t) => {
    const { items } = await kubectlJson<{ items: { status: { podIP: string } }[] }>('get', 'pods')
    const address = items[0]?.status.podIP ?? ''
    t.same(await answersOf(`${address.replaceAll('.', '-')}.default.pod.cluster.local`), [address])
    t.same(await answersOf('10-244-0-250.default.pod.cluster.local'), [])
    t.same(await answersOf('db.skydns.local', 'SRV', 'node2'), ['10 100 5432 1.db.skydns.local'])
    t.match(
      await run('dns', 'get', '/skydns/local/cluster/svc/default/web'),
      /^\{"host":"10\.96\.[\d.]+","priority":10/,
    )
    await kubectl('delete', 'configmap', 'names')
    await until(async () => (await answersOf('db.skydns.local', 'SRV')).length === 0, 'the record to go')
  })

  await t.test('numbers, health and readiness', async (t) => {
    const get = (path: string): Promise<string> =>
      run('lab', 'exec', 'node1', '--', 'curl', '-s', `http://127.0.0.1:9153${path}`)
    t.equal(await get('/ready'), 'OK')
    t.equal(await get('/health'), 'OK')
    t.match(
      await get('/metrics'),
      /coredns_dns_responses_total\{server="dns:\/\/:53",zone="\.",rcode="NOERROR"\} [1-9]/,
    )
  })

  await t.test('an upgrade: the new agent takes the place of the old one, and clients notice nothing', async (t) => {
    /** Of the newest claim: the one before it may not have ended yet. */
    const newest = 'cat "$(ls -t /run/podway/takeover/dns.*.json | head -n 1)"'
    const agentPid = async (): Promise<number> =>
      JSON.parse(await run('lab', 'exec', 'node1', '--', 'sh', '-c', newest)).pid
    const asking = spawn(podway, ['lab', 'exec', 'node1', '--', process.execPath, '-e', askOn], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    asking.stdout.on('data', (chunk) => {
      said += chunk
    })
    const asked = once(asking, 'close')
    const first = await agentPid()
    const agent = spawn(
      podway,
      [
        ...['lab', 'exec', 'node1', '--', 'podway', 'agent', '--kubeconfig', '/var/lib/podway/node1.kubeconfig'],
        ...['--node-name', 'node1', '--node-ip', '172.30.0.11', '--state', '/run/podway', '--data', '/var/lib/podway'],
        ...[
          '--cgroup-parent',
          cgroupParent({ folder: join(home, 'labs/lab') }, 'node1'),
          '--upstream',
          '172.30.0.1',
          '--dns-threads',
          '2',
        ],
      ],
      { stdio: 'ignore' },
    )
    t.teardown(() => void agent.kill())
    await until(async () => (await agentPid()) !== first, 'the successor', 20_000)
    const second = await agentPid()
    // The lab starts the one that has ended again, and that takes over in its turn.
    await until(async () => (await agentPid()) !== second, 'the next one', 20_000)
    await asked
    const { ok, failed } = JSON.parse(said)
    t.equal(failed, 0, `${ok} queries`)
    t.ok(ok > 500)
    const pods = await kubectlJson<{
      items: { status: { containerStatuses: { restartCount: number }[] } }[]
    }>('get', 'pods')
    t.ok(pods.items.every(({ status }) => status.containerStatuses.every(({ restartCount }) => restartCount === 0)))
  })

  await t.test(
    'an agent that starts while the control plane is away answers what it knew, and denies nothing',
    async (t) => {
      const kept = await answersOf('web.default.svc.cluster.local')
      t.equal(kept.length, 1)
      await run('lab', 'kill', 'control', '--agent')
      await run('lab', 'kill', 'node1', '--agent')
      await run('lab', 'revive', 'node1')
      await until(
        async () => (await answersOf('web.default.svc.cluster.local')).join() === kept.join(),
        'the kept zone',
        30_000,
      )
      t.equal((await answersOf('headless.default.svc.cluster.local')).length, 3)
      const denied = await run(
        'lab',
        'exec',
        'node1',
        '--',
        'podway',
        'dns',
        'query',
        'new.default.svc.cluster.local',
      ).catch(String)
      t.match(denied, /exit code 1/)
      await run('lab', 'revive', 'control')
      await until(() => kubectl('get', 'nodes').catch(() => ''), 'the API', 30_000)
      await apply({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'new' },
        spec: { clusterIP: '10.96.200.200', ports: [{ port: 80 }] },
      })
      await until(
        async () => (await answersOf('new.default.svc.cluster.local')).join() === '10.96.200.200',
        'what is new',
        30_000,
      )
    },
  )
  await kubectl('delete', 'services', 'headless', 'new')
}
