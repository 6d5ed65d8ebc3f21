import t from 'tap'
import {
  deployments,
  endpointSlices,
  endpoints,
  events,
  nodes,
  pods,
  replicaSets,
  replicationControllers,
  services,
} from '../../../../src/api/resources.ts'
import type { Deployment, Pod } from '../../../../src/api/types/index.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const zoneLabel = 'topology.kubernetes.io/zone'

const inDefault = (name: string) => ({ metadata: { name, namespace: 'default' } })

const deploymentFor = (name: string, more: Partial<Deployment['spec']> = {}, env = '1') => ({
  ...inDefault(name),
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'echo', env: [{ name: 'V', value: env }] }] },
    },
    ...more,
  },
})

const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')

const threeNodes = async (t: Parameters<typeof startControlPlane>[0]): Promise<ControlPlane> => {
  const plane = await startControlPlane(t)
  for (const name of ['n1', 'n2', 'n3']) await plane.addNode(name)
  return plane
}

const statusOf = async ({ client }: ControlPlane, name: string): Promise<NonNullable<Deployment['status']>> =>
  (await client.get(deployments, name, 'default')).status ?? {}

const isRolledOut = async (plane: ControlPlane, name: string, replicas: number): Promise<boolean> => {
  const { metadata, status } = await plane.client.get(deployments, name, 'default')
  return (
    status?.observedGeneration === metadata.generation &&
    status?.updatedReplicas === replicas &&
    status?.replicas === replicas &&
    status?.availableReplicas === replicas
  )
}

t.test('a Deployment becomes pods, spread over the nodes, and endpoints', async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.create(services, {
    ...inDefault('web'),
    spec: { selector: { app: 'web' }, clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  })
  await client.create(deployments, deploymentFor('web'))
  await until(() => isRolledOut(plane, 'web', 3), 'the rollout')
  const found = await plane.podList('app=web')
  t.same(found.map(({ spec }) => spec.nodeName).sort(), ['n1', 'n2', 'n3'])
  t.match(found[0]?.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]+-\w+$/)
  await until(async () => {
    const slices = (await client.list(endpointSlices, { labelSelector: 'kubernetes.io/service-name=web' })).items
    return slices.length === 1 && slices[0]?.endpoints.filter(({ conditions }) => conditions?.ready).length === 3
  }, 'a slice with three ready endpoints')
  await until(async () => {
    const { subsets } = await client.get(endpoints, 'web', 'default')
    return subsets?.[0]?.addresses?.length === 3 && subsets[0].ports?.[0]?.port === 8080
  }, 'the Endpoints')
  const status = await statusOf(plane, 'web')
  t.match(
    status.conditions?.find(({ type }) => type === 'Available'),
    { status: 'True', reason: 'MinimumReplicasAvailable' },
  )
  await until(
    async () => (await statusOf(plane, 'web')).conditions?.some(({ reason }) => reason === 'NewReplicaSetAvailable'),
    'the Progressing condition',
  )
  const reasons = (await client.list(events, { namespace: 'default' })).items.map(({ reason }) => reason)
  t.ok(reasons.includes('ScalingReplicaSet'))
})

t.test('a ReplicationController keeps its pods', { timeout: 60_000 }, async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.create(replicationControllers, {
    ...inDefault('old'),
    spec: {
      replicas: 3,
      template: {
        metadata: { labels: { app: 'old' } },
        spec: { containers: [{ name: 'main', image: 'podway/echo' }] },
      },
    },
    status: { replicas: 0 },
  })
  const statusOfOld = async () => (await client.get(replicationControllers, 'old', 'default')).status
  await until(async () => (await statusOfOld()).availableReplicas === 3, 'three pods')
  const [first] = await plane.podList('app=old')
  t.match(first?.metadata, { name: /^old-/, generateName: 'old-' })
  t.match(first?.metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'ReplicationController', name: 'old', controller: true },
  ])
  if (first) await client.delete(pods, first)
  await until(
    async () => !(await plane.podList('app=old')).some(({ metadata }) => metadata.uid === first?.metadata.uid),
    'its end',
  )
  await until(async () => (await statusOfOld()).availableReplicas === 3, 'another in its place')
  await plane.request('PATCH', '/api/v1/namespaces/default/replicationcontrollers/old/scale', {
    contentType: 'application/merge-patch+json',
    body: { spec: { replicas: 1 } },
  })
  await until(async () => (await statusOfOld()).replicas === 1, 'fewer')
  t.match(
    (await client.list(events, { namespace: 'default' })).items.find(
      ({ involvedObject }) => involvedObject.kind === 'ReplicationController',
    ),
    { reason: 'SuccessfulCreate', source: { component: 'replication-controller' } },
  )
})

