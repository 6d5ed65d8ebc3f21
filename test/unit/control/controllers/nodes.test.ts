import t from 'tap'
import {
  deployments,
  endpointSlices,
  ingressClasses,
  ingresses,
  namespaces,
  nodes,
  pods,
  services,
  statefulSets,
} from '../../../../src/api/resources.ts'
import type { Node } from '../../../../src/api/types/index.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const inDefault = (name: string) => ({ metadata: { name, namespace: 'default' } })

const web = {
  ...inDefault('web'),
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'echo' }] } },
  },
}

const readyOf = (node: Node | undefined): string | undefined =>
  node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status

t.test('every node gets its own part of the pod addresses, and keeps it', async (t) => {
  const plane = await startControlPlane(t)
  for (const name of ['n1', 'n2', 'n3']) await plane.addNode(name)
  const cidrs = await until(async () => {
    const found = (await plane.client.list(nodes)).items.map(({ spec }) => spec?.podCIDR)
    return found.every((cidr) => cidr !== undefined) && found
  }, 'the podCIDRs')
  t.same(new Set(cidrs).size, 3)
  t.ok(cidrs.every((cidr) => /^10\.244\.\d+\.0\/24$/.test(cidr ?? '')))
})

t.test('a silent node: not ready, out of the endpoints, then its pods elsewhere', async (t) => {
  const plane = await startControlPlane(t, { nodeMonitorGraceSeconds: 1, evictionSeconds: 1 })
  const { client } = plane
  for (const name of ['n1', 'n2']) await plane.addNode(name)
  await client.create(services, {
    ...inDefault('web'),
    spec: { selector: { app: 'web' }, clusterIP: '10.96.0.9', ports: [{ port: 80 }] },
  })
  await client.create(deployments, web)
  const readyEndpoints = async (): Promise<readonly (string | undefined)[]> =>
    (await client.list(endpointSlices)).items.flatMap(({ endpoints }) =>
      endpoints.filter(({ conditions }) => conditions?.ready).map(({ nodeName }) => nodeName),
    )
  await until(async () => (await readyEndpoints()).length === 4, 'four endpoints')
  t.ok((await readyEndpoints()).includes('n2'))

  plane.setBeating(['n1'])
  await until(async () => readyOf(await client.get(nodes, 'n2')) === 'Unknown', 'the node to be not ready')
  await until(async () => !(await readyEndpoints()).includes('n2'), 'its pods to leave the endpoints')
  const silent = await client.get(nodes, 'n2')
  t.match(silent.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`).sort(), [
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ])
  await until(async () => (await readyEndpoints()).length === 4, 'the replacements')
  t.same(new Set(await readyEndpoints()), new Set(['n1']))
  const left = (await plane.podList()).filter(({ spec }) => spec.nodeName === 'n2')
  t.ok(left.length > 0 && left.every(({ metadata }) => metadata.deletionTimestamp), 'the old ones wait for their node')

  plane.setBeating(['n1', 'n2'])
  const ready = [{ type: 'Ready', status: 'True' as const, lastHeartbeatTime: new Date().toISOString() }]
  await client.patch(nodes, silent, { status: { conditions: ready } }, 'status')
  await until(async () => ((await client.get(nodes, 'n2')).spec?.taints ?? []).length === 0, 'the taints to go')
})

t.test('a node that is out of service: what must not be there twice comes back elsewhere under its name', async (t) => {
  const plane = await startControlPlane(t, { nodeMonitorGraceSeconds: 1, evictionSeconds: 3_600 })
  const { client } = plane
  for (const name of ['n1', 'n2']) await plane.addNode(name)
  const { selector, template } = web.spec
  await client.create(statefulSets, {
    ...inDefault('set'),
    spec: { selector, template, serviceName: 'set', updateStrategy: {} },
    status: { replicas: 0, availableReplicas: 0 },
  })
  const find = async () => (await plane.podList()).find(({ metadata }) => metadata.name === 'set-0')
  const first = await until(async () => {
    const pod = await find()
    return pod?.status?.podIP !== undefined && pod
  }, 'the pod')
  const node = first.spec.nodeName ?? ''
  plane.setBeating(['n1', 'n2'].filter((name) => name !== node))
  const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' as const }]
  await until(async () => readyOf(await client.get(nodes, node)) === 'Unknown', 'the node to be not ready')
  t.equal((await find())?.metadata.uid, first.metadata.uid, 'until somebody says so, the pod may still run')
  await client.patch(nodes, { metadata: { name: node } }, { spec: { taints } })
  const second = await until(async () => {
    const pod = await find()
    return pod?.metadata.uid !== first.metadata.uid && pod?.spec.nodeName !== undefined && pod
  }, 'the pod elsewhere')
  t.not(second.spec.nodeName, node)
})

t.test('all silent at once: nobody is judged', async (t) => {
  const plane = await startControlPlane(t, { nodeMonitorGraceSeconds: 1, evictionSeconds: 0 })
  for (const name of ['n1', 'n2']) await plane.addNode(name)
  await plane.client.create(deployments, web)
  await until(async () => (await plane.podList()).filter(({ status }) => status?.podIP).length === 4, 'the pods')
  plane.setBeating([])
  const since = Date.now()
  await until(() => Date.now() - since > 2_500, 'more than the grace period')
  const all = (await plane.client.list(nodes)).items
  t.same(all.map(readyOf), ['True', 'True'])
  t.ok((await plane.podList()).every(({ metadata }) => metadata.deletionTimestamp === undefined))
})

t.test('a namespace goes with all that is in it', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.addNode('n1')
  await client.create(namespaces, { metadata: { name: 'team' } })
  await client.create(deployments, { ...web, metadata: { name: 'web', namespace: 'team' } })
  const inTeam = async (): Promise<number> => (await client.list(pods, { namespace: 'team' })).items.length
  await until(async () => (await inTeam()) === 4, 'the pods')
  await client.delete(namespaces, { metadata: { name: 'team' } })
  await until(
    async () => !(await client.list(namespaces)).items.some(({ metadata }) => metadata.name === 'team'),
    'the end',
  )
  t.equal(await inTeam(), 0)
  t.equal((await client.list(deployments)).items.length, 0)
})

t.test('Ingresses of our class say where they are served', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.addNode('n1')
  await client.create(ingressClasses, { metadata: { name: 'podway' }, spec: { controller: 'podway.dev/ingress' } })
  await client.create(ingressClasses, { metadata: { name: 'other' }, spec: { controller: 'example.com/other' } })
  const backend = { service: { name: 'web', port: { number: 80 } } }
  for (const name of ['podway', 'other'])
    await client.create(ingresses, { ...inDefault(name), spec: { ingressClassName: name, defaultBackend: backend } })
  await until(async () => {
    const { status } = await client.get(ingresses, 'podway', 'default')
    return status?.loadBalancer?.ingress?.[0]?.ip === '172.30.0.11'
  }, 'the address')
  t.notOk((await client.get(ingresses, 'other', 'default')).status?.loadBalancer?.ingress?.length)
})
