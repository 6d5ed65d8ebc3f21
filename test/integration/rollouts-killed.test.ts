/**
 * Deployments roll while the control plane is killed again and again, at random moments: what they come to is what they would have
 * come to, none ever has too few pods, and none has too many for longer than it takes to look anew. Nodes and their agents are played.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Client } from '../../src/api/client.ts'
import { formatMicroTime, formatTime, sleep } from '../../src/api/clock.ts'
import { ApiError, isAlreadyExists, isConflict, isNotFound } from '../../src/api/errors.ts'
import { createInformer, type Informer } from '../../src/api/informer.ts'
import { deployments, leases, nodes, objectKey, pods, replicaSets } from '../../src/api/resources.ts'
import type { Deployment, Pod } from '../../src/api/types/index.ts'
import { controllerOf } from '../../src/controller/ownership.ts'
import { createQueue, runQueue } from '../../src/controller/queue.ts'
import { silentLogger } from '../../src/host/log.ts'
import { startKilledControl } from '../support/killed-control.ts'
import { isReadyPod, type ReadyPods, watchReadyPods } from '../support/ready-pods.ts'
import { rounds, seedOr } from '../support/rounds.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { until } from '../support/until.ts'

const random = createSeededRandom(seedOr(1))
t.setTimeout(1_500_000)

const kills = rounds(2, 20)
const count = rounds(5, 50)
const replicas = 4
const maxSurge = 1
const maxUnavailable = 1
const namespace = 'default'
/** What is too much is gone after so long. */
const resyncMs = 30_000
/** Who asks again and again asks less and less often: most of an agent's time goes by between two kills. */
const patienceMs = rounds(120_000, 600_000)

const nodeNames = ['n1', 'n2', 'n3']

/** Again, as long as nobody answers or another one was faster. */
const persist = <T>(what: string, ask: () => Promise<T>): Promise<T> =>
  until(
    () =>
      ask().then(
        (answer) => [answer] as const,
        (error: unknown) => {
          if (error instanceof ApiError && error.code < 500 && !isConflict(error)) throw error
          return undefined
        },
      ),
    what,
    patienceMs,
  ).then(([answer]) => answer)

/** As `persist`; that it is there already is the answer that was not heard. */
const persistThere = (what: string, create: () => Promise<unknown>): Promise<unknown> =>
  persist(what, () =>
    create().catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    }),
  )

const condition = (type: 'Ready') => ({ type, status: 'True' as const, lastTransitionTime: formatTime(Date.now()) })

/** Heartbeats, and pods that are ready as soon as they are bound, and gone as soon as they are asked to go. */
const playNodes = async (client: Client, signal: AbortSignal): Promise<void> => {
  const allocatable = { cpu: '64', memory: '64Gi', pods: '1000' }
  for (const [at, name] of nodeNames.entries()) {
    const addresses = [{ type: 'InternalIP' as const, address: `172.30.0.${at + 10}` }]
    const status = { allocatable, conditions: [condition('Ready')], addresses }
    await persistThere(`the node ${name}`, () => client.create(nodes, { metadata: { name }, status }))
  }
  const beat = async (name: string): Promise<void> => {
    const metadata = { name, namespace: 'kube-node-lease' }
    const spec = { renewTime: formatMicroTime(Date.now()) }
    await client.patch(leases, { metadata }, { spec }).catch(async (error: unknown) => {
      if (isNotFound(error)) await client.create(leases, { metadata, spec }).catch(() => undefined)
    })
  }
  const beatOn = async (): Promise<void> => {
    while (!signal.aborted) {
      await Promise.all(nodeNames.map(beat))
      await sleep(1_000, signal)
    }
  }
  const copies = createInformer(client, pods)
  let addresses = 0
  const queue = createQueue({ log: silentLogger }, 'agents', async (key) => {
    const pod = copies.get(key)
    if (!pod?.spec.nodeName) return 'done'
    const { uid = '' } = pod.metadata
    if (pod.metadata.deletionTimestamp !== undefined)
      await client.delete(pods, pod, { gracePeriodSeconds: 0, preconditions: { uid } })
    else if (!isReadyPod(pod)) {
      const n = ++addresses
      const podIP = `10.244.${(n >> 8) & 255}.${n & 255}`
      const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [condition('Ready')] }
      await client.patch(pods, pod, { metadata: { uid }, status }, 'status')
    }
    return 'done'
  })
  copies.onChange(queue.add)
  await Promise.all([beatOn(), runQueue(queue, [copies], signal)])
}

const template = (app: string, version: number): Deployment['spec']['template'] => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image: `app:${version}` }] },
})

const observes = ({ status }: Deployment, generation: number): boolean =>
  (status?.observedGeneration ?? 0) >= generation

const isRolledOut = (deployment: Deployment, generation: number): boolean => {
  const { status } = deployment
  const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas]
  return observes(deployment, generation) && counts.every((each) => each === replicas)
}

