/**
 * What users do with kubectl that needs controllers and nodes, by each kubectl that is found (see ../support/clients.ts), against a
 * lab whose pods are processes. Streams are in ../integration/lab-streams.test.ts, everything else in kubectl.test.ts.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { createLabHome } from '../integration/support/lab.ts'
import { kubectls } from '../support/clients.ts'
import { type RunningProgram, startProgram } from '../support/running-program.ts'
import { until } from '../support/until.ts'
import { minorOf } from './kubectl/run.ts'

t.setTimeout(900_000)

interface Ended {
  readonly code: number | undefined
  readonly out: string
  readonly err: string
}

const deployment = (name: string, more: object = {}) => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name } },
  spec: {
    ...{ replicas: 2, selector: { matchLabels: { app: name } } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'main', image: 'podway/echo', ports: [{ name: 'http', containerPort: 8080 }], ...more }],
      },
    },
  },
})

t.test('kubectl against a cluster', async (t) => {
  const { home, kubeconfig, run } = await createLabHome()
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '2')

  const tryAll = async (t: Test, program: string, minor: string): Promise<void> => {
    const space = `kubectl-${minor.replace('.', '-')}`
    const isAtLeast = (least: number): boolean => Number(minor.slice(2)) >= least
    const flags = ['--kubeconfig', kubeconfig, '--cache-dir', join(home, space), '--namespace', space]
    const env = { HOME: home }
    const execute = async (words: readonly string[], input = ''): Promise<Ended> => {
      const { exitCode, stdout, stderr } = await execa(program, [...flags, ...words], {
        ...{ env, input, reject: false, timeout: 120_000 },
      })
      return { code: exitCode, out: stdout, err: stderr }
    }
    /** Of words that go well. */
    const kubectl = async (...words: readonly string[]): Promise<string> => {
      const { code, out, err } = await execute(words)
      t.equal(code, 0, `kubectl ${words.join(' ')}: ${err}`)
      return out
    }
    const apply = async (...items: readonly object[]): Promise<void> => {
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
      t.match(await execute(['apply', '-f', '-'], list), { code: 0 })
    }
    const start = (t: Test, ...words: readonly string[]): RunningProgram =>
      startProgram(t, program, [...flags, ...words], { ...process.env, ...env })
    const imageEnv = () => kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].env}')

    await kubectl('create', 'namespace', space)
    await t.test('a rollout, and the way back', async (t) => {
      await apply(deployment('web'))
      t.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s'), /successfully rolled out/)
      await kubectl('annotate', 'deployment/web', 'kubernetes.io/change-cause=the first')
      await kubectl('set', 'env', 'deployment/web', 'STEP=two')
      await kubectl('annotate', 'deployment/web', 'kubernetes.io/change-cause=the second', '--overwrite')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
      t.match(await kubectl('rollout', 'history', 'deployment/web'), /1 +the first\n2 +the second/)
      t.match(await kubectl('rollout', 'history', 'deployment/web', '--revision=2'), /STEP:\s*two/)
      t.match(await kubectl('rollout', 'undo', 'deployment/web'), /rolled back/)
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
      t.equal(await imageEnv(), '')
      await kubectl('rollout', 'undo', 'deployment/web', '--to-revision=2')
      t.match(await imageEnv(), /two/)
      t.match(
        (await execute(['rollout', 'undo', 'deployment/web', '--to-revision=99'])).err,
        /unable to find .*revision/,
      )
      t.match(await kubectl('rollout', 'history', 'deployment/web'), /\n3 +the first\n4 +the second/)
    })

    await t.test('a rollout that is paused', async (t) => {
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
      await kubectl('rollout', 'pause', 'deployment/web')
      await kubectl('set', 'env', 'deployment/web', 'STEP=three')
      t.match((await execute(['rollout', 'undo', 'deployment/web'])).err, /cannot rollback a paused deployment/)
      await kubectl('rollout', 'resume', 'deployment/web')
      t.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s'), /successfully rolled out/)
      const before = await kubectl('get', 'replicasets', '-o', 'name')
      await kubectl('rollout', 'restart', 'deployment/web')
      t.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s'), /successfully rolled out/)
      t.not(await kubectl('get', 'replicasets', '-o', 'name'), before)
    })

    /** Those of an older template, and those that are too many, are gone. */
    const untilPods = (count: number) =>
      until(
        async () => {
          const { out } = await execute(['get', 'pods', '-l', 'app=web', '-o', 'name'])
          return out.split('\n').filter(Boolean).length === count
        },
        `${count} pods`,
        60_000,
      )

    await t.test('waiting', async (t) => {
      await untilPods(2)
      await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=60s')
      await kubectl('wait', '--for=condition=Ready', 'pods', '-l', 'app=web', '--timeout=60s')
      if (isAtLeast(23))
        await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/web', '--timeout=60s')
      await kubectl('scale', 'deployment/web', '--replicas=1', '--current-replicas=2', '--timeout=60s')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
      await untilPods(1)
      const [pod = ''] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n')
      const gone = start(t, 'wait', '--for=delete', pod, '--timeout=60s')
      await until(() => gone.child.pid, 'kubectl')
      await kubectl('delete', pod)
      if (gone.child.exitCode === null) await once(gone.child, 'close')
      t.ok(
        gone.child.exitCode === 0 || /NotFound|no matching/.test(gone.said()),
        `gone, or gone before: ${gone.said()}`,
      )
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
    })

    await t.test('watching', async (t) => {
      const watch = start(t, 'get', 'configmaps', '--watch', '-o', 'name')
      const events = start(t, 'get', 'configmaps', '--watch', '--output-watch-events')
      await until(() => /kube-root-ca/.test(watch.said()) && /ADDED/.test(events.said()), 'what is there')
      await kubectl('create', 'configmap', 'seen', '--from-literal=a=b')
      await kubectl('label', 'configmap', 'seen', 'a=b')
      await kubectl('delete', 'configmap', 'seen')
      await until(() => /DELETED +seen/.test(events.said()), 'its end')
      t.match(events.said(), /ADDED +seen +1 [\s\S]*MODIFIED +seen +1 /)
      await until(() => /configmap\/seen/.test(watch.said()), 'its name')
    })

    await t.test('logs of many', async (t) => {
      t.match(await kubectl('logs', 'deployment/web', '--tail=1'), /./)
      t.match(await kubectl('logs', '-l', 'app=web', '--prefix', '--tail=1'), /^\[pod\/web-[^/]+\/main\] /)
      t.match(
        (await execute(['logs', 'deployment/web', '--previous'])).err,
        /previous terminated container "main" .*not found/,
      )
      t.match(await kubectl('exec', 'deployment/web', '--', 'hostname'), /^web-/)
    })

    await t.test('a Service from here', async (t) => {
      await kubectl('expose', 'deployment', 'web', '--port=80', '--target-port=http')
      const forward = start(t, 'port-forward', 'service/web', ':80')
      const port = await until(() => /127\.0\.0\.1:(\d+) -> 8080/.exec(forward.said())?.[1], 'its port')
      t.match(await (await fetch(`http://127.0.0.1:${port}/here`)).json(), { path: '/here' })
      const proxy = start(t, 'proxy', '--port=0')
      const door = await until(() => /127\.0\.0\.1:(\d+)/.exec(proxy.said())?.[1], 'the proxy')
      const api = `http://127.0.0.1:${door}/api/v1/namespaces/${space}`
      t.match(await (await fetch(`${api}/services/web`)).json(), { kind: 'Service' })
      const ask = async () => (await fetch(`${api}/services/web:80/proxy/there`)).text()
      t.match(
        await until(async () => (/"path"/.test(await ask()) ? ask() : undefined), 'the endpoints'),
        /"path":"\/there"/,
      )
    })

    await t.test('what is told of what happened', async (t) => {
      t.match(await kubectl('get', 'events'), /ScalingReplicaSet +deployment\/web/)
      t.match(await kubectl('describe', 'deployment', 'web'), /Events:[\s\S]*ScalingReplicaSet/)
      t.match(await kubectl('describe', 'pods', '-l', 'app=web'), /Events:[\s\S]*Started +/)
      t.match(await kubectl('describe', 'node', 'node1'), /Non-terminated Pods:[\s\S]*Allocated resources:[\s\S]*cpu/)
      if (isAtLeast(26)) t.match(await kubectl('events', '--for', 'deployment/web'), /ScalingReplicaSet/)
      t.match(await kubectl('cluster-info', 'dump', '--namespaces', space), /==== START logs for container main/)
    })

    await t.test('dependents', async (t) => {
      const sets = () => kubectl('get', 'replicasets', '-l', 'app=web', '-o', 'name')
      await kubectl('delete', 'deployment', 'web', '--cascade=orphan')
      t.match(await sets(), /replicaset/)
      await apply(deployment('web'))
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
      await kubectl('delete', 'deployment', 'web', '--cascade=foreground')
      t.equal(await sets(), '')
    })

    await t.test('a node that is emptied', async (t) => {
      await apply(deployment('away'))
      await kubectl('rollout', 'status', 'deployment/away', '--timeout=90s')
      t.match(
        await kubectl('drain', 'node2', '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=90s'),
        /pod\/away-\S+ evicted/,
      )
      const where = () => kubectl('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')
      await kubectl('rollout', 'status', 'deployment/away', '--timeout=90s')
      await until(async () => !/node2/.test(await where()), 'an empty node')
      t.match(await kubectl('get', 'nodes', 'node2'), /SchedulingDisabled/)
      await kubectl('uncordon', 'node2')
      t.notMatch(await kubectl('get', 'nodes', 'node2'), /SchedulingDisabled/)
    })

    await kubectl('delete', 'namespace', space, '--timeout=90s')
  }

  for (const program of kubectls()) {
    const minor = await minorOf(program)
    await t.test(`kubectl ${minor}`, (t) => tryAll(t, program, minor))
  }
})
