/** Rolling updates over the real API and the real controllers, ended at every step and asked for again. */
import t from 'tap'
import type { Client } from '../../../../src/api/client.ts'
import { createFakeClock, systemClock } from '../../../../src/api/clock.ts'
import { pods, replicationControllers } from '../../../../src/api/resources.ts'
import type { ReplicationController } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { type RollingUpdate, rollingUpdate, type Wish } from '../../../../src/commands/rolling-update/rolling-update.ts'
import { targetOfManifest } from '../../../../src/commands/rolling-update-manifest.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const namespace = 'default'

/** Dozens of updates at the same time, on a busy machine. */
const patienceMs = 60_000

t.setTimeout(300_000)

class Killed extends Error {
  override readonly name = 'Killed'
}

const killed = { name: 'Killed' }

/** A client that is gone after so many writes: what it wrote last has been done. */
const killedAfter = (client: Client, writes: number): Client => {
  let left = writes
  const ask = async <T>(question: () => Promise<T>, isWrite = true): Promise<T> => {
    if (left === 0) throw new Killed()
    if (isWrite) left--
    return question()
  }
  return {
    ...client,
    get: (resource, name, namespace) => ask(() => client.get(resource, name, namespace), false),
    list: (resource, options) => ask(() => client.list(resource, options), false),
    create: (resource, object) => ask(() => client.create(resource, object)),
    update: (resource, object) => ask(() => client.update(resource, object)),
    patch: (resource, target, patch) => ask(() => client.patch(resource, target, patch)),
    delete: (resource, target, options) => ask(() => client.delete(resource, target, options)),
  }
}

const manifestOf = (name: string, app: string, image: string, version: string, replicas?: number) => ({
  ...{ apiVersion: 'v1', kind: 'ReplicationController', metadata: { name, namespace } },
  spec: {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { app, version },
    template: { metadata: { labels: { app, version } }, spec: { containers: [{ name: 'main', image }] } },
  },
})

const start = async (t: Parameters<typeof startControlPlane>[0]) => {
  const plane = await startControlPlane(t)
  await plane.addNode('n1', { pods: '1000', cpu: '100' })
  const { client } = plane
  const update = async (old: string, wish: Wish, more: Partial<RollingUpdate> = {}): Promise<readonly string[]> => {
    const said: string[] = []
    const paces = { periodMs: 0, pollMs: 20, timeoutMs: patienceMs }
    const say = (line: string): void => void said.push(line)
    await rollingUpdate({ client, clock: systemClock, namespace, old, wish, say, ...paces, ...more })
    return said
  }
  const controllersOf = async (app: string): Promise<readonly ReplicationController[]> =>
    (await client.list(replicationControllers, { namespace })).items.filter(
      ({ spec }) => spec.selector?.['app'] === app,
    )
  return {
    ...{ client, update, controllersOf },
    make: async (app: string, name = app, replicas = 2): Promise<void> => {
      const { metadata, spec } = manifestOf(name, app, 'one', '1', replicas)
      await client.create(replicationControllers, { metadata, spec, status: { replicas: 0 } })
      await until(
        async () => (await client.get(replicationControllers, name, namespace)).status.availableReplicas === replicas,
        'the old pods',
        patienceMs,
      )
    },
    /** What is left of an app: its controllers, and its pods with their images and owners. */
    left: async (app: string) => {
      const found = await controllersOf(app)
      const owners = new Map(found.map(({ metadata }) => [metadata.uid, metadata.name]))
      const all = (await client.list(pods, { namespace, labelSelector: `app=${app}` })).items
      return {
        controllers: found.map(({ metadata, spec }) => ({
          name: metadata.name,
          replicas: spec.replicas,
          image: spec.template?.spec.containers[0]?.image,
          notes: Object.keys(metadata.annotations ?? {}),
        })),
        pods: all
          .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
          .map(({ metadata, spec }) => {
            const uid = metadata.ownerReferences?.find(({ controller }) => controller)?.uid
            return `${spec.containers[0]?.image} of ${owners.get(uid) ?? uid}`
          }),
      }
    },
  }
}

const toImage = (image: string, name?: string): Wish => ({
  ...{ kind: 'image', name },
  change: { image, key: 'deployment' },
})

const toManifest = (app: string, name: string): Wish => ({
  kind: 'manifest',
  target: targetOfManifest(JSON.stringify(manifestOf(name, app, 'two', '2')), 'f', namespace),
})

const done = (name: string, image: string, replicas = 2) => ({
  controllers: [{ name, replicas, image, notes: [] }],
  pods: Array.from({ length: replicas }, () => `${image} of ${name}`),
})

