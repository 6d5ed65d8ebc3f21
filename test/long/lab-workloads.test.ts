/** What workloads promise, in a lab: no request lost in a rollout, a name and its claim after a node's death, as many pods as there is work. */
import { spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createClient } from '../../src/api/client.ts'
import { createHttpTransport } from '../../src/api/http-transport.ts'
import { readKubeconfig } from '../../src/api/kubeconfig.ts'
import { createLabHome, podway } from '../integration/support/lab.ts'
import { watchReadyPods } from '../support/ready-pods.ts'
import { until } from '../support/until.ts'

t.setTimeout(900_000)
const { run, kubectl, kubectlJson, apply, home, kubeconfig } = await createLabHome()

const replicas = 5
const maxSurge = 1
const maxUnavailable = 1
const perSecond = 500

const env = [
  { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  { name: 'VERSION', value: '1' },
]

const rolling = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop' } },
  spec: {
    ...{ replicas, selector: { matchLabels: { app: 'shop' } } },
    strategy: { rollingUpdate: { maxSurge, maxUnavailable } },
    template: {
      metadata: { labels: { app: 'shop' } },
      spec: {
        containers: [
          {
            ...{ name: 'echo', image: 'podway/echo', env, ports: [{ containerPort: 8080 }] },
            readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
}

const service = (name: string) => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
})

interface Load {
  readonly sent: number
  readonly perSecond: number
  readonly failures: number
  readonly some: readonly string[]
}

/** Requests from a host of the lab, until they are ended. */
const startLoad = (t: Test, host: string, url: string): { end(): Promise<Load> } => {
  const program = join(import.meta.dirname, 'support/steady-load.ts')
  const words = [process.execPath, '--disable-warning=ExperimentalWarning', program, url, String(perSecond)]
  const child = spawn(podway, ['lab', 'exec', host, '--', ...words], { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  t.teardown(async () => {
    child.kill()
    await ended
  })
  return {
    end: async () => {
      child.stdin.end()
      await ended
      return JSON.parse(said)
    },
  }
}

const versions = async (): Promise<readonly (string | undefined)[]> => {
  const { items } = await kubectlJson<{
    items: readonly { spec: { containers: readonly { env: readonly { name: string; value?: string }[] }[] } }[]
  }>('get', 'pods', '-l', 'app=shop', '--field-selector', 'status.phase=Running')
  return items.map(({ spec }) => spec.containers[0]?.env.find(({ name }) => name === 'VERSION')?.value)
}

const rollout = async (t: Test): Promise<void> => {
  await apply(rolling, service('shop'))
  await kubectl('rollout', 'status', 'deployment/shop', '--timeout=120s')
  const address = await kubectl('get', 'service', 'shop', '-o', 'jsonpath={.spec.clusterIP}')
  const transport = createHttpTransport(await readKubeconfig(kubeconfig))
  const stop = new AbortController()
  const ready = watchReadyPods(createClient(transport), stop.signal)
  t.teardown(async () => {
    stop.abort()
    await ready.ended
    await transport.close()
  })
  const url = `http://${address}/`
  await until(() => run('lab', 'exec', 'node1', '--', 'podway', 'fetch', url).catch(() => ''), 'the Service', 30_000)
  await until(() => ready.seen('shop') === replicas, 'all of its pods to be seen', 30_000)
  ready.follow('shop', replicas + maxSurge)

  const load = startLoad(t, 'node1', url)
  const isVersion = async (count: (found: readonly (string | undefined)[]) => boolean, what: string) =>
    until(async () => count(await versions()), what, 120_000)
  await kubectl('set', 'env', 'deployment/shop', 'VERSION=2')
  await isVersion((found) => found.includes('2') && found.includes('1'), 'the middle of version 2')
  await kubectl('set', 'env', 'deployment/shop', 'VERSION=3')
  await isVersion((found) => found.includes('3'), 'the middle of version 3')
  await kubectl('rollout', 'undo', 'deployment/shop')
  await kubectl('rollout', 'status', 'deployment/shop', '--timeout=180s')
  await isVersion((found) => found.length === replicas && found.every((each) => each === '2'), 'version 2 alone')
  const { sent, failures, some, ...measured } = await load.end()
  t.equal(failures, 0, `of ${sent} requests (${measured.perSecond}/s) none failed: ${some.join('; ')}`)
  t.ok(measured.perSecond > 100, `${measured.perSecond} requests/s on a machine that does other things, too`)
  t.ok(ready.fewest >= replicas - maxUnavailable, `never fewer than ${ready.fewest} pods were ready`)
  t.equal(ready.longestSurplusMs(), 0, 'and never more than may be')
  t.match(await kubectl('rollout', 'history', 'deployment/shop'), /^4 /m)
  await kubectl('delete', 'deployment,service', 'shop', '--wait')
}

interface PodObject {
  readonly metadata: { readonly uid: string; readonly name: string }
  readonly spec: { readonly nodeName?: string }
}

/** Volumes that every node reaches: a folder of the machine that the lab's hosts share. */
const sharedVolume = (name: string) => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name } },
  spec: {
    ...{ capacity: { storage: '1Mi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'shared' },
    hostPath: { path: join(home, 'shared', name), type: 'DirectoryOrCreate' },
  },
})

const keeper = {
  ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'keeper' } },
  spec: {
    ...{ serviceName: 'keeper', replicas: 2, selector: { matchLabels: { app: 'keeper' } } },
    template: {
      metadata: { labels: { app: 'keeper' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            ...{ name: 'main', image: 'podway/echo' },
            command: ['sh', '-c', 'hostname >> /data/lives; while :; do sleep 1; done'],
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: {
          ...{ storageClassName: 'shared', accessModes: ['ReadWriteOnce'] },
          resources: { requests: { storage: '1Mi' } },
        },
      },
    ],
  },
}

const podObject = (name: string): Promise<PodObject> => kubectlJson<PodObject>('get', 'pod', name)
const claimUid = () => kubectl('get', 'pvc', 'data-keeper-0', '-o', 'jsonpath={.metadata.uid}')

const deadNode = async (t: Test): Promise<void> => {
  await mkdir(join(home, 'shared'), { recursive: true })
  await apply(sharedVolume('one'), sharedVolume('two'), keeper)
  await kubectl('rollout', 'status', 'statefulset/keeper', '--timeout=120s')
  const [before, claim] = [await podObject('keeper-0'), await claimUid()]
  const node = before.spec.nodeName ?? ''
  await run('lab', 'kill', node)
  await kubectl('wait', `node/${node}`, '--for=condition=Ready=Unknown', '--timeout=60s')
  t.equal((await podObject('keeper-0')).metadata.uid, before.metadata.uid, 'it may still run: nobody takes its place')
  await kubectl('taint', 'node', node, 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute')
  const after = await until(
    async () => {
      const found = await podObject('keeper-0').catch(() => undefined)
      return found && found.metadata.uid !== before.metadata.uid && found.spec.nodeName ? found : undefined
    },
    'keeper-0 on another node',
    60_000,
  )
  t.not(after.spec.nodeName, node)
  await kubectl('wait', '--for=condition=Ready', 'pod/keeper-0', '--timeout=60s')
  t.equal(await claimUid(), claim, 'with the same claim')
  t.same((await kubectl('exec', 'keeper-0', '--', 'cat', '/data/lives')).trim().split('\n'), ['keeper-0', 'keeper-0'])

  await run('lab', 'revive', node)
  await kubectl('wait', `node/${node}`, '--for=condition=Ready', '--timeout=60s')
  await kubectl('taint', 'node', node, 'node.kubernetes.io/out-of-service-')
  await kubectl('rollout', 'status', 'statefulset/keeper', '--timeout=60s')
  t.equal((await podObject('keeper-0')).metadata.uid, after.metadata.uid, 'its return changes nothing')
  await kubectl('delete', 'statefulset', 'keeper', '--wait')
  await kubectl('delete', 'pvc', '--all', '--wait')
}

const burner = (folder: string) => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'burner' } },
  spec: {
    ...{ replicas: 1, selector: { matchLabels: { app: 'burner' } } },
    template: {
      metadata: { labels: { app: 'burner' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            ...{ name: 'main', image: 'podway/echo', volumeMounts: [{ name: 'work', mountPath: '/burner' }] },
            command: [
              ...['sh', '-c'],
              'while :; do if [ -e /burner/there ]; then i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; else sleep 1; fi; done',
            ],
            resources: { requests: { cpu: '50m' }, limits: { cpu: '50m' } },
          },
        ],
        volumes: [{ name: 'work', hostPath: { path: folder } }],
      },
    },
  },
})