interface Rolling {
  readonly client: Client
  readonly copies: Informer<Deployment>
  readonly ready: ReadyPods
  readonly isOver: () => boolean
}

/** From version to version until `isOver`, three at least; some rollouts end, some are overtaken. Resolves to how many versions there were. */
const roll = async ({ client, copies, ready, isOver }: Rolling, app: string): Promise<number> => {
  const target = { metadata: { name: app, namespace } }
  const strategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge, maxUnavailable } }
  const spec = { replicas, revisionHistoryLimit: 1_000, selector: { matchLabels: { app } }, strategy }
  const seen = (isSo: typeof observes, generation: number, what: string) =>
    until(
      () => {
        const found = copies.get(`${namespace}/${app}`)
        return found && isSo(found, generation)
      },
      `${app}: ${what}`,
      patienceMs,
    )
  await persistThere(app, () =>
    client.create(deployments, { ...target, spec: { ...spec, template: template(app, 1) } }),
  )
  await seen(isRolledOut, 1, 'its first pods')
  ready.follow(app, replicas + maxSurge)
  let version = 1
  let generation = 1
  while (!isOver() || version < 3) {
    version++
    const change = { spec: { template: template(app, version) } }
    const changed = await persist(app, () => client.patch(deployments, target, change))
    generation = changed.metadata.generation ?? 0
    // Each version gets a ReplicaSet of its own; one that nobody has seen would not.
    await seen(observes, generation, `version ${version}`)
    if (random.below(2) === 0) await seen(isRolledOut, generation, `all of version ${version}`)
  }
  await seen(isRolledOut, generation, 'its last version')
  return version
}

/** What there is of a Deployment in the end. */
const outcome = async (client: Client, app: string) => {
  const selection = { namespace, labelSelector: `app=${app}` }
  const [deployment, sets, { items }] = await Promise.all([
    client.get(deployments, app, namespace),
    client.list(replicaSets, selection),
    client.list(pods, selection),
  ])
  const revision = ({ metadata }: { readonly metadata: Deployment['metadata'] }) =>
    Number(metadata.annotations?.['deployment.kubernetes.io/revision'])
  const imageOf = (spec: Pod['spec'] | undefined) => spec?.containers[0]?.image
  return {
    revision: revision(deployment),
    sets: sets.items
      .map((set) => ({ revision: revision(set), image: imageOf(set.spec.template?.spec), replicas: set.spec.replicas }))
      .sort((a, b) => a.revision - b.revision),
    pods: items.map(({ spec }) => imageOf(spec)),
    owners: new Set(items.map((pod) => controllerOf(pod)?.uid)).size,
  }
}

/** What it comes to when nothing happens. */
const expected = (versions: number) => ({
  revision: versions,
  sets: Array.from({ length: versions }, (_, at) => ({
    ...{ revision: at + 1, image: `app:${at + 1}` },
    replicas: at + 1 === versions ? replicas : 0,
  })),
  pods: Array.from({ length: replicas }, () => `app:${versions}`),
  owners: 1,
})

const start = async (t: Test) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-rollouts-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return startKilledControl(t, folder, 'control')
}

t.test('kill -9 of the control plane while Deployments roll', async (t) => {
  const { client, kill, start: startAgain } = await start(t)
  const stop = new AbortController()
  const playing = playNodes(client, stop.signal)
  const ready = watchReadyPods(client, stop.signal)
  const apps = Array.from({ length: count }, (_, at) => `app-${at}`)
  let isOver = false
  const copies = createInformer(client, deployments)
  const following = copies.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await Promise.all([playing, ready.ended, following])
  })
  const rolling = Promise.all(apps.map((app) => roll({ client, copies, ready, isOver: () => isOver }, app)))
  const killing = async (): Promise<void> => {
    await until(() => ready.followed === count, 'all of them to have begun', patienceMs)
    for (let n = 0; n < kills; n++) {
      await sleep(random.below(3_000), stop.signal)
      await kill()
      await startAgain()
    }
    isOver = true
  }
  const [versions] = await Promise.all([rolling, killing()])
  // Those that were replaced last count no longer, and may yet be there.
  const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined
  const areLeft = async () => !(await client.list(pods, { namespace })).items.some(isLeaving)
  await until(areLeft, 'the end of all that were replaced', patienceMs)
  for (const [at, app] of apps.entries())
    t.same(await outcome(client, app), expected(versions[at] ?? 0), `${app} is as if nothing had happened`)
  const all = await client.list(pods, { namespace })
  t.equal(all.items.length, count * replicas, `no pod is left over: ${all.items.map(objectKey).join(' ')}`)
  t.ok(ready.longestSurplusMs() <= resyncMs, `too many were ready for ${ready.longestSurplusMs()} ms`)
  t.ok(ready.fewest >= replicas - maxUnavailable, `there were never fewer than ${ready.fewest} ready`)
  t.comment(`${versions.reduce((sum, each) => sum + each)} versions of ${count} Deployments, ${kills} kills`)
})
