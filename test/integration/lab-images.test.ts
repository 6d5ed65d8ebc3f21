/** A lab whose pods are containers of images, made on the spot: for root, and for an ordinary user. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { hostData } from '../../src/lab/plan.ts'
import { makeBusyboxRoot } from '../support/busybox-root.ts'
import { noOciRuntime } from '../support/oci-runtime.ts'
import { until } from '../support/until.ts'
import { createLabHome, type LabUser, ordinaryUser, runner } from './support/lab.ts'

t.setTimeout(600_000)

interface ContainerStatus {
  readonly name: string
  readonly restartCount: number
  readonly containerID?: string
  readonly state: {
    readonly running?: object
    readonly waiting?: { readonly reason: string }
    readonly terminated?: { readonly exitCode: number; readonly reason: string; readonly message?: string }
  }
}

interface PodStatus {
  readonly metadata: { readonly name: string }
  readonly status: {
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[]
  }
}

const pod = (name: string, container: object, spec: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } } },
  spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1', ...container }], ...spec },
})

const web = pod(
  'web',
  { command: ['httpd', '-f', '-p', '8080', '-h', '/etc'], ports: [{ containerPort: 8080 }] },
  { restartPolicy: 'Always' },
)
const service = {
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
}

const folder = mkdtempSync(join(tmpdir(), 'podway-root-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const play = async (t: Test, user?: LabUser): Promise<void> => {
  const { run, kubeconfig, kubectl, kubectlJson, apply } = await createLabHome(user)
  await run('lab', 'up', '--nodes', '1')
  t.teardown(async () => void (await run('lab', 'down')))
  const statusOf = async (name: string) =>
    (await kubectlJson<PodStatus>('get', 'pod', name)).status.containerStatuses?.[0]
  await run('image', 'build-rootfs', folder, 'busybox:1', '--cmd', 'sh', '--lab')

  await apply(web, service, pod('plain', { command: ['sleep', '3600'] }))
  await kubectl('wait', '--for=condition=Ready', 'pod/web', 'pod/plain', '--timeout=60s')
  await t.test('containers of images are on the network, as all pods', async (t) => {
    const address = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')
    const url = `http://${address}/passwd`
    const fetch = () => run('lab', 'exec', 'node1', '--', 'curl', '-s', '--max-time', '5', url).catch(() => '')
    t.match(await until(fetch, 'an answer of the Service', 30_000), /^root:x:0:0/)
    t.match(await kubectl('exec', 'plain', '--', 'cat', '/etc/hostname'), /^plain$/m)
    t.match(await kubectl('exec', 'plain', '--', 'ls', '/var/run/secrets/kubernetes.io/serviceaccount'), /token/)
  })
  await t.test('how they end is told', async (t) => {
    const last = 'echo out; echo last words > /dev/termination-log; exit 3'
    await apply(
      ...[pod('fails', { command: ['sh', '-c', last] }), pod('none', { command: ['/no/such'] })],
      pod('never', { image: 'other:1', imagePullPolicy: 'Never' }),
    )
    const ended = async (name: string) => (await statusOf(name))?.state.terminated
    t.match(await until(() => ended('fails'), 'the end', 30_000), {
      exitCode: 3,
      reason: 'Error',
      message: 'last words\n',
    })
    t.equal(await kubectl('logs', 'fails'), 'out\n')
    t.match(await until(() => ended('none'), 'the end', 30_000), {
      exitCode: 128,
      reason: 'StartError',
      message: /no such file/,
    })
    const waits = async () => (await statusOf('never'))?.state.waiting?.reason === 'ErrImageNeverPull'
    await until(waits, 'a reason', 30_000)
  })
  await t.test('an agent that is killed restarts none', async (t) => {
    const before = await statusOf('web')
    await run('lab', 'kill', 'node1', '--agent')
    await run('lab', 'revive', 'node1')
    const again = () => kubectl('exec', 'web', '--', 'cat', '/proc/1/comm').catch(() => '')
    t.equal(await until(again, 'the next agent', 60_000), 'httpd\n')
    t.same(await statusOf('web'), before)
  })
  await t.test('a pod that runs is looked into by containers that are added', async (t) => {
    const [debug, at] = [
      ['debug', 'web', '--image=busybox:1', '--image-pull-policy=Never'],
      ['--target=main', '-c'],
    ]
    // It waits for a word: what is said before somebody listens is in the log alone.
    const look = ['--kubeconfig', kubeconfig, ...debug, ...at, 'look', '-i', '--', 'sh', '-c', 'read -r word; ps']
    t.match(await runner.run('kubectl', look, 'go\n'), /httpd -f -p 8080/)
    const stays = 'trap "exit 4" TERM; echo here; while :; do sleep 0.1; done'
    await kubectl(...debug, ...at, 'stays', '--', 'sh', '-c', stays)
    const ephemeral = async () =>
      (await kubectlJson<PodStatus>('get', 'pod', 'web')).status.ephemeralContainerStatuses ?? []
    await until(async () => (await ephemeral()).find((each) => each.name === 'stays')?.state.running, 'it', 30_000)
    t.match(await kubectl('exec', 'web', '-c', 'stays', '--', 'cat', '/proc/1/comm'), /httpd/)
    t.match(await kubectl('logs', 'web', '-c', 'stays'), /here/)
    t.match(await ephemeral(), [
      { name: 'look', state: { terminated: { exitCode: 0 } } },
      { name: 'stays', ready: false },
    ])
    t.match(await statusOf('web'), { restartCount: 0, state: { running: {} } })
    await kubectl('debug', 'node/node1', '--image=busybox:1', '--', 'ls', '/host/run/podway')
    const nodeDebugger = /pod\/(node-debugger-\S+)/.exec(await kubectl('get', 'pods', '-o', 'name'))?.[1] ?? ''
    const said = () => kubectl('logs', nodeDebugger).catch(() => '')
    t.match(await until(said, 'the node itself', 30_000), /oci/)
    await kubectl('debug', 'plain', '--image=busybox:1', '--copy-to=copy', '-c', 'more', '--', 'sleep', '600')
    await kubectl('wait', '--for=condition=Ready', 'pod/copy', '--timeout=60s')
  })
  await t.test('nothing is left of pods that were deleted', async (t) => {
    await kubectl('delete', 'pod', '--all', '--grace-period=1')
    const look = `ls /run/podway/oci/bundles /run/podway/oci/sandboxes /run/podway/oci/program ${hostData}/containers`
    const left = async () => {
      const said = await run(
        'lab',
        'exec',
        'node1',
        '--',
        'sh',
        '-c',
        `${look}; grep -c overlay.*containers /proc/mounts; true`,
      )
      return said.split('\n').filter((line) => line !== '' && !line.endsWith(':') && line !== '0')
    }
    await until(async () => (await left()).length === 0, 'nothing to be left', 30_000)
    t.same(await left(), [])
  })
}

const skip = (await noOciRuntime()) ?? false
if (!skip) {
  makeBusyboxRoot(folder)
  execFileSync('chmod', ['-R', 'a+rX', folder])
}

t.test('for whoever runs the tests', { skip }, (t) => play(t))
t.test('for an ordinary user', { skip }, async (t) => {
  const user = await ordinaryUser()
  if (typeof user === 'string') return t.skip(user, () => undefined)
  await play(t, user)
})