t.test('endpoints tell for whom they are near, when the Service asks', { timeout: 60_000 }, async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.patch(nodes, { metadata: { name: 'n1' } }, { metadata: { labels: { [zoneLabel]: 'z1' } } })
  await client.create(services, {
    ...inDefault('web'),
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }], trafficDistribution: 'PreferSameNode' },
  })
  await client.create(deployments, deploymentFor('web'))
  const hints = async () =>
    (await client.list(endpointSlices)).items
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ targetRef }) => targetRef?.kind === 'Pod')
      .map(({ nodeName, hints }) => [nodeName, hints?.forNodes?.[0]?.name, hints?.forZones?.[0]?.name])
      .sort()
  const wanted = (zone2: string | undefined) => [
    ['n1', 'n1', 'z1'],
    ['n2', 'n2', zone2],
    ['n3', 'n3', undefined],
  ]
  await until(async () => JSON.stringify(await hints()) === JSON.stringify(wanted(undefined)), 'hints for nodes')
  await client.patch(nodes, { metadata: { name: 'n2' } }, { metadata: { labels: { [zoneLabel]: 'z2' } } })
  await until(async () => JSON.stringify(await hints()) === JSON.stringify(wanted('z2')), 'the new zone of n2')
  await client.patch(services, inDefault('web'), { spec: { trafficDistribution: null } })
  await until(async () => (await hints()).every(([, node]) => node === undefined), 'no hints')
  t.same((await hints()).length, 3)
})

