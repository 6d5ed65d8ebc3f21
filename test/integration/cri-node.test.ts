/** A node whose pods run in a real containerd: with a control plane, kubectl, and our CNI plugin. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { busybox, noContainerd, startContainerd } from '../support/containerd.ts'
import { until } from '../support/until.ts'
import { ip } from './support/hosts.ts'

t.setTimeout(180_000)

const skip = noContainerd() ?? false
const base = mkdtempSync(join(tmpdir(), 'pw-'))
t.teardown(() => rmSync(base, { recursive: true, force: true }))

const root = join(import.meta.dirname, '../..')
const podway = join(root, 'podway')
const runner = createCommandRunner()
const address = '172.31.9.1'

const manifest = JSON.stringify({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { app: 'web' } } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        ...{ name: 'main', image: busybox, imagePullPolicy: 'IfNotPresent' },
        command: ['sh', '-c', 'echo "$NAME" >/tmp/index.html; echo serving; exec httpd -f -p 80 -h /tmp'],
        env: [{ name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 },
        livenessProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
        ports: [{ containerPort: 80, hostPort: 8088 }],
      },
    ],
  },
})

t.test('a node whose pods are in containerd, connected by our plugin', { skip }, async (t) => {
  const dirs = { state: join(base, 'state'), data: join(base, 'data'), control: join(base, 'control') }
  const cni = { bin: join(base, 'cni-bin'), conf: join(base, 'cni-conf') }
  const agentDirs = ['--state', dirs.state, '--data', dirs.data, '--cgroup-parent', `podway-cri-${process.pid}`]
  await ip(['link set lo up', 'link add out type bridge', `address add ${address}/24 dev out`, 'link set out up'])
  await runner.run(podway, ['cni', 'install', '--state', dirs.state, '--bin-dir', cni.bin, '--conf-dir', cni.conf])
  const own = await startContainerd(t, cni)
  const kubectl = (...words: readonly string[]): Promise<string> =>
    runner.run('kubectl', ['--kubeconfig', join(dirs.control, 'admin.kubeconfig'), ...words])
  const up = () => {
    const where = ['--runtime', 'cri', '--cri-socket', own.socket, '--cni-conf-dir', cni.conf, ...agentDirs]
    const node = ['up', '--node-name', 'vm', '--node-ip', address, '--control-data', dirs.control]
    const child = spawn(podway, [...node, ...where], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk) => (said += chunk))
    return {
      said: () => said,
      stop: async (signal: NodeJS.Signals) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill(signal)
        await once(child, 'exit')
      },
    }
  }
  let running = up()
  t.teardown(() => running.stop('SIGKILL'))
  const isReady = () =>
    kubectl('get', 'nodes').then(
      (said) => /vm +Ready/.test(said),
      () => false,
    )
  await until(isReady, 'the node', 60_000)
  t.match(await kubectl('get', 'nodes', '-o', 'wide'), /containerd:\/\/1|containerd:\/\/2/)
  writeFileSync(join(base, 'pod.json'), manifest)
  const began = Date.now()
  await kubectl('create', '-f', join(base, 'pod.json'))
  await kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=30s')
  t.comment(`ready after ${Date.now() - began} ms`)
  const status = async (path: string): Promise<string> =>
    kubectl('get', 'pod', 'web', '-o', `jsonpath={.status.${path}}`)
  const podIP = await status('podIP')
  t.match(podIP, /^10\.244\./)
  const get = (url: string) => runner.run('curl', ['-sS', '-m', '3', url])
  t.equal(await get(`http://${podIP}/`), 'web\n')
  t.equal(await get(`http://${address}:8088/`), 'web\n', 'by its host port')
  t.equal(await kubectl('logs', 'web', '--tail=1'), 'serving\n')
  t.match(
    await kubectl('exec', 'web', '--', 'sh', '-c', 'hostname; cat /etc/resolv.conf'),
    /^web\n[\s\S]*10\.96\.0\.10/,
  )
  t.match(await own.ctr('containers', 'list'), /busybox:1/)

  await t.test('its ports are forwarded', async (t) => {
    const words = ['--kubeconfig', join(dirs.control, 'admin.kubeconfig'), 'port-forward', 'pod/web', ':80']
    const child = spawn('kubectl', words, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill())
    let said = ''
    child.stdout.on('data', (chunk) => (said += chunk))
    const [, port] = await until(() => /127\.0\.0\.1:(\d+) -> 80/.exec(said), 'kubectl', 30_000)
    t.equal(await get(`http://127.0.0.1:${port}/`), 'web\n')
  })

  t.notMatch(running.said(), /cannot make room for images/, 'containerd tells of its images what is asked')

  const identity = async () => [
    await status('containerStatuses[0].containerID'),
    await status('containerStatuses[0].restartCount'),
  ]
  const before = await identity()
  t.match(before, [/^containerd:\/\/[0-9a-f]{64}$/, '0'])
  await t.test('an agent that is killed finds its pods again', async (t) => {
    await running.stop('SIGKILL')
    t.equal(await get(`http://${podIP}/`), 'web\n')
    running = up()
    await until(
      async () => (await kubectl('exec', 'web', '--', 'echo', 'up').catch(() => '')) === 'up\n',
      'the agent',
      60_000,
    )
    await until(isReady, 'the node', 60_000)
    t.same([...(await identity()), await status('podIP')], [...before, podIP])
  })
  await t.test('nothing is left of it', async (t) => {
    await kubectl('delete', 'pod', 'web', '--wait=true', '--timeout=30s')
    t.notMatch(await own.ctr('containers', 'list'), /busybox:1/)
    t.notMatch(await runner.run('ip', ['-o', 'link']), /podway0.*veth|master podway0/)
    t.same(readdirSync(join(dirs.state, 'cri/messages')), [])
    t.same(readdirSync(join(dirs.data, 'logs')), [])
  })
  await t.test('a machine that is about to stop waits for its pods there', async (t) => {
    await kubectl('create', '-f', join(base, 'pod.json'))
    await kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=30s')
    const drain = (...more: readonly string[]) => runner.run(podway, ['drain-node', '--state', dirs.state, ...more])
    t.match(await drain('--grace', '10s', '--critical', '1s'), /no pod runs here any longer/)
    t.notMatch(await own.ctr('tasks', 'list'), /RUNNING/)
    await drain('--cancel')
    await kubectl('delete', 'pod', 'web', '--wait=true', '--timeout=30s')
    await until(isReady, 'the node', 60_000)
  })
  await t.test('and cleanup ends what runs there', async (t) => {
    await kubectl('create', '-f', join(base, 'pod.json'))
    await kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=30s')
    await running.stop('SIGTERM')
    t.match(await runner.run(podway, ['cleanup', ...agentDirs]), /\(1 pod ended\)/)
    t.notMatch(await own.ctr('containers', 'list'), /busybox:1/)
  })
})
