/** A lab of three nodes through the stock kubectl: every path of the demo, and what happens when things break. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { noOciRuntime } from '../support/oci-runtime.ts'
import { until } from '../support/until.ts'
import { createLabHome, ordinaryUser, podway, root, runner } from './support/lab.ts'

t.setTimeout(600_000)
const { home, kubeconfig, run, kubectl, kubectlJson, fetchFrom } = await createLabHome()

/** The machine's network, as the lab must leave it. */
const machineNetwork = async (): Promise<string> => {
  const parts = [
    await runner.run('iptables-nft-save', []),
    await runner.run('ip', ['route']),
    await runner.run('ip', ['-brief', 'link']),
    await runner.run('ip', ['-brief', 'address']),
    await runner.run('ip', ['netns']),
  ]
  return parts
    .join('\n')
    .replaceAll(/^#.*$/gm, '')
    .replaceAll(/\[\d+:\d+\]/g, '')
}

const mounts = async (): Promise<number> => (await runner.run('cat', ['/proc/self/mounts'])).split('\n').length

/** Processes whose command line names this test's home. */
const labProcesses = async (): Promise<readonly string[]> =>
  (await runner.run('ps', ['-eo', 'pid,args']))
    .split('\n')
    .filter((line) => line.includes(home) && !/ ps -eo/.test(line))

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
    readonly spec: { readonly nodeName: string }
    readonly status: {
      readonly podIP: string
      readonly containerStatuses?: readonly { readonly restartCount: number }[]
    }
  }[]
}

const webPods = async (): Promise<Pods['items']> =>
  (await kubectlJson<Pods>('get', 'pods', '-l', 'app=web')).items.filter(({ metadata }) => !metadata.deletionTimestamp)

/** A client that asks again and again until told to stop. */
const startClient = (url: string, ...more: readonly string[]) => {
  const child: ChildProcess = spawn(
    podway,
    ['lab', 'exec', 'client', '--', 'podway', 'fetch', url, '--count', '100000', '--keep-going', ...more],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let answers = 0
  let failures = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    answers += chunk.toString().split('\n').length - 1
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    failures += chunk.toString()
  })
  return {
    answered: () => answers,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'close')
      return { answers, failures }
    },
  }
}

/** The last answer of the demo; without a runtime program, or a busybox, it is left out. */
const imageAnswer = (await noOciRuntime())
  ? /Ingress of node3/
  : /^pod of an image +pod web-\S+ +http:\/\/image\S+ +image-\S+ \(node[123]\) +10\.244\.\S+$/m