t.test('a rolling update keeps enough pods, numbers revisions and goes back', async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  const strategy = { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  await client.create(deployments, deploymentFor('web', { strategy }))
  await until(() => isRolledOut(plane, 'web', 3), 'the rollout')

  let least = 3
  let most = 3
  const stop = new AbortController()
  const watched = (async () => {
    while (!stop.signal.aborted) {
      const all = (await plane.podList('app=web')).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      least = Math.min(least, all.filter(isReady).length)
      most = Math.max(most, all.length)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const before = await client.get(deployments, 'web', 'default')
  await client.patch(deployments, before, { spec: { template: deploymentFor('web', {}, '2').spec.template } })
  await until(() => isRolledOut(plane, 'web', 3), 'the update')
  stop.abort()
  await watched
  t.equal(least, 3, 'never fewer than three ready')
  t.equal(most, 4, 'never more than four')

  const sets = (await client.list(replicaSets, { namespace: 'default' })).items
  t.same(sets.map(({ spec }) => spec.replicas).sort(), [0, 3])
  const revisions = (): Promise<(string | undefined)[]> =>
    client
      .list(replicaSets, { namespace: 'default' })
      .then(({ items }) => items.map(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision']))
  t.same((await revisions()).sort(), ['1', '2'])

  await client.patch(deployments, before, { spec: { template: before.spec.template } })
  await until(() => isRolledOut(plane, 'web', 3), 'the way back')
  t.same((await revisions()).sort(), ['2', '3'])
  t.equal((await client.list(replicaSets, { namespace: 'default' })).items.length, 2, 'the old set is used again')
  await until(async () => {
    const { metadata } = await client.get(deployments, 'web', 'default')
    return metadata.annotations?.['deployment.kubernetes.io/revision'] === '3'
  }, 'the revision of the Deployment')
})

t.test('a broken template does not take the working pods down', async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.create(deployments, deploymentFor('web', { replicas: 4 }))
  await until(() => isRolledOut(plane, 'web', 4), 'the rollout')
  const template = { metadata: { labels: { broken: 'yes' } } }
  await client.patch(deployments, inDefault('web'), { spec: { template } })
  await until(async () => (await plane.podList('app=web,broken')).length === 2, 'the new pods')
  await until(async () => (await statusOf(plane, 'web')).updatedReplicas === 2, 'the status')
  t.equal((await plane.podList('app=web')).filter(isReady).length, 3, 'maxUnavailable 25% of 4')
})

t.test('scaling, pausing, Recreate', async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.create(deployments, deploymentFor('web', { strategy: { type: 'Recreate' } }))
  await until(() => isRolledOut(plane, 'web', 3), 'the rollout')
  await client.patch(deployments, inDefault('web'), { spec: { replicas: 5 } })
  await until(() => isRolledOut(plane, 'web', 5), 'more')
  await client.patch(deployments, inDefault('web'), { spec: { replicas: 1 } })
  await until(() => isRolledOut(plane, 'web', 1), 'fewer')

  await client.patch(deployments, inDefault('web'), {
    spec: { paused: true, template: deploymentFor('web', {}, '2').spec.template },
  })
  await until(
    async () => (await statusOf(plane, 'web')).conditions?.some(({ reason }) => reason === 'DeploymentPaused'),
    'the pause',
  )
  t.equal((await client.list(replicaSets)).items.length, 1, 'nothing new while paused')
  await client.patch(deployments, inDefault('web'), { spec: { paused: false } })
  await until(() => isRolledOut(plane, 'web', 1), 'the update')
  t.equal((await client.list(replicaSets)).items.length, 2)
})

t.test('many pods at once, exactly as many as asked', async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.create(deployments, deploymentFor('many', { replicas: 150 }))
  await until(() => isRolledOut(plane, 'many', 150), 'the rollout', 30_000)
  const found = await plane.podList('app=many')
  t.equal(found.length, 150)
  const perNode = [...Map.groupBy(found, ({ spec }) => spec.nodeName).values()].map(({ length }) => length)
  t.same(perNode, [50, 50, 50])
  const slices = (await client.list(endpointSlices)).items
  t.equal(slices.length, 0, 'no Service, no slices')
})

t.test('deleting a Deployment takes its replica sets and pods along', async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.create(deployments, deploymentFor('web'))
  await until(() => isRolledOut(plane, 'web', 3), 'the rollout')
  await client.delete(deployments, inDefault('web'), { propagationPolicy: 'Foreground' })
  await until(async () => (await client.list(deployments)).items.length === 0, 'the Deployment to be gone')
  t.equal((await client.list(replicaSets)).items.length, 0, 'its dependents went first')
  await until(async () => (await plane.podList()).length === 0, 'the pods to be gone')

  await client.create(deployments, deploymentFor('kept'))
  await until(() => isRolledOut(plane, 'kept', 3), 'the rollout')
  await client.delete(deployments, inDefault('kept'), { propagationPolicy: 'Orphan' })
  await until(async () => (await client.list(deployments)).items.length === 0, 'the Deployment to be gone')
  const [orphan] = (await client.list(replicaSets)).items
  t.same(orphan?.metadata.ownerReferences ?? [], [])
  t.equal((await plane.podList('app=kept')).length, 3)
  await client.create(deployments, deploymentFor('kept'))
  await until(() => isRolledOut(plane, 'kept', 3), 'the adoption')
  t.equal((await client.list(replicaSets)).items[0]?.metadata.uid, orphan?.metadata.uid, 'adopted, not made again')
})

t.test('a pod that loses its labels is released and replaced', async (t) => {
  const plane = await threeNodes(t)
  const { client } = plane
  await client.create(deployments, deploymentFor('web'))
  await until(() => isRolledOut(plane, 'web', 3), 'the rollout')
  const [victim] = await plane.podList('app=web')
  if (!victim) throw new Error('no pod')
  await client.patch(pods, victim, { metadata: { labels: { app: 'other' } } })
  await until(async () => (await plane.podList('app=web')).filter(isReady).length === 3, 'another pod')
  const released = await client.get(pods, victim.metadata.name, 'default')
  t.same(released.metadata.ownerReferences ?? [], [])
})