const scaler = {
  ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'burner' } },
  spec: {
    ...{ minReplicas: 1, maxReplicas: 4, behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } },
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'burner' },
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 40 } } }],
  },
}

const autoscaled = async (t: Test): Promise<void> => {
  const folder = join(home, 'work')
  await mkdir(folder, { recursive: true })
  await apply(burner(folder), scaler)
  await kubectl('rollout', 'status', 'deployment/burner', '--timeout=60s')
  const size = () => kubectl('get', 'deployment', 'burner', '-o', 'jsonpath={.status.readyReplicas}')
  t.equal(await size(), '1')
  await writeFile(join(folder, 'there'), '')
  await until(async () => (await size()) === '4', 'four pods for the work', 240_000)
  await rm(join(folder, 'there'))
  await until(async () => (await size()) === '1', 'one pod when it is done', 240_000)
  t.match(
    await kubectl('describe', 'hpa', 'burner'),
    /SuccessfulRescale[^\n]*New size: 4[\s\S]*SuccessfulRescale[^\n]*New size: 1/,
  )
  await kubectl('delete', 'hpa,deployment', 'burner', '--wait')
}

t.test('a lab of three nodes', { timeout: 880_000 }, async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '3', '--node-grace', '5')
  await t.test('a rollout that is overtaken and undone loses no request', { timeout: 400_000 }, rollout)
  await t.test('the pod of a node that died comes back elsewhere', { timeout: 300_000 }, deadNode)
  await t.test('as many pods as there is work', { timeout: 500_000 }, autoscaled)
})
