/** Claims and volumes over the real API, with all controllers and the scheduler; agents are played. */
import t from 'tap'
import { createFakeClock } from '../../../../../src/api/clock.ts'
import { isNotFound } from '../../../../../src/api/errors.ts'
import {
  events,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../../../../../src/api/resources.ts'
import type { Pod } from '../../../../../src/api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../../src/api/types/kubernetes/core-v1.ts'
import { bootstrapCluster } from '../../../../../src/control/bootstrap/bootstrap.ts'
import { taskPod } from '../../../../../src/control/controllers/volumes/host-path/tasks.ts'
import { type ControlPlane, startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

const bootstrap = {
  ...{ servers: [{ address: '172.30.0.1', port: 6443 }], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10' },
  serviceCIDRs: ['10.96.0.0/16'],
}

/** Tasks for volumes end well, but on the nodes named here. */
const start = async (
  t: Parameters<typeof startControlPlane>[0],
  options: Parameters<typeof startControlPlane>[1] = {},
  broken: readonly string[] = [],
): Promise<ControlPlane> => {
  const plane = await startControlPlane(t, {
    endOf: ({ metadata, spec }) => {
      if (metadata.labels?.['podway.dev/host-path-task'] === undefined) return undefined
      return broken.includes(spec.nodeName ?? '') ? 'Failed' : 'Succeeded'
    },
    ...options,
  })
  await bootstrapCluster(plane.client, bootstrap)
  for (const name of ['n1', 'n2']) await plane.addNode(name)
  return plane
}

const claimOf = (name: string, spec: Partial<PersistentVolumeClaim['spec']> = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  status: {},
})

const volumeOf = (name: string, spec: Partial<PersistentVolume['spec']> = {}, labels = {}) => ({
  metadata: { name, labels },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' }, ...spec },
  status: {},
})

const podOf = (name: string, claimName: string, spec: Partial<Pod['spec']> = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [{ name: 'main', image: 'echo', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
    ...spec,
  },
})

/** A pod that fitted nowhere some times waits for ten seconds, and Events come behind everything else. */
const patientMs = 40_000

const claimWhere = (
  { client }: ControlPlane,
  name: string,
  holds: (claim: PersistentVolumeClaim) => boolean,
): Promise<PersistentVolumeClaim> =>
  until(
    async () => {
      const found = await client.get(persistentVolumeClaims, name, 'default')
      return holds(found) && found
    },
    `the claim ${name}`,
    patientMs,
  )

const phased = (phase: string) => (object: { readonly status: { readonly phase?: string } }) =>
  object.status.phase === phase

const volumeWhere = (
  { client }: ControlPlane,
  name: string,
  holds: (volume: PersistentVolume) => boolean,
): Promise<PersistentVolume> =>
  until(
    async () => {
      const found = await client.get(persistentVolumes, name)
      return holds(found) && found
    },
    `the volume ${name}`,
    patientMs,
  )

const gone = (
  { client }: ControlPlane,
  resource: typeof persistentVolumes | typeof pods,
  name: string,
  namespace?: string,
) =>
  until(
    async () =>
      client.get<PersistentVolume | Pod>(resource, name, namespace).then(
        () => false,
        (error: unknown) => isNotFound(error),
      ),
    `${name} to go`,
    patientMs,
  )

const told = ({ client }: ControlPlane, reason: string, about: string): Promise<string> =>
  until(
    async () => {
      const found = (await client.list(events)).items.find(
        (event) => event.reason === reason && event.involvedObject.name === about,
      )
      return found?.message ?? false
    },
    `the Event ${reason} of ${about}`,
    patientMs,
  )

const nodeOf = ({ client }: ControlPlane, name: string): Promise<string> =>
  until(async () => (await client.get(pods, name, 'default')).spec.nodeName ?? false, `the node of ${name}`, patientMs)

t.test('a claim of the default class: made where its pod goes, found again, deleted with its data', async (t) => {
  const plane = await start(t)
  const { client } = plane
  const { spec } = await client.create(persistentVolumeClaims, claimOf('data'))
  t.equal(spec.storageClassName, 'standard')
  t.equal(await told(plane, 'WaitForFirstConsumer', 'data'), 'waiting for first consumer to be created before binding')
  await client.create(pods, podOf('writer', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'n2' } }))
  const claim = await claimWhere(plane, 'data', phased('Bound'))
  t.match(claim.metadata, {
    annotations: {
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
      'volume.kubernetes.io/selected-node': 'n2',
      'volume.kubernetes.io/storage-provisioner': 'podway.dev/host-path',
    },
    finalizers: ['kubernetes.io/pvc-protection'],
  })
  t.match(claim.status, { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } })
  const name = claim.spec.volumeName ?? ''
  t.equal(name, `pvc-${claim.metadata.uid}`)
  const volume = await client.get(persistentVolumes, name)
  t.match(volume, {
    metadata: {
      annotations: { 'pv.kubernetes.io/provisioned-by': 'podway.dev/host-path' },
      finalizers: ['kubernetes.io/pv-protection'],
    },
    spec: {
      local: { path: `/var/lib/podway/persistent-volumes/${name}` },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ values: ['n2'] }] }] } },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
    },
    status: { phase: 'Bound' },
  })
  t.match(await told(plane, 'ProvisioningSucceeded', 'data'), `Successfully provisioned volume ${name}`)
  t.equal(await nodeOf(plane, 'writer'), 'n2')

  await client.create(pods, podOf('reader', 'data'))
  t.equal(await nodeOf(plane, 'reader'), 'n2', 'who comes later goes where the volume is')
  await client.create(pods, podOf('elsewhere', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'n1' } }))
  t.match(
    await told(plane, 'FailedScheduling', 'elsewhere'),
    /^0\/2 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector, 1 node\(s\) had volume node affinity conflict\. preemption: 0\/2 nodes are available: 2 Preemption is not helpful for scheduling\.$/,
  )

  await client.delete(persistentVolumeClaims, claim)
  t.ok(
    (await client.get(persistentVolumeClaims, 'data', 'default')).metadata.deletionTimestamp,
    'held while it is used',
  )
  await client.create(pods, podOf('late', 'data'))
  t.match(await told(plane, 'FailedScheduling', 'late'), 'persistentvolumeclaim "data" is being deleted')
  for (const pod of ['writer', 'reader', 'elsewhere', 'late'])
    await client.delete(pods, { metadata: { name: pod, namespace: 'default' } })
  await gone(plane, persistentVolumes, name)
  await until(async () => (await client.list(pods, { namespace: 'kube-system' })).items.length === 0, 'the tasks to go')
})