const backTo = (name?: string): Wish => ({ kind: 'rollback', name })

t.test('what it says', async (t) => {
  const { client, make, update, left } = await start(t)
  await make('said', 'said-1', 3)
  t.same(await update('said-1', toManifest('said', 'said-2')), [
    'Created said-2',
    "Scaling up said-2 from 0 to 3, scaling down said-1 from 3 to 0 (keep 3 pods available, don't exceed 4 pods)",
    'Scaling said-2 up to 1',
    'Scaling said-1 down to 2',
    'Scaling said-2 up to 2',
    'Scaling said-1 down to 1',
    'Scaling said-2 up to 3',
    'Scaling said-1 down to 0',
    'Update succeeded. Deleting said-1',
    'replicationcontroller/said-2 rolling updated to "said-2"',
  ])
  t.same((await left('said')).controllers, [{ name: 'said-2', replicas: 3, image: 'two', notes: [] }])
  const uids = async () =>
    (await client.list(pods, { namespace, labelSelector: 'app=said' })).items
      .flatMap(({ metadata }) => metadata.uid ?? [])
      .sort()
  let before: readonly string[] = []
  const watched: Client = {
    ...client,
    update: async (resource, object) => {
      before = await uids()
      return client.update(resource, object)
    },
  }
  const said = await update('said-2', toImage('three'), { client: watched })
  t.equal(before.length, 3)
  t.same(await uids(), before, 'no pod is made anew for a name')
  t.match(said[0], /^Created said-2-[b-z2-9]+$/)
  t.same(said.slice(-3), [
    'Update succeeded.',
    `Renaming ${said[0]?.slice('Created '.length)} to said-2`,
    'replicationcontroller/said-2 rolling updated',
  ])
})

t.test('ended after any write, and asked for again', { timeout: 300_000 }, async (t) => {
  const { client, make, update, left } = await start(t)
  /** Runs `wish` until `writes` writes are done, then `again`. Resolves to whether it was ended. */
  const endAndGoOn = async (old: string, wish: Wish, writes: number, again = wish): Promise<boolean> => {
    try {
      await update(old, wish, { client: killedAfter(client, writes) })
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      await update(old, again)
      return true
    }
    return false
  }
  /** `most`: one write more than there are; back and forth only until the new one is deleted. */
  const kinds = {
    image: {
      most: 11,
      run: async (app: string, writes: number) => {
        await make(app, app, 1)
        const isEnded = await endAndGoOn(app, toImage('two'), writes)
        return { isEnded, expected: done(app, 'two', 1) }
      },
    },
    imageNamed: {
      most: 10,
      run: async (app: string, writes: number) => {
        await make(app, app, 1)
        const isEnded = await endAndGoOn(app, toImage('two', `${app}-2`), writes)
        return { isEnded, expected: done(`${app}-2`, 'two', 1) }
      },
    },
    file: {
      most: 9,
      run: async (app: string, writes: number) => {
        await make(app)
        const isEnded = await endAndGoOn(app, toManifest(app, `${app}-2`), writes)
        return { isEnded, expected: done(`${app}-2`, 'two') }
      },
    },
    back: {
      most: 8,
      run: async (app: string, writes: number) => {
        await make(app)
        const halfWay = update(app, toManifest(app, `${app}-2`), { client: killedAfter(client, 4) })
        await t.rejects(halfWay, killed)
        const isEnded = await endAndGoOn(app, backTo(`${app}-2`), writes)
        return { isEnded, expected: done(app, 'one') }
      },
    },
    backAndForth: {
      most: 4,
      run: async (app: string, writes: number) => {
        await make(app)
        const halfWay = update(app, toManifest(app, `${app}-2`), { client: killedAfter(client, 5) })
        await t.rejects(halfWay, killed)
        const isEnded = await endAndGoOn(app, backTo(`${app}-2`), writes, toManifest(app, `${app}-2`))
        return { isEnded, expected: done(`${app}-2`, 'two') }
      },
    },
  }
  const ended: boolean[] = []
  await Promise.all(
    Object.entries(kinds).flatMap(([kind, { most, run }], index) =>
      Array.from({ length: most }, async (_, each) => {
        const [app, writes] = [`k${index}w${each + 1}`, each + 1]
        const { isEnded, expected } = await run(app, writes)
        ended.push(isEnded)
        // Pods that leave, and statuses, are behind.
        const isSame = async () => JSON.stringify(await left(app)) === JSON.stringify(expected)
        await until(isSame, `${kind} ${writes}`, patienceMs).catch(() => undefined)
        t.same(await left(app), expected, `${kind}, ended after ${writes} writes`)
      }),
    ),
  )
  t.ok(ended.filter(Boolean).length > 25, `${ended.filter(Boolean).length} endings`)
  t.ok(ended.filter((each) => !each).length >= 4, 'some were not ended')
})

