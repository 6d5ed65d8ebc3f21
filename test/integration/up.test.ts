/** `podway up` on a machine of its own: here the machine is the universe that this test runs in. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { until } from '../support/until.ts'
import { createHost, ip } from './support/hosts.ts'

const root = join(import.meta.dirname, '../..')
const podway = join(root, 'podway')
const runner = createCommandRunner()
const folder = await mkdtemp(join(tmpdir(), 'pw-'))
t.setTimeout(300_000)
t.teardown(() => rm(folder, { recursive: true, force: true }))

const address = '172.31.9.1'
const dirs = { state: join(folder, 'state'), data: join(folder, 'data'), control: join(folder, 'control') }
const agentDirs = ['--state', dirs.state, '--data', dirs.data]
const manifests = join(folder, 'manifests')
const forwarded = join(folder, 'forwarded.json')
const local = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'local' } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'podway/echo' }] },
}
const kubectl = (...args: readonly string[]): Promise<string> =>
  runner.run('kubectl', ['--kubeconfig', join(dirs.control, 'admin.kubeconfig'), ...args])

const network = async (): Promise<string> =>
  [
    await runner.run('iptables-nft-save', []),
    await runner.run('ip', ['-brief', 'link']),
    await runner.run('ip', ['-brief', 'address']),
    await runner.run('ip', ['route']),
  ]
    .join('\n')
    .replaceAll(/^#.*$/gm, '')
    .replaceAll(/\[\d+:\d+\]/g, '')

/** Empty tables stay once they were used: only chains that somebody made, and rules, count. */
const withoutEmptyTables = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/^(\*|COMMIT|:[A-Z]+ ACCEPT|$)/.test(line.trim()))
    .join('\n')

