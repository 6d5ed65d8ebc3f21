/** StatefulSets over the real API, with the other controllers and the scheduler. */
import t from 'tap'
import {
  controllerRevisions,
  events,
  persistentVolumeClaims,
  pods,
  statefulSets,
} from '../../../../../src/api/resources.ts'
import type { Pod } from '../../../../../src/api/types/index.ts'
import type { StatefulSet } from '../../../../../src/api/types/kubernetes/apps-v1.ts'
import { bootstrapCluster } from '../../../../../src/control/bootstrap/bootstrap.ts'
import { type ControlPlane, startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

const metadata = { name: 'web', namespace: 'default' }
const path = '/apis/apps/v1/namespaces/default/statefulsets'

const specOf = (value: string, more: object = {}) => ({
  ...{ replicas: 3, serviceName: 'nginx', selector: { matchLabels: { app: 'web' } } },
  template: {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image: 'echo', env: [{ name: 'V', value }] }] },
  },
  ...more,
})

const bootstrap = {
  ...{ servers: [], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10' },
  serviceCIDRs: ['10.96.0.0/16'],
}

const volumeClaimTemplates = [
  {
    metadata: { name: 'www' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
]

const start = async (t: Parameters<typeof startControlPlane>[0], more: object = {}): Promise<ControlPlane> => {
  // What a node does for a volume of the default class is done at once.
  const endOf = ({ metadata }: Pod) => (metadata.namespace === 'kube-system' ? 'Succeeded' : undefined)
  const plane = await startControlPlane(t, { endOf })
  await bootstrapCluster(plane.client, bootstrap)
  for (const name of ['n1', 'n2']) await plane.addNode(name)
  const { code, warnings } = await plane.request('POST', path, { body: { metadata, spec: specOf('1', more) } })
  t.same([code, warnings], [201, []])
  return plane
}

const get = ({ client }: ControlPlane): Promise<StatefulSet> => client.get(statefulSets, 'web', 'default')

const isDone = async (plane: ControlPlane, count: number): Promise<boolean> => {
  const { metadata: own, status } = await get(plane)
  return (
    status.observedGeneration === own.generation &&
    status.replicas === count &&
    (status.availableReplicas ?? 0) === count &&
    (status.updatedReplicas ?? 0) === count &&
    status.currentRevision === status.updateRevision
  )
}

const namesOf = async (plane: ControlPlane) => (await plane.podList('app=web')).map(({ metadata }) => metadata.name)

const valuesOf = async (plane: ControlPlane) =>
  (await plane.podList('app=web')).map(({ spec }) => spec.containers[0]?.env?.[0]?.value).join('')

const scale = (plane: ControlPlane, replicas: number) =>
  plane.client.patch(statefulSets, { metadata }, { spec: { replicas } })

t.test('pods come one after the other under their names, and come back under them', async (t) => {
  const plane = await start(t, { volumeClaimTemplates })
  const { client } = plane
  await until(() => isDone(plane, 3), 'three pods')
  const found = await plane.podList('app=web')
  t.same(
    found.map(({ metadata, spec }) => [metadata.name, spec.hostname, spec.subdomain]),
    ['web-0', 'web-1', 'web-2'].map((name) => [name, name, 'nginx']),
  )
  const born = found.map(({ metadata }) => Number(metadata.resourceVersion))
  t.same(
    born,
    born.toSorted((a, b) => a - b),
    'in order',
  )
  const claims = (await client.list(persistentVolumeClaims)).items
  t.same(
    claims.map(({ metadata }) => metadata.name),
    ['www-web-0', 'www-web-1', 'www-web-2'],
  )
  const [, victim] = found
  if (!victim) throw new Error('no pod')
  await client.delete(pods, victim)
  await until(async () => {
    const again = (await plane.podList('app=web')).find(({ metadata }) => metadata.name === 'web-1')
    return again !== undefined && again.metadata.uid !== victim.metadata.uid && isDone(plane, 3)
  }, 'another of the same name')
  await scale(plane, 1)
  await until(async () => (await namesOf(plane)).join() === 'web-0', 'the first alone')
  t.equal((await client.list(persistentVolumeClaims)).items.length, 3, 'claims stay')
  const texts = (await client.list(events, { namespace: 'default' })).items
    .filter(({ source }) => source?.component === 'statefulset-controller')
    .map(({ reason, message }) => `${reason}: ${message}`)
  for (const text of [
    'SuccessfulCreate: create Claim www-web-0 Pod web-0 in StatefulSet web success',
    'SuccessfulCreate: create Pod web-0 in StatefulSet web successful',
    'SuccessfulDelete: delete Pod web-2 in StatefulSet web successful',
  ])
    t.ok(texts.includes(text), text)
})

t.test('a broken pod holds those after it, unless they come in parallel', async (t) => {
  const template = { ...specOf('1').template, metadata: { labels: { app: 'web', broken: 'yes' } } }
  const plane = await start(t, { template })
  await until(async () => (await namesOf(plane)).length === 1, 'the first')
  await until(async () => (await get(plane)).status.replicas === 1, 'the status')
  t.same(await namesOf(plane), ['web-0'])
  await plane.request('POST', path, {
    body: {
      metadata: { name: 'burst' },
      spec: {
        ...specOf('1', { podManagementPolicy: 'Parallel', replicas: 4 }),
        selector: { matchLabels: { app: 'burst' } },
        template: { ...template, metadata: { labels: { app: 'burst', broken: 'yes' } } },
      },
    },
  })
  await until(async () => (await plane.podList('app=burst')).length === 4, 'all at once')
  t.same(await namesOf(plane), ['web-0'])
})

t.test('a canary, the phased update behind it, and the way back', async (t) => {
  const plane = await start(t, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 3 } } })
  const { client } = plane
  await until(() => isDone(plane, 3), 'three pods')
  const [first] = (await client.list(controllerRevisions)).items
  t.equal(first?.metadata.name, (await get(plane)).status.currentRevision)
  await client.patch(statefulSets, { metadata }, { spec: { template: specOf('2').template } })
  await until(async () => {
    const { status } = await get(plane)
    return status.updateRevision !== status.currentRevision
  }, 'the revision')
  t.equal(await valuesOf(plane), '111')
  const partition = (number: number) =>
    client.patch(statefulSets, { metadata }, { spec: { updateStrategy: { rollingUpdate: { partition: number } } } })
  await partition(2)
  await until(async () => (await get(plane)).status.updatedReplicas === 1, 'the canary')
  t.equal(await valuesOf(plane), '112')
  const [, , canary] = await plane.podList('app=web')
  for (const name of ['web-0', 'web-2']) await client.delete(pods, { metadata: { name, namespace: 'default' } })
  await until(async () => {
    const found = await plane.podList('app=web')
    return (
      found.length === 3 &&
      found[2]?.metadata.uid !== canary?.metadata.uid &&
      (await get(plane)).status.readyReplicas === 3
    )
  }, 'both again')
  t.equal(await valuesOf(plane), '112', 'each with the revision that it had')
  await partition(0)
  await until(() => isDone(plane, 3), 'the update')
  t.equal(await valuesOf(plane), '222')
  await plane.request('PATCH', `${path}/web`, {
    body: first?.data,
    contentType: 'application/strategic-merge-patch+json',
  })
  await until(async () => (await isDone(plane, 3)) && (await valuesOf(plane)) === '111', 'the way back')
  t.equal((await get(plane)).status.currentRevision, first?.metadata.name)
  t.same((await client.list(controllerRevisions)).items.map(({ revision }) => revision).sort(), [2, 3])
})