t.test('a lab of three nodes', { timeout: 400_000 }, async (t) => {
  const before = await machineNetwork()
  const mountsBefore = await mounts()
  t.teardown(async () => {
    await run('lab', 'down').catch(() => undefined)
  })

  const demo = await run('lab', 'demo')
  t.match(demo, /ClusterIP[\s\S]*DNS name[\s\S]*NodePort of node3[\s\S]*Ingress of node3/, 'all paths were proved')
  t.match(demo, imageAnswer, 'with a pod of an image')
  t.equal(await machineNetwork(), before, 'the network of the machine is untouched')

  await t.test('status', async (t) => {
    const status = JSON.parse(await run('lab', 'status', '-o', 'json'))
    t.match(status, { name: 'lab', state: 'running', kubeconfig })
    t.same(
      status.hosts.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`),
      ['control up', 'node1 up', 'node2 up', 'node3 up', 'client up'],
    )
    t.equal((await run('kubeconfig')).trim(), kubeconfig)
  })

  await t.test('what users of kubectl do first', async (t) => {
    t.match(await kubectl('get', 'nodes'), /node1 +Ready .* v1\.\d+\.0\+podway\.\S+[\s\S]*node3 +Ready/)
    t.match(await kubectl('get', 'pods', '-o', 'wide'), /1\/1 +Running +0 .*10\.244\./)
    t.match(
      await kubectl('get', 'all'),
      /pod\/web-[\s\S]*service\/web[\s\S]*deployment\.apps\/web[\s\S]*replicaset\.apps\/web-/,
    )
    t.match(await kubectl('get', 'deploy', 'web', '-o', 'yaml'), /availableReplicas: 3/)
    t.match(await kubectl('describe', 'deploy', 'web'), /ScalingReplicaSet|NewReplicaSetAvailable/)
    const [pod] = await webPods()
    const podName = pod?.metadata.name ?? ''
    t.match(await kubectl('describe', 'pod', podName), /Successfully assigned default\/web-/)
    t.match(await kubectl('logs', podName), /echo listens on port 8080/)
    t.match(await kubectl('get', 'endpoints', 'web'), /10\.244\.\d+\.\d+:8080/)
    t.match(await kubectl('get', 'ingress', 'web'), /podway +web\.lab +172\.30\.0\.11,172\.30\.0\.12,172\.30\.0\.13/)
    t.match(await kubectl('apply', '-f', join(root, 'examples/demo.yaml')), /deployment\.apps\/web unchanged/)
    await kubectl('scale', 'deployment/web', '--replicas=5')
    t.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s'), /successfully rolled out/)
    t.equal((await webPods()).length, 5)
    await kubectl('scale', 'deployment/web', '--replicas=3')
    await until(async () => (await webPods()).length === 3, 'three pods again', 30_000)
  })

  await t.test('the API from a pod, by its ClusterIP', async (t) => {
    const [pod] = await webPods()
    const script = `
      const done = (what) => { console.log(what); process.exit() }
      require('https').get('https://10.96.0.1/version', { rejectUnauthorized: false }, (r) => done(r.statusCode)).on('error', done)`
    const { metadata, spec } = pod ?? { metadata: { name: '' }, spec: { nodeName: '' } }
    const code = await run('lab', 'exec', spec.nodeName, '--pod', metadata.name, '--', 'node', '-e', script)
    t.match(code, /^(200|401)/)
  })

  await t.test('names from a pod', async (t) => {
    const [pod] = await webPods()
    const { metadata, spec } = pod ?? { metadata: { name: '' }, spec: { nodeName: '' } }
    const script = `
      const dns = require('dns').promises
      const tell = (promise) => promise.then((found) => JSON.stringify(found), (error) => error.code)
      ;(async () => {
        for (const [name, type] of [
          ['web.default.svc.cluster.local', 'A'], ['_http._tcp.web.default.svc.cluster.local', 'SRV'],
          ['kubernetes.default.svc.cluster.local', 'A'], ['nobody.default.svc.cluster.local', 'A'],
        ]) console.log(await tell(dns.resolve(name, type)))
        console.log(await tell(dns.reverse('10.96.0.1')))
        console.log(await tell(dns.lookup('web')))
      })()`
    const lines = (await run('lab', 'exec', spec.nodeName, '--pod', metadata.name, '--', 'node', '-e', script))
      .trim()
      .split('\n')
    const { spec: service } = await kubectlJson<{ spec: { clusterIP: string } }>('get', 'service', 'web')
    t.same(JSON.parse(lines[0] ?? ''), [service.clusterIP])
    t.match(JSON.parse(lines[1] ?? ''), [{ name: 'web.default.svc.cluster.local', port: 80 }])
    t.same(JSON.parse(lines[2] ?? ''), ['10.96.0.1'])
    t.equal(lines[3], 'ENOTFOUND')
    t.same(JSON.parse(lines[4] ?? ''), ['kubernetes.default.svc.cluster.local'])
    t.match(JSON.parse(lines[5] ?? ''), { address: service.clusterIP }, 'by the search path')
  })

  await t.test('watching and following', async (t) => {
    const [pod] = await webPods()
    const podName = pod?.metadata.name ?? ''
    const follow = (...args: readonly string[]) => {
      const child = spawn('kubectl', ['--kubeconfig', kubeconfig, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      let text = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
      return { text: () => text, ended: once(child, 'close') }
    }
    const logs = follow('logs', '-f', podName)
    const watch = follow('get', 'pods', '-w', '--request-timeout=20s')
    await until(() => /echo listens/.test(logs.text()) && watch.text().includes(podName), 'the first lines')
    await kubectl('delete', 'pod', podName, '--wait=false')
    await until(() => /Terminating/.test(watch.text()), 'the watch to show the end')
    await logs.ended
    t.match(logs.text(), /echo ends in/, 'the log is followed to its last line')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await until(async () => !(await kubectl('get', 'pods')).includes(podName), 'the pod to be gone', 30_000)
    await watch.ended
  })

  await t.test('host ports and the host network', async (t) => {
    const container = (port: number) => ({
      ...{ name: 'echo', image: 'podway/echo', args: ['--port', String(port)] },
      ports: [{ containerPort: port, hostPort: 9999 }],
    })
    const podOn = (name: string, node: string, more: object) => ({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
      spec: { nodeSelector: { 'kubernetes.io/hostname': node }, terminationGracePeriodSeconds: 1, ...more },
    })
    const items = [
      podOn('ported', 'node1', { containers: [container(8080)] }),
      podOn('hosted', 'node2', { hostNetwork: true, containers: [container(9999)] }),
      podOn('clash', 'node1', { containers: [container(8081)] }),
    ]
    await runner.run(
      'kubectl',
      ['--kubeconfig', kubeconfig, 'create', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    )
    await kubectl('wait', '--for=condition=Ready', 'pod/ported', 'pod/hosted', '--timeout=30s')
    for (const [node, name] of [
      ['172.30.0.11', 'ported'],
      // On the host network the host's name is the node's, and the echo server goes by it.
      ['172.30.0.12', 'node2'],
    ]) {
      const ask = () => fetchFrom('client', `http://${node}:9999/`, 1).catch(() => [])
      const answers = await until(async () => (await ask())[0], `the host port of ${name}`)
      t.match(answers, { pod: name, client: '172.30.0.100' })
    }
    t.match(await kubectl('get', 'pod', 'hosted', '-o', 'wide'), /172\.30\.0\.12 +node2/)
    t.match(await kubectl('describe', 'pod', 'clash'), /FailedScheduling.*free ports for the requested pod ports/)
    await kubectl('delete', 'pods', 'ported', 'hosted', 'clash')
    await t.rejects(fetchFrom('client', 'http://172.30.0.11:9999/', 1, '--timeout', '1'), 'closed again')
  })

  await t.test('a rolling update loses no request', async (t) => {
    const clients = [
      startClient('http://172.30.0.11:30080/'),
      startClient('http://172.30.0.12/', '--header', 'Host: web.lab'),
    ]
    await until(() => clients.every(({ answered }) => answered() > 20), 'the first answers')
    const old = new Set((await webPods()).map(({ metadata }) => metadata.name))
    await kubectl('set', 'env', 'deployment/web', 'VERSION=2')
    t.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s'), /successfully rolled out/)
    await until(async () => (await webPods()).every(({ metadata }) => !old.has(metadata.name)), 'new pods', 30_000)
    const counts = clients.map(({ answered }) => answered())
    await until(
      () => clients.every(({ answered }, at) => answered() > (counts[at] ?? 0) + 20),
      'answers of the new pods',
    )
    for (const client of clients) {
      const { answers, failures } = await client.stop()
      t.equal(failures, '', `${answers} requests, none failed`)
    }
    t.match(await kubectl('rollout', 'history', 'deployment/web'), /1 +.*\n2 /)
    await kubectl('rollout', 'undo', 'deployment/web')
    t.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s'), /successfully rolled out/)
  })

  await t.test("a node's agent is killed: traffic goes on, and no pod restarts", async (t) => {
    const client = startClient('http://172.30.0.12:30080/')
    await until(() => client.answered() > 20, 'the first answers')
    const pods = await webPods()
    const { hosts } = JSON.parse(await run('lab', 'status', '-o', 'json'))
    const { pid } = hosts.find(({ name }: { name: string }) => name === 'node2').daemon
    await run('lab', 'kill', 'node2', '--agent')
    const count = client.answered()
    await until(() => client.answered() > count + 200, 'traffic without an agent', 30_000)
    await run('lab', 'revive', 'node2')
    await until(
      async () => {
        const { hosts: now } = JSON.parse(await run('lab', 'status', '-o', 'json'))
        const daemon = now.find(({ name }: { name: string }) => name === 'node2').daemon
        return daemon.state === 'running' && daemon.pid && daemon.pid !== pid
      },
      'another agent',
      30_000,
    )
    await until(async () => /node2 +Ready/.test(await kubectl('get', 'node', 'node2')), 'the node to be ready', 30_000)
    const { answers, failures } = await client.stop()
    t.equal(failures, '', `${answers} requests, none failed`)
    const after = await webPods()
    t.same(after.map(({ metadata }) => metadata.name).sort(), pods.map(({ metadata }) => metadata.name).sort())
    t.ok(after.every(({ status }) => status.containerStatuses?.every(({ restartCount }) => restartCount === 0)))
  })

  await t.test('the control plane is killed: traffic goes on, and nothing is lost', async (t) => {
    const pods = await webPods()
    await run('lab', 'kill', 'control', '--agent')
    await t.rejects(kubectl('get', 'nodes', '--request-timeout=2s'))
    t.equal((await fetchFrom('client', 'http://172.30.0.13:30080/', 6)).length, 6)
    await run('lab', 'revive', 'control')
    await until(() => kubectl('get', 'nodes').catch(() => ''), 'the API', 30_000)
    t.same(
      (await webPods()).map(({ metadata }) => metadata.name),
      pods.map(({ metadata }) => metadata.name),
    )
    await kubectl('scale', 'deployment/web', '--replicas=4')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await kubectl('scale', 'deployment/web', '--replicas=3')
    await until(async () => (await webPods()).length === 3, 'three pods again', 30_000)
  })

  await t.test('Services that come later reach the revived node, too', async () => {
    await kubectl('expose', 'deployment/web', '--name=later', '--port=81', '--target-port=8080')
    const { spec } = await kubectlJson<{ spec: { clusterIP: string } }>('get', 'service', 'later')
    await until(
      () =>
        fetchFrom('node2', `http://${spec.clusterIP}:81/`, 3).then(
          (answers) => answers.length === 3,
          () => false,
        ),
      'answers',
    )
    await kubectl('delete', 'service', 'later')
  })

  await t.test('down leaves nothing', async (t) => {
    await run('lab', 'down')
    t.equal(await machineNetwork(), before)
    t.equal(await mounts(), mountsBefore)
    t.same(await labProcesses(), [])
    await until(async () => (await readdir(join(home, 'labs')).catch(() => [])).length === 0, 'no files')
    await run('lab', 'down')
  })
})