t.test('a node that cannot make a volume gives it back', async (t) => {
  const plane = await start(t, {}, ['n1'])
  await plane.client.create(persistentVolumeClaims, claimOf('data'))
  await plane.client.create(pods, podOf('writer', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'n1' } }))
  t.match(
    await told(plane, 'ProvisioningFailed', 'data'),
    /^failed to provision volume with StorageClass "standard": pod /,
  )
  await claimWhere(
    plane,
    'data',
    ({ metadata }) => metadata.annotations?.['volume.kubernetes.io/selected-node'] === undefined,
  )
  t.equal((await plane.client.get(pods, 'writer', 'default')).spec.nodeName, undefined)
})

t.test('what another pod says in the place of a task does not count', async (t) => {
  const plane = await start(t)
  const { client } = plane
  const claim = await client.create(persistentVolumeClaims, claimOf('data'))
  const volume = `pvc-${claim.metadata.uid}`
  const { metadata, spec } = taskPod({ kind: 'make', volume, node: 'n2', folder: '/elsewhere' })
  await client.create(pods, { metadata: { ...metadata, labels: {} }, spec })
  await client.create(pods, podOf('writer', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'n2' } }))
  t.match(await told(plane, 'ProvisioningFailed', 'data'), /is another one$/)
  t.equal((await client.list(persistentVolumes)).items.length, 0)
})