t.test('claims go with the set, or with the pods that it loses', async (t) => {
  const plane = await start(t, {
    volumeClaimTemplates,
    persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' },
  })
  const { client } = plane
  const claimNames = async () =>
    (await client.list(persistentVolumeClaims)).items.map(({ metadata }) => metadata.name).join()
  await until(() => isDone(plane, 3), 'three pods')
  await scale(plane, 1)
  await until(async () => (await claimNames()) === 'www-web-0', 'the claims of those that went')
  await scale(plane, 2)
  await until(() => isDone(plane, 2), 'another')
  t.equal(await claimNames(), 'www-web-0,www-web-1')
  await client.delete(statefulSets, { metadata }, { propagationPolicy: 'Background' })
  await until(async () => (await claimNames()) === '', 'the end of all')
})

t.test('a name that is taken is said, and the set goes on when it is free', async (t) => {
  const plane = await startControlPlane(t)
  await plane.addNode('n1')
  const { client } = plane
  const { spec } = specOf('1').template
  const squatter = await client.create(pods, { metadata: { name: 'web-0', namespace: 'default' }, spec })
  await plane.request('POST', path, { body: { metadata, spec: specOf('1', { replicas: 1 }) } })
  await until(
    async () =>
      (await client.list(events, { namespace: 'default' })).items.some(
        ({ reason, message }) =>
          reason === 'FailedCreate' &&
          message === 'create Pod web-0 in StatefulSet web failed error: pods "web-0" already exists',
      ),
    'the Event',
  )
  await client.delete(pods, squatter)
  await until(() => isDone(plane, 1), 'its own')
})
