import t from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { deployments } from '../../../src/api/resources.ts'

const clientOf = (items: unknown) =>
  createClient({
    request: async () => ({ kind: 'DeploymentList', apiVersion: 'apps/v1', metadata: { resourceVersion: '1' }, items }),
    watch: async function* () {},
  })

t.test('items of a list know what they are, whether the server says so or not', async (t) => {
  const bare = { metadata: { name: 'a' } }
  const whole = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'b' } }
  const { items } = await clientOf([bare, whole]).list(deployments)
  t.strictSame(items, [{ apiVersion: 'apps/v1', kind: 'Deployment', ...bare }, whole])
})

t.test('a list without items is an empty one', async (t) => {
  t.strictSame((await clientOf(null).list(deployments)).items, [])
})

t.test('apply sends what is wanted, as whom, and whether by force', async (t) => {
  const asked: unknown[] = []
  const client = createClient({
    request: async (request) => {
      asked.push(request)
      return request.body
    },
    watch: async function* () {},
  })
  const metadata = { name: 'a', namespace: 'shop' }
  const spec = { selector: {}, template: { metadata: {}, spec: { containers: [] } } }
  await client.apply(deployments, { metadata, spec }, { fieldManager: 'me' })
  await client.apply(deployments, { metadata, spec }, { fieldManager: 'me', force: true })
  const request = {
    ...{ method: 'PATCH', path: '/apis/apps/v1/namespaces/shop/deployments/a' },
    ...{ contentType: 'application/apply-patch+yaml' },
    body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec },
  }
  t.same(asked, [
    { ...request, query: { fieldManager: 'me', force: 'false' } },
    { ...request, query: { fieldManager: 'me', force: 'true' } },
  ])
})