t.test(
  'volumes that are there: the least that fits, kept when its claim goes, lost when it is taken away',
  async (t) => {
    const plane = await start(t)
    const { client } = plane
    await client.create(pods, podOf('early', 'data'))
    t.equal(
      await told(plane, 'FailedScheduling', 'early'),
      '0/2 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    )
    await client.create(persistentVolumeClaims, claimOf('data', { storageClassName: '' }))
    t.match(
      await told(plane, 'FailedBinding', 'data'),
      'no persistent volumes available for this claim and no storage class is set',
    )
    await until(
      async () =>
        (await client.list(events)).items.some(({ message = '' }) =>
          message.startsWith('0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.'),
        ),
      'the words of the scheduler',
    )
    await client.create(persistentVolumes, volumeOf('large', { capacity: { storage: '9Gi' } }))
    await client.create(persistentVolumes, volumeOf('small', { capacity: { storage: '1Mi' } }))
    const claim = await claimWhere(plane, 'data', phased('Bound'))
    t.equal(claim.spec.volumeName, 'large')
    t.match(claim.status.capacity, { storage: '9Gi' })
    t.ok(await nodeOf(plane, 'early'))
    await volumeWhere(plane, 'small', phased('Available'))

    await client.delete(pods, { metadata: { name: 'early', namespace: 'default' } })
    await client.delete(persistentVolumeClaims, claim)
    await volumeWhere(plane, 'large', phased('Released'))
    await client.patch(persistentVolumes, { metadata: { name: 'large' } }, { spec: { claimRef: null } })
    await volumeWhere(plane, 'large', phased('Available'))

    const next = await client.create(
      persistentVolumeClaims,
      claimOf('next', { storageClassName: '', volumeName: 'large' }),
    )
    await claimWhere(plane, 'next', phased('Bound'))
    const thief = await client.create(
      persistentVolumeClaims,
      claimOf('thief', { storageClassName: '', volumeName: 'large' }),
    )
    t.match(await told(plane, 'FailedBinding', 'thief'), 'volume "large" already bound to a different claim.')
    await client.patch(persistentVolumeClaims, thief, {
      metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    })
    await claimWhere(plane, 'thief', phased('Lost'))
    t.match((await client.get(persistentVolumes, 'large')).spec.claimRef, { uid: next.metadata.uid })

    await client.delete(persistentVolumes, { metadata: { name: 'large' } })
    t.ok((await client.get(persistentVolumes, 'large')).metadata.deletionTimestamp, 'held while it is bound')
    await client.patch(persistentVolumes, { metadata: { name: 'large' } }, { metadata: { finalizers: null } })
    await claimWhere(plane, 'next', phased('Lost'))
    t.match(
      await told(plane, 'ClaimLost', 'next'),
      'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    )
  },
)

t.test('kept for a claim before there is one, and policies that nobody honours', async (t) => {
  const plane = await start(t)
  const { client } = plane
  const reserved = (name: string) => ({ claimRef: { namespace: 'default', name } })
  for (const [name, policy] of [
    ['kept', 'Delete'],
    ['wiped', 'Recycle'],
  ] as const)
    await client.create(persistentVolumes, volumeOf(name, { ...reserved(name), persistentVolumeReclaimPolicy: policy }))
  await volumeWhere(plane, 'kept', phased('Available'))
  await client.create(persistentVolumes, volumeOf('another'))
  for (const name of ['kept', 'wiped']) {
    const claim = await client.create(persistentVolumeClaims, claimOf(name, { storageClassName: '' }))
    t.equal((await claimWhere(plane, name, phased('Bound'))).spec.volumeName, name)
    await client.delete(persistentVolumeClaims, claim)
    const { status } = await volumeWhere(plane, name, phased('Failed'))
    t.match(status.reason, /^VolumeFailed(Delete|Recycle)$/)
  }
  await volumeWhere(plane, 'another', phased('Available'))
})

t.test('claims of a class that waits: the scheduler chooses among volumes that nodes reach', async (t) => {
  const plane = await start(t)
  const { client } = plane
  await client.create(storageClasses, {
    metadata: { name: 'hand' },
    ...{ provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' },
  })
  await client.create(persistentVolumeClaims, claimOf('data', { storageClassName: 'hand' }))
  await client.create(pods, podOf('user', 'data'))
  t.equal(
    await told(plane, 'FailedScheduling', 'user'),
    "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
  )
  const nodeSelectorTerms = [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In' as const, values: ['n2'] }] },
  ]
  await client.create(
    persistentVolumes,
    volumeOf('disk', { storageClassName: 'hand', nodeAffinity: { required: { nodeSelectorTerms } } }),
  )
  t.equal(await nodeOf(plane, 'user'), 'n2')
  t.equal((await claimWhere(plane, 'data', phased('Bound'))).spec.volumeName, 'disk')
})

t.test('a claim grows where its class lets it', async (t) => {
  const plane = await start(t)
  const { client } = plane
  await client.create(persistentVolumeClaims, claimOf('data'))
  await client.create(pods, podOf('user', 'data'))
  const claim = await claimWhere(plane, 'data', phased('Bound'))
  const ask = (name: string, storage: string) =>
    client.patch(
      persistentVolumeClaims,
      { metadata: { name, namespace: 'default' } },
      { spec: { resources: { requests: { storage } } } },
    )
  await ask('data', '3Gi')
  await claimWhere(plane, 'data', ({ status }) => status.capacity?.['storage'] === '3Gi')
  t.match((await client.get(persistentVolumes, claim.spec.volumeName ?? '')).spec.capacity, { storage: '3Gi' })
  await t.rejects(ask('data', '1Gi'), { message: /can not be less than status.capacity/ })

  await client.create(persistentVolumes, volumeOf('fixed'))
  await client.create(persistentVolumeClaims, claimOf('fixed', { storageClassName: '' }))
  await claimWhere(plane, 'fixed', phased('Bound'))
  await t.rejects(ask('fixed', '2Gi'), { message: /only dynamically provisioned pvc can be resized/ })
})

t.test('claims of classes that do not wait, and of those that came later', async (t) => {
  const plane = await start(t)
  const { client } = plane
  await client.create(storageClasses, {
    metadata: { name: 'now' },
    ...{ provisioner: 'podway.dev/host-path', parameters: { path: '/srv/volumes' } },
  })
  for (const name of ['a', 'b']) await client.create(persistentVolumeClaims, claimOf(name, { storageClassName: 'now' }))
  for (const name of ['a', 'b']) await claimWhere(plane, name, phased('Bound'))
  const paths = (await client.list(persistentVolumes)).items.map(({ spec }) => spec.local?.path ?? '')
  t.ok(paths.every((path) => path.startsWith('/srv/volumes/pvc-')))

  const standard = { metadata: { name: 'standard' } }
  const annotation = 'storageclass.kubernetes.io/is-default-class'
  await client.patch(storageClasses, standard, { metadata: { annotations: { [annotation]: 'false' } } })
  await client.create(persistentVolumeClaims, claimOf('classless'))
  await told(plane, 'FailedBinding', 'classless')
  await client.patch(storageClasses, standard, { metadata: { annotations: { [annotation]: 'true' } } })
  await claimWhere(plane, 'classless', ({ spec }) => spec.storageClassName === 'standard')

  for (const [name, parameters] of [
    ['up', { path: '/srv/../etc' }],
    ['root', { path: '/' }],
    ['more', { mode: '0777' }],
  ] as const) {
    await client.create(storageClasses, { metadata: { name }, provisioner: 'podway.dev/host-path', parameters })
    await client.create(persistentVolumeClaims, claimOf(name, { storageClassName: name }))
    t.match(await told(plane, 'ProvisioningFailed', name), /invalid parameter/)
  }
})

t.test('a generic ephemeral volume is a claim of its pod', async (t) => {
  const plane = await start(t)
  const { client } = plane
  const { spec } = claimOf('')
  await client.create(persistentVolumeClaims, claimOf('other-scratch'))
  const scratch = { name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec } } }
  const containers = [{ name: 'main', image: 'echo', volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] }]
  for (const name of ['worker', 'other'])
    await client.create(pods, { metadata: { name, namespace: 'default' }, spec: { containers, volumes: [scratch] } })
  const claim = await claimWhere(plane, 'worker-scratch', phased('Bound'))
  t.match(claim.metadata, { labels: { a: 'b' }, ownerReferences: [{ kind: 'Pod', name: 'worker', controller: true }] })
  t.ok(await nodeOf(plane, 'worker'))
  t.match(
    await told(plane, 'FailedScheduling', 'other'),
    'persistentvolumeclaim "other-scratch" was not created for the pod',
  )
  await client.delete(pods, { metadata: { name: 'worker', namespace: 'default' } })
  await gone(plane, persistentVolumes, claim.spec.volumeName ?? '')
})

t.test('a folder that cannot be removed is not forgotten, and tried again after a while', async (t) => {
  const clock = createFakeClock(Date.now())
  /** When who is to remove it has failed, by uid. */
  const failed = new Map<string, number>()
  const plane = await start(t, {
    clock,
    endOf: ({ metadata: { uid = '', labels } }) => {
      const kind = labels?.['podway.dev/host-path-task']
      if (kind !== 'remove') return kind === 'make' ? 'Succeeded' : undefined
      if (!failed.has(uid)) failed.set(uid, clock.now())
      return 'Failed'
    },
  })
  const { client } = plane
  const volume = 'pvc-00000000-0000-4000-8000-000000000001'
  const task = await client.create(pods, taskPod({ kind: 'make', volume, node: 'n1', folder: '/srv/volumes' }))
  await until(() => {
    clock.advance(1_000)
    return failed.size > 1
  }, 'another try')
  const [first = 0, second = 0] = failed.values()
  t.ok(second - first >= 15_000, `${second - first} ms later`)
  t.equal((await client.get(pods, task.metadata.name, 'kube-system')).metadata.deletionTimestamp, undefined)
})
