/** The example operator over the whole API in memory, with all controllers, as the account that its manifest gives it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import '../../support/own-package.ts'
import type { Client } from '../../../src/api/client.ts'
import { isNotFound } from '../../../src/api/errors.ts'
import { deployments, events, groupVersion, type Resource, services } from '../../../src/api/resources.ts'
import type { KubeObject } from '../../../src/api/types/index.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts'
import { until } from '../../support/until.ts'

const { runOperator } = await import('../../../examples/operator/operator.ts')
const { deploymentOf, statusOf } = await import('../../../examples/operator/wanted.ts')
const { websites } = await import('../../../examples/operator/website.ts')

const example = join(import.meta.dirname, '../../../examples/operator')

const documents = (file: string): readonly KubeObject[] =>
  parseAllDocuments(readFileSync(join(example, file), 'utf8')).map((each) => each.toJS())

const account = 'system:serviceaccount:website-operator:website-operator'

const install = async ({ request }: ControlPlane): Promise<void> => {
  const places: Readonly<Record<string, string>> = {
    CustomResourceDefinition: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    Namespace: '/api/v1/namespaces',
    ServiceAccount: '/api/v1/namespaces/website-operator/serviceaccounts',
    ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/website-operator/roles',
    RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/website-operator/rolebindings',
  }
  for (const body of documents('manifest.yaml')) {
    const { code, body: answer } = await request('POST', places[body.kind] ?? '', { body })
    if (code !== 201) throw new Error(`${body.kind}: ${JSON.stringify(answer)}`)
  }
}

interface Running extends ControlPlane {
  createWebsite(name: string, spec: object): Promise<void>
}

const start = async (t: Test): Promise<Running> => {
  const plane = await startControlPlane(t)
  await plane.addNode('n1')
  await install(plane)
  const { client } = plane
  await until(() => client.serves(websites), 'the kind Website')
  const stop = new AbortController()
  const user = { name: account, groups: ['system:serviceaccounts', 'system:authenticated'] }
  const running = runOperator(plane.as(user), silentLogger, stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const createWebsite: Running['createWebsite'] = async (name, spec) => {
    const body = { apiVersion: groupVersion(websites), kind: 'Website', metadata: { name }, spec }
    const { code, body: answer } = await plane.request('POST', '/apis/example.com/v1/namespaces/default/websites', {
      body,
    })
    if (code !== 201) throw new Error(JSON.stringify(answer))
  }
  return { ...plane, createWebsite }
}

const find = async <T extends KubeObject>(client: Client, resource: Resource<T>, name: string) => {
  try {
    return await client.get(resource, name, 'default')
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const readiness = async ({ client }: ControlPlane, name: string) => {
  const { status } = await client.get(websites, name, 'default')
  return status?.conditions?.find(({ type }) => type === 'Ready')
}

t.test('a Website becomes a Deployment and a Service, and says when its pods are ready', async (t) => {
  const plane = await start(t)
  const { client } = plane
  await plane.createWebsite('hello', { image: 'podway/echo', replicas: 2 })
  await until(async () => (await readiness(plane, 'hello'))?.status === 'True', 'a ready Website')
  t.match((await client.get(websites, 'hello', 'default')).status, { observedGeneration: 1, readyReplicas: 2 })
  t.match(await find(client, services, 'hello'), {
    spec: { selector: { 'example.com/website': 'hello' }, ports: [{ port: 80, targetPort: 8080 }] },
  })

  await client.patch(websites, { metadata: { name: 'hello', namespace: 'default' } }, { spec: { replicas: 3 } })
  await until(async () => (await client.get(websites, 'hello', 'default')).status?.readyReplicas === 3, 'three pods')

  await client.patch(deployments, { metadata: { name: 'hello', namespace: 'default' } }, { spec: { replicas: 7 } })
  await until(
    async () => (await find(client, deployments, 'hello'))?.spec.replicas === 3,
    'what somebody has changed by hand to be as it was',
  )
  await client.delete(services, { metadata: { name: 'hello', namespace: 'default' } })
  await until(() => find(client, services, 'hello'), 'the Service again')

  await client.delete(websites, { metadata: { name: 'hello', namespace: 'default' } })
  await until(
    async () => !(await find(client, deployments, 'hello')) && !(await find(client, services, 'hello')),
    'all of it to go with the Website',
  )
})

t.test('what is not its own is left alone, and one Website that cannot be stops no other', async (t) => {
  const plane = await start(t)
  const { client } = plane
  const metadata = { name: 'taken', namespace: 'default' }
  const foreign = { metadata, spec: { selector: { app: 'other' }, ports: [{ port: 1234 }] } }
  await client.create(services, foreign)
  await plane.createWebsite('taken', { image: 'podway/echo' })
  // A good name of a Website, and none of a Service.
  await plane.createWebsite('a.b', { image: 'podway/echo' })
  await plane.createWebsite('good', { image: 'podway/echo' })
  await until(async () => (await readiness(plane, 'good'))?.status === 'True', 'the good one')
  for (const [name, words] of [
    ['taken', /Service default\/taken exists and is not made for this Website/],
    ['a.b', /Service "a.b" is invalid/],
  ] as const) {
    await until(async () => (await readiness(plane, name))?.reason === 'FailedSync', `what is wrong with ${name}`)
    t.match(await readiness(plane, name), { status: 'False', message: words })
    await until(
      async () =>
        (await client.list(events, { namespace: 'default' })).items.some(
          ({ involvedObject, reason }) => involvedObject.name === name && reason === 'FailedSync',
        ),
      `an Event of ${name}`,
    )
  }
  t.match(await find(client, services, 'taken'), { spec: foreign.spec })
  t.notOk((await find(client, services, 'taken'))?.metadata.ownerReferences)

  await client.delete(services, { metadata })
  await until(async () => (await readiness(plane, 'taken'))?.status === 'True', 'it to go on once the name is free')
})

t.test('the status', (t) => {
  const website = {
    ...{ apiVersion: 'example.com/v1', kind: 'Website' },
    metadata: { name: 'w', namespace: 'default', uid: 'u', generation: 4 },
    spec: { image: 'i', replicas: 2, port: 80 },
  }
  const deployment = (readyReplicas: number) => ({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
    ...deploymentOf(website),
    status: { readyReplicas },
  })
  const before = statusOf(website, { deployment: deployment(1), problem: undefined }, '2026-01-01T00:00:00Z')
  t.same(before, {
    observedGeneration: 4,
    readyReplicas: 1,
    conditions: [
      {
        ...{ type: 'Ready', status: 'False', reason: 'PodsNotReady', message: '1 of 2 pods are ready' },
        ...{ observedGeneration: 4, lastTransitionTime: '2026-01-01T00:00:00Z' },
      },
    ],
  })
  const later = (observed: Parameters<typeof statusOf>[1]) =>
    statusOf({ ...website, status: before }, observed, '2026-01-02T00:00:00Z').conditions?.[0]
  t.match(later({ deployment: undefined, problem: undefined }), { message: '0 of 2 pods are ready' })
  t.match(later({ deployment: deployment(2), problem: 'x' }), { reason: 'FailedSync', message: 'x' })
  t.match(later({ deployment: deployment(1), problem: 'x' }), { lastTransitionTime: '2026-01-01T00:00:00Z' })
  t.match(later({ deployment: deployment(2), problem: undefined }), {
    ...{ status: 'True', reason: 'PodsReady', lastTransitionTime: '2026-01-02T00:00:00Z' },
  })
  t.end()
})