const startUp = () => {
  const child = spawn(
    podway,
    [
      ...['up', '--node-name', 'vm', '--node-ip', address, '--control-data', dirs.control, ...agentDirs],
      ...['--cgroup-parent', `podway-up-${process.pid}`, '--pod-manifest-path', manifests],
      ...['--log-forward', `file://${forwarded}`, '--log-forward', 'http://127.0.0.1:1/'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  return {
    said: () => said,
    stop: async (signal: NodeJS.Signals) => {
      if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode]
      child.kill(signal)
      return once(child, 'close')
    },
  }
}

t.test('a cluster of one node', async (t) => {
  const client = await createHost('client')
  t.teardown(() => client.close())
  await ip([
    'link set lo up',
    'link add out type veth peer name eth0 netns client',
    `address add ${address}/24 dev out`,
    'link set out up',
    'route add default via 172.31.9.100',
  ])
  await ip(['address add 172.31.9.100/24 dev eth0', 'link set eth0 up'], client.runner)
  // The link has its carrier and its own address a moment later.
  await until(async () => /^out@\S+ +UP .*\bfe80::/m.test(await runner.run('ip', ['-brief', 'address'])), 'the link')
  const before = withoutEmptyTables(await network())
  const fetchIt = async (url: string): Promise<string> =>
    runner.run('nsenter', ['--net=/run/netns/client', '--', podway, 'fetch', url, '--timeout', '2'])

  await mkdir(manifests)
  await writeFile(join(manifests, 'local.json'), JSON.stringify(local))
  await writeFile(join(manifests, 'bad.yaml'), 'kind: [')
  const first = startUp()
  let running = first
  t.teardown(() => running.stop('SIGKILL'))
  await until(async () => /vm +Ready/.test(await kubectl('get', 'nodes').catch(() => '')), 'the node', 60_000)
  t.match(first.said(), /kubectl --kubeconfig .*admin\.kubeconfig get nodes/)
  await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  const url = `http://${address}:30080/`
  await until(() => fetchIt(url).catch(() => ''), 'the NodePort')

  const containerOfLocal = () =>
    kubectl('get', 'pod', 'local-vm', '-o', 'jsonpath={.status.containerStatuses[0].containerID}').catch(() => '')
  await t.test('a pod of a file is shown, and runs on when what shows it is deleted', async (t) => {
    await kubectl('wait', '--for=condition=Ready', 'pod/local-vm', '--timeout=60s')
    const before = await containerOfLocal()
    const uid = () => kubectl('get', 'pod', 'local-vm', '-o', 'jsonpath={.metadata.uid}').catch(() => '')
    const first = await uid()
    // kubectl's own wait may take the next one for the one that it deletes.
    await kubectl('delete', 'pod', 'local-vm', '--wait=false')
    await until(async () => !['', first].includes(await uid()), 'the next mirror', 30_000)
    await until(async () => (await containerOfLocal()) === before, 'the same container', 30_000)
    t.match(await kubectl('logs', 'local-vm'), /./)
    t.match(await kubectl('describe', 'node', 'vm'), /InvalidStaticPod.*bad.yaml/)
  })

  await t.test('logs are forwarded', async (t) => {
    const records = async () =>
      (await readFile(forwarded, 'utf8').catch(() => ''))
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    const podsOf = (all: readonly { readonly pod: string }[]) => new Set(all.map(({ pod }) => pod))
    await until(async () => podsOf(await records()).size === 4, 'lines of all pods', 30_000)
    const web = (await records()).find(({ pod }) => pod.startsWith('web-'))
    t.match(web, { node: 'vm', namespace: 'default', container: 'echo', labels: { app: 'web' }, log: /echo listens/ })
    const metrics = await runner.run('curl', ['-s', 'http://127.0.0.1:10249/metrics'])
    t.match(metrics, /podway_log_forward_records_total\{target="file:\/\/[^"]*forwarded.json"\} [4-9]/)
    t.match(metrics, /podway_log_forward_failures_total\{target="http:\/\/127.0.0.1:1\/"\} [1-9]/)
  })

  await t.test('killed, it leaves pods and traffic alone, and finds them again', async (t) => {
    const pods = await kubectl('get', 'pods', '-o', 'name')
    const before = await containerOfLocal()
    await first.stop('SIGKILL')
    t.match(JSON.parse(await fetchIt(url)), { node: 'vm' })
    running = startUp()
    await until(async () => /vm +Ready/.test(await kubectl('get', 'nodes').catch(() => '')), 'the node again', 60_000)
    t.equal(await kubectl('get', 'pods', '-o', 'name'), pods)
    await until(async () => /3\/3/.test(await kubectl('get', 'deployment', 'web')), 'all pods ready')
    t.notMatch(await kubectl('get', 'pods'), /Running +[1-9]/, 'none restarted')
    t.equal(await containerOfLocal(), before)
  })

  await t.test('a machine that is about to stop ends its pods, and takes none', async (t) => {
    const drain = (...args: readonly string[]) => runner.run(podway, ['drain-node', '--state', dirs.state, ...args])
    const names = (await kubectl('get', 'pods', '-o', 'name')).trim().split('\n')
    t.match(await drain('--grace', '8s', '--critical', '2s'), /no pod runs here any longer/)
    const reason = 'jsonpath={.status.phase} {.status.reason}: {.status.message}'
    const said = async (pod: string) => kubectl('get', pod, '-o', reason)
    const wanted = 'Failed Terminated: Pod was terminated in response to imminent node shutdown.'
    for (const name of names) await until(async () => (await said(name)) === wanted, `the end of ${name}`)
    const ready = "jsonpath={.status.conditions[?(@.type=='Ready')].message}"
    await until(async () => /^node is shutting down/.test(await kubectl('get', 'node', 'vm', '-o', ready)), 'the node')
    await kubectl('run', 'late', '--image=podway/echo', '--overrides={"spec":{"nodeName":"vm"}}')
    await until(async () => /^Failed NodeShutdown: /.test(await said('pod/late')), 'it to be refused')
    await kubectl('delete', 'pod', 'late')
    await running.stop('SIGKILL')
    running = startUp()
    await until(async () => /vm +NotReady/.test(await kubectl('get', 'nodes').catch(() => '')), 'the node', 60_000)
    await drain('--cancel')
    await until(async () => /3\/3/.test(await kubectl('get', 'deployment', 'web').catch(() => '')), 'others', 60_000)
    await kubectl('wait', '--for=condition=Ready', 'pod/local-vm', '--timeout=60s')
  })

  await t.test('cleanup takes everything away', async (t) => {
    await running.stop('SIGTERM')
    t.match(await fetchIt(url), /web-/, 'a stopped agent leaves traffic alone, too')
    const said = await runner.run(podway, ['cleanup', ...agentDirs, '--cgroup-parent', `podway-up-${process.pid}`])
    t.match(said, /no node any longer \(\d+ pods ended\)/)
    t.equal(withoutEmptyTables(await network()), before)
    await t.rejects(fetchIt(url))
    await runner.run(podway, ['cleanup', ...agentDirs, '--cgroup-parent', `podway-up-${process.pid}`])
  })

  await t.test('asked to end in the middle of its start, it ends as if it had been up', async (t) => {
    const moments = [
      join(dirs.control, 'store.db'),
      join(dirs.control, 'admin.kubeconfig'),
      join(dirs.data, 'vm.kubeconfig'),
      join(dirs.state, 'takeover'),
      join(dirs.data, 'pod-networks.json'),
    ]
    for (const [at, file] of moments.entries()) {
      for (const dir of Object.values(dirs)) await rm(dir, { recursive: true, force: true })
      running = startUp()
      await until(() => existsSync(file), file, 30_000)
      const ended = await running.stop(at % 2 === 0 ? 'SIGHUP' : 'SIGINT')
      t.same(ended, [0, null], `${file}: ${running.said()}`)
    }
    await runner.run(podway, ['cleanup', ...agentDirs, '--cgroup-parent', `podway-up-${process.pid}`])
  })
})
