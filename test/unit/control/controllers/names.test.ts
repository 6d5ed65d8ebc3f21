import t from 'tap'
import { deployments, pods, replicaSets } from '../../../../src/api/resources.ts'
import { controllerNames, disabledControllers } from '../../../../src/control/controllers/names.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const enabled = (selection: string) => {
  const disabled = disabledControllers(selection)
  return controllerNames.filter((name) => !disabled.includes(name))
}

t.test('controllers are switched as by kube-controller-manager', async (t) => {
  t.same(disabledControllers('*'), [])
  t.same(disabledControllers('*,-deployment, -csrsigning'), [
    'certificatesigningrequest-signing-controller',
    'deployment-controller',
  ])
  t.same(disabledControllers('-deployment-controller,*'), ['deployment-controller'], 'in any order')
  t.same(enabled('replicaset,garbage-collector-controller'), ['replicaset-controller', 'garbage-collector-controller'])
  t.same(enabled('deployment,-deployment'), ['deployment-controller'], 'what comes first counts')
  t.same(enabled('-deployment'), [], 'without a star, what is not named does not run')
  t.same(enabled(''), [])
})

t.test('a name that no controller has is refused', async (t) => {
  for (const word of ['nothing', '-nothing', '-*', '--deployment', 'Deployment', 'kube-scheduler', '__proto__'])
    t.throws(() => disabledControllers(`*,${word}`), { message: /is not in the list of known controllers: .*deploy/ })
})

t.test('what others run is left to them', async (t) => {
  const plane = await startControlPlane(t, { disabled: ['deployment-controller', 'kube-scheduler'] })
  await plane.addNode('n')
  const spec = {
    ...{ replicas: 1, selector: { matchLabels: { app: 'a' } } },
    template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  }
  const metadata = { name: 'a', namespace: 'default' }
  await plane.client.create(deployments, { metadata, spec })
  await plane.client.create(replicaSets, { metadata, spec })
  await until(async () => (await plane.client.get(replicaSets, 'a', 'default')).status?.replicas === 1, 'a pod')
  const { items } = await plane.client.list(pods)
  t.same(
    items.map((pod) => [pod.metadata.ownerReferences?.[0]?.kind, pod.spec.nodeName]),
    [['ReplicaSet', undefined]],
  )
  t.equal((await plane.client.get(deployments, 'a', 'default')).status?.observedGeneration, undefined)
  t.equal((await plane.client.list(replicaSets)).items.length, 1)
})
