import t from 'tap'
import { pods, replicaSets } from '../../../../../src/api/resources.ts'
import type { ReplicaSet } from '../../../../../src/api/types/index.ts'
import { claim, sortClaims } from '../../../../../src/controller/ownership.ts'
import { startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'echo' }] } }
const draft = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { replicas: 1, selector: { matchLabels: labels }, template },
}

t.test('an owner that is another one by now, or goes, adopts nothing whatever the copy says', async (t) => {
  const { client } = await startControlPlane(t, { disabled: ['replicaset-controller', 'kube-scheduler'] })
  const adopt = async (owner: ReplicaSet) => {
    const orphan = await client.create(pods, {
      metadata: { name: '', generateName: 'p-', namespace: 'default', labels },
      spec: template.spec,
    })
    const claims = sortClaims(owner, () => true, [orphan])
    return (await claim(client, [replicaSets, owner], pods, claims)).map(({ metadata }) => metadata.ownerReferences)
  }
  const before = await client.create(replicaSets, draft)
  t.match(await adopt(before), [[{ uid: before.metadata.uid, controller: true }]])
  await client.delete(replicaSets, before)
  await t.rejects(adopt(before), { code: 404 })
  const after = await client.create(replicaSets, { ...draft, metadata: { ...draft.metadata, finalizers: ['x.y/z'] } })
  await t.rejects(adopt(before), { message: /is being deleted and adopts nothing/ }, 'another of the same name')
  await client.delete(replicaSets, after)
  await t.rejects(adopt(after), { message: /is being deleted and adopts nothing/ }, 'it waits for its finalizer')
})

t.test('what the API refuses is tried once, told, and is in the status', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.request('POST', '/api/v1/namespaces/default/resourcequotas', {
    body: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { pods: '2' } } },
  })
  await client.create(replicaSets, { ...draft, spec: { ...draft.spec, replicas: 9 } })
  const failure = async () =>
    (await client.get(replicaSets, 'web', 'default')).status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  t.match(await until(failure, 'the condition'), { reason: 'FailedCreate', message: /exceeded quota: q/ })
  t.equal((await plane.podList()).length, 2)
})
