/**
 * Kubernetes 1.20's own kube-controller-manager, kube-scheduler and kube-proxy as clients, for ten minutes, while workloads come,
 * change and go: they do their work and complain of nothing. `PODWAY_COMPONENTS=FOLDER` says where the three programs are.
 * kube-proxy runs on a host of its own beside the node: a network namespace in the universe of this test.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createHost, ip } from '../integration/support/hosts.ts'
import { podway, runner } from '../integration/support/lab.ts'
import { startProgram } from '../support/running-program.ts'
import { until } from '../support/until.ts'

const components = process.env['PODWAY_COMPONENTS']
const minutes = Number(process.env['PODWAY_COMPONENT_MINUTES'] ?? 10)
const skip =
  components === undefined && 'PODWAY_COMPONENTS=FOLDER names no kube-controller-manager, kube-scheduler and kube-proxy'

const address = '172.31.9.1'
const beside = '172.31.9.100'

/** What of Kubernetes' work Podway keeps: it judges what nodes ask for, and there is no cloud. */
const ours = ['csrapproving', 'service', 'ingress-status', 'ingress-problems', 'gateway-status']
const theirs = ['*', 'bootstrapsigner', 'tokencleaner', '-csrapproving', '-service', '-route', '-cloud-node-lifecycle']

/** What they say against a Kubernetes API server as well, and why. */
const usual: readonly (readonly [line: RegExp, reason: string])[] = [
  [
    /Operation cannot be fulfilled on .*: the object has been modified/,
    'two controllers wrote at once; one tries again',
  ],
  [
    /error synchronizing serviceaccount .* because it is being terminated/,
    'the token of an account comes back too late',
  ],
  [
    /failed to compute desired number of replicas .*(no metrics returned|did not receive metrics)/,
    'a new pod has not been measured yet',
  ],
]

const isComplaint = (line: string): boolean =>
  /^[EF]\d{4} /.test(line) && !usual.some(([pattern]) => pattern.test(line))

interface Started {
  readonly child: ChildProcess
  readonly lines: () => readonly string[]
}

const start = (t: Test, file: string, args: readonly string[]): Started => {
  const { child, said } = startProgram(t, file, args)
  return { child, lines: () => said().split('\n') }
}

const podSpec = (container: object, more: object = {}) => ({
  ...{ terminationGracePeriodSeconds: 1, ...more },
  containers: [{ name: 'main', image: 'podway/echo', ...container }],
})
/** What is scaled by its share of the CPU time it asks for has to ask for some. */
const template = (app: string) => ({
  metadata: { labels: { app } },
  spec: podSpec({ resources: { requests: { cpu: '10m' } } }),
})
const selecting = (app: string) => ({ selector: { matchLabels: { app } }, template: template(app) })
const job = { template: { spec: podSpec({ command: ['true'] }, { restartPolicy: 'Never' }) } }
const object = (apiVersion: string, kind: string, name: string, body: object) => ({
  ...{ apiVersion, kind, metadata: { name } },
  ...body,
})

const objects: readonly object[] = [
  object('apps/v1', 'Deployment', 'web', { spec: { replicas: 2, ...selecting('web') } }),
  object('v1', 'Service', 'web', { spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } }),
  object('apps/v1', 'StatefulSet', 'set', { spec: { serviceName: 'set', replicas: 2, ...selecting('set') } }),
  object('apps/v1', 'DaemonSet', 'each', { spec: selecting('each') }),
  object('v1', 'ReplicationController', 'old', { spec: { selector: { app: 'old' }, template: template('old') } }),
  object('batch/v1', 'Job', 'once', { spec: { completions: 3, parallelism: 2, ...job } }),
  object('batch/v1beta1', 'CronJob', 'often', { spec: { schedule: '* * * * *', jobTemplate: { spec: job } } }),
  object('policy/v1beta1', 'PodDisruptionBudget', 'web', {
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  }),
  object('autoscaling/v1', 'HorizontalPodAutoscaler', 'set', {
    spec: {
      ...{ maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'set' },
    },
  }),
  object('v1', 'PersistentVolumeClaim', 'claim', {
    spec: { storageClassName: '', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }),
  object('v1', 'PersistentVolume', 'volume', {
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/tmp/volume' } },
  }),
  object('v1', 'ResourceQuota', 'some', { spec: { hard: { pods: '100' } } }),
  object('v1', 'Service', 'by-hand', { spec: { ports: [{ port: 80 }] } }),
  object('v1', 'Endpoints', 'by-hand', { subsets: [{ addresses: [{ ip: '10.9.9.9' }], ports: [{ port: 80 }] }] }),
]

t.setTimeout((minutes + 8) * 60_000)

