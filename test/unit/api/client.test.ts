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