t.test(
  'a node dies: its pods are replaced; two labs side by side; kill -9 leaves nothing',
  { timeout: 200_000 },
  async (t) => {
    t.teardown(async () => {
      for (const name of ['lab', 'other']) await run('lab', 'down', '--name', name).catch(() => undefined)
    })
    await Promise.all([
      run('lab', 'up', '--node-grace', '3', '--pod-eviction', '3'),
      run('lab', 'up', '--name', 'other', '--nodes', '1', '--publish', '0:80'),
    ])
    await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')

    await t.test('the death of a node', async (t) => {
      await run('lab', 'kill', 'node3')
      await until(
        async () => /node3 +NotReady/.test(await kubectl('get', 'node', 'node3')),
        'the node to be NotReady',
        30_000,
      )
      await until(
        async () => {
          const pods = await webPods()
          const ready = await kubectl('get', 'deployment', 'web')
          return pods.length === 3 && pods.every(({ spec }) => spec.nodeName !== 'node3') && /3\/3/.test(ready)
        },
        'the replacements',
        60_000,
      )
      const answers = await fetchFrom('client', 'http://172.30.0.11:30080/', 12)
      t.equal(new Set(answers.map(({ pod }) => pod)).size, 3)
      t.notOk(answers.some(({ node }) => node === 'node3'))
      await run('lab', 'revive', 'node3')
      await until(async () => /node3 +Ready/.test(await kubectl('get', 'node', 'node3')), 'the node to be back', 30_000)
      await until(
        async () => {
          const { items } = await kubectlJson<Pods>('get', 'pods', '-l', 'app=web')
          return items.length === 3
        },
        'its old pods to be gone',
        30_000,
      )
    })

    await t.test('the other lab knows nothing of this', async (t) => {
      const other = join(home, 'labs/other/kubeconfig')
      const pods = await runner.run('kubectl', ['--kubeconfig', other, 'get', 'pods', '-A'])
      t.equal(pods.trim(), '')
      t.match(await runner.run('kubectl', ['--kubeconfig', other, 'get', 'nodes']), /node1 +Ready/)
    })

    await t.test('a published port leads to the node', async (t) => {
      const { published } = JSON.parse(await run('lab', 'status', '--name', 'other', '-o', 'json'))
      t.match(published, [{ host: 'node1' }])
      const answer = await fetch(`http://127.0.0.1:${published[0].port}/`)
      t.equal(answer.status, 404, 'the Ingress of the node answers: it has no routes')
    })

    await t.test('kill -9 of the whole', async (t) => {
      const { pid } = JSON.parse(await run('lab', 'status', '--name', 'other', '-o', 'json'))
      process.kill(pid, 'SIGKILL')
      await until(async () => (await labProcesses()).every((line) => !line.includes('/other/')), 'its processes to end')
      await until(
        () =>
          access(join(home, 'labs/other')).then(
            () => false,
            () => true,
          ),
        'its files to go',
      )
      t.pass('gone')
    })
  },
)

t.test('the demo as an ordinary user', { timeout: 120_000 }, async (t) => {
  const user = await ordinaryUser()
  if (typeof user === 'string') return t.skip(user, () => undefined)
  const theirs = await createLabHome(user)
  const before = await machineNetwork()
  t.teardown(() => theirs.run('lab', 'down'))
  const demo = await theirs.run('lab', 'demo')
  t.match(demo, /Ingress of node3/)
  t.match(demo, imageAnswer, 'with a pod of an image')
  t.match(JSON.parse(await theirs.run('lab', 'status', '-o', 'json')), { state: 'running', rootless: true })
  t.equal(await machineNetwork(), before)
})