t.test('real components', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'pw-'))
  const control = join(folder, 'control')
  const places = ['--state', join(folder, 'state'), '--data', join(folder, 'data')]
  const group = ['--cgroup-parent', `podway-components-${process.pid}`]
  t.teardown(async () => {
    await runner.run(podway, ['cleanup', ...places, ...group])
    await rm(folder, { recursive: true, force: true })
  })
  const client = await createHost('client')
  t.teardown(() => client.close())
  await ip([
    'link add out type veth peer name eth0 netns client',
    `address add ${address}/24 dev out`,
    'link set out up',
    `route add default via ${beside}`,
  ])
  await ip(
    [
      `address add ${beside}/24 dev eth0`,
      'link set eth0 up',
      `route add 10.244.0.0/16 via ${address}`,
      // Nobody there serves them: only what kube-proxy makes of them gets through.
      'route add 10.96.0.0/16 via 172.31.9.99',
    ],
    client.runner,
  )
  const kubeconfig = join(control, 'admin.kubeconfig')
  const kubectl = (...args: readonly string[]) => runner.run('kubectl', ['--kubeconfig', kubeconfig, ...args])
  const apply = (...all: readonly object[]) =>
    runner.run(
      'kubectl',
      ['--kubeconfig', kubeconfig, 'apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all }),
    )

  const up = start(t, podway, [
    ...['up', '--node-name', 'vm', '--node-ip', address, '--control-data', control, ...places, ...group],
    ...['--controllers', ours.join(), '--no-scheduler'],
  ])
  await until(() => kubectl('get', '--raw', '/readyz').catch(() => ''), 'the API', 60_000)
  const access = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
    (flag) => `--${flag}=${kubeconfig}`,
  )
  const pki = (file: string): string => join(control, 'pki', file)
  const component = (name: string): string => join(components ?? '', name)
  const manager = start(t, component('kube-controller-manager'), [
    ...[...access, '--use-service-account-credentials', '--bind-address=127.0.0.1', '--port=0'],
    ...['--allocate-node-cidrs', '--cluster-cidr=10.244.0.0/16', '--service-cluster-ip-range=10.96.0.0/16'],
    ...[`--root-ca-file=${pki('ca.crt')}`, `--service-account-private-key-file=${pki('sa.key')}`],
    ...[`--cluster-signing-cert-file=${pki('ca.crt')}`, `--cluster-signing-key-file=${pki('ca.key')}`],
    ...[`--controllers=${theirs.join()}`, '--feature-gates=TTLAfterFinished=true'],
  ])
  const scheduler = start(t, component('kube-scheduler'), [...access, '--bind-address=127.0.0.1', '--port=0'])
  await until(async () => / Ready /.test(await kubectl('get', 'nodes').catch(() => '')), 'the node', 90_000)
  const proxy = start(t, 'nsenter', [
    ...['--net=/run/netns/client', '--', component('kube-proxy'), `--kubeconfig=${kubeconfig}`],
    ...['--hostname-override=vm', '--cluster-cidr=10.244.0.0/16', '--proxy-mode=iptables'],
    // The machine's settings are not a namespace's to change.
    ...['--conntrack-max-per-core=0', '--conntrack-tcp-timeout-established=0', '--conntrack-tcp-timeout-close-wait=0'],
  ])
  const running = { 'kube-controller-manager': manager, 'kube-scheduler': scheduler, 'kube-proxy': proxy }

  await t.test('what only they do is done', async (t) => {
    await apply(...objects)
    for (const name of ['deployment/web', 'statefulset/set', 'daemonset/each'])
      t.match(await kubectl('rollout', 'status', name, '--timeout=120s'), /successfully rolled out|roll out complete/)
    t.match(await kubectl('wait', '--for=condition=Complete', 'job/once', '--timeout=120s'), /condition met/)
    const bound = async () => (await kubectl('get', 'pvc', 'claim', '-o', 'jsonpath={.status.phase}')) === 'Bound'
    await until(bound, 'the volume', 60_000)
    const url = `http://${await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')}/`
    const fetchIt = () =>
      runner.run('nsenter', ['--net=/run/netns/client', '--', podway, 'fetch', url, '--timeout', '2']).catch(() => '')
    t.match(await until(fetchIt, 'the Service by kube-proxy', 60_000), /"pod":"web-/)
  })

  await t.test('ten minutes of coming and going', async (t) => {
    const end = Date.now() + minutes * 60_000
    for (let turn = 1; Date.now() < end; turn++) {
      const name = `turn-${turn}`
      await kubectl('set', 'env', 'deployment/web', `TURN=${turn}`)
      await kubectl('scale', 'statefulset', 'set', `--replicas=${1 + (turn % 2)}`)
      await kubectl('create', 'namespace', name)
      await kubectl('create', 'deployment', 'short', '--image=podway/echo', '-n', name)
      await kubectl('rollout', 'status', 'deployment/short', '-n', name, '--timeout=120s')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=120s')
      await kubectl('delete', 'namespace', name, '--timeout=120s')
    }
    t.equal(await kubectl('get', 'cronjob', 'often', '-o', 'jsonpath={.status.lastScheduleTime}').then(Boolean), true)
  })

  for (const [name, { child, lines }] of Object.entries(running))
    await t.test(`${name} has nothing to complain of`, async (t) => {
      t.equal(child.exitCode, null, 'it runs')
      t.same(lines().filter(isComplaint), [])
      t.same(
        lines().filter((line) => /^W.*(reflector|warnings)\.go/.test(line) && !/ is deprecated in v1\./.test(line)),
        [],
        'no watch broke, and the API had nothing to warn of but old versions',
      )
    })
  t.equal(up.child.exitCode, null, 'Podway runs')
})