t.test('wrong use, and what others have changed', async (t) => {
  const { client, make, update, left, controllersOf } = await start(t)
  await make('w')
  const before = await left('w')
  await t.rejects(update('none', toManifest('w', 'w-2')), { message: /replicationcontrollers "none" not found/ })
  await t.rejects(update('none', toImage('x')), { message: /not found/ })
  await t.rejects(update('w', toManifest('w', 'w')), { message: /cannot have the same name/ })
  await t.rejects(update('w', backTo()), { message: /in no update/ })
  await t.rejects(update('w', backTo('w-9')), { message: 'Could not find w-9 to rollback.' })
  const same = { ...manifestOf('w-2', 'w', 'two', '1') }
  const wish: Wish = { kind: 'manifest', target: targetOfManifest(JSON.stringify(same), 'f', namespace) }
  await t.rejects(update('w', wish), { message: /must specify a matching key with non-equal value/ })
  t.same(await update('w', toManifest('w', 'w-2'), { isDry: true }), ['Rolling from:\nw\nTo:\nw-2'])
  t.same(await left('w'), before)

  await t.test('another update is on its way', async (t) => {
    await t.rejects(update('w', toImage('two'), { client: killedAfter(client, 6) }), killed)
    await t.rejects(update('w', toImage('three')), { message: /in-progress update to image \(two\)[\s\S]*--rollback/ })
    await update('w', backTo())
    t.same(
      (await controllersOf('w')).map(({ metadata }) => [metadata.name, metadata.annotations]),
      [['w', undefined]],
    )
  })

  await t.test('one of this name that is not ours', async (t) => {
    const { metadata, spec } = manifestOf('w-3', 'w', 'two', '2', 0)
    await client.create(replicationControllers, { metadata, spec, status: { replicas: 0 } })
    await t.rejects(update('w', toManifest('w', 'w-3')), {
      message: /Missing\/unexpected annotations for controller w-3/,
    })
    await t.rejects(update('w', backTo('w-3')), { message: /Missing\/unexpected annotations/ })
  })
})

t.test('a namesake of the controller that has left', async (t) => {
  const { client, make, update, controllersOf } = await start(t)
  await make('n')
  const killedByDelete: Client = {
    ...client,
    delete: async (resource, target, options) => {
      await client.delete(resource, target, options)
      throw new Killed()
    },
  }
  await t.rejects(update('n', toImage('two'), { client: killedByDelete }), killed)
  await until(async () => (await controllersOf('n')).length === 1, 'the new one to leave its pods', patienceMs)
  const [old] = await controllersOf('n')
  const name = old?.metadata.annotations?.['kubectl.kubernetes.io/next-controller-id'] ?? ''
  const { metadata, spec } = manifestOf(name, 'other', 'x', '1', 0)
  const { uid } = (await client.create(replicationControllers, { metadata, spec, status: { replicas: 0 } })).metadata
  await update('n', toImage('two'))
  t.match(await controllersOf('n'), [
    { metadata: { name: 'n' }, spec: { template: { spec: { containers: [{ image: 'two' }] } } } },
  ])
  t.equal((await client.get(replicationControllers, name, namespace)).metadata.uid, uid, 'it is left alone')
})

t.test('new pods that do not become ready', async (t) => {
  const { make, update, left } = await start(t)
  await make('b')
  const clock = createFakeClock(Date.now())
  const broken = manifestOf('b-2', 'b', 'two', '2')
  const labels = { ...broken.spec.template.metadata.labels, broken: 'true' }
  const manifest = { ...broken, spec: { ...broken.spec, template: { ...broken.spec.template, metadata: { labels } } } }
  const wish: Wish = { kind: 'manifest', target: targetOfManifest(JSON.stringify(manifest), 'f', namespace) }
  let isOver = false
  const updating = update('b', wish, { clock, pollMs: 1000, timeoutMs: 60_000 }).finally(() => {
    isOver = true
  })
  updating.catch(() => undefined)
  await until(() => {
    clock.advance(1000)
    return isOver
  }, 'the end')
  await t.rejects(updating, { message: 'timed out waiting for any update progress to be made' })
  t.equal((await left('b')).pods.filter((pod) => pod === 'one of b').length, 2, 'the old pods stay')
  await update('b', backTo('b-2'))
  await until(async () => (await left('b')).pods.length === 2, 'the broken pod to leave')
  t.same(await left('b'), done('b', 'one'))
})
