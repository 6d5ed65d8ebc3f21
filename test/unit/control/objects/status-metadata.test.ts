/** What a write of the status does with the metadata that comes with it. */
import t from 'tap'
import { createTestApi, type Json, type TestApi } from '../../../support/api-server.ts'

const contentType = 'application/merge-patch+json'
const marks = { labels: { a: 'b' }, annotations: { c: 'd' } }

const marksAfter = async (api: TestApi, collection: string, made: object): Promise<Json | undefined> => {
  const { code, body } = await api.request('POST', collection, { body: { metadata: { name: 'x' }, ...made } })
  t.equal(code, 201, String(body['message']))
  const body2 = { metadata: marks, status: {} }
  const patched = await api.request('PATCH', `${collection}/x/status`, { contentType, body: body2 })
  t.equal(patched.code, 200, String(patched.body['message']))
  t.strictSame(patched.body['spec'], body['spec'])
  const { labels, annotations } = patched.body['metadata'] as unknown as Record<string, Json>
  return JSON.parse(JSON.stringify({ labels, annotations }))
}

const inDefault = (group: string, plural: string) => `/apis/${group}/namespaces/default/${plural}`
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }

t.test('it is written, too; a Deployment keeps its labels, and a custom kind all of it', async (t) => {
  const api = await createTestApi({ bundled: true })
  const rules = [{ host: 'a.example.com' }]
  t.strictSame(await marksAfter(api, inDefault('networking.k8s.io/v1', 'ingresses'), { spec: { rules } }), marks)
  t.strictSame(await marksAfter(api, '/api/v1/namespaces/default/pods', { spec: template.spec }), marks)
  const selector = { matchLabels: { app: 'a' } }
  t.strictSame(await marksAfter(api, inDefault('apps/v1', 'deployments'), { spec: { selector, template } }), {
    annotations: marks.annotations,
  })
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }]
  const gateway = { spec: { gatewayClassName: 'c', listeners } }
  t.strictSame(await marksAfter(api, inDefault('gateway.networking.k8s.io/v1', 'gateways'), gateway), {})
})

t.test('who wrote it is known as its manager', async (t) => {
  const api = await createTestApi({ bundled: true })
  const ingresses = inDefault('networking.k8s.io/v1', 'ingresses')
  await marksAfter(api, ingresses, { spec: { rules: [{ host: 'a.example.com' }] } })
  const { body } = await api.request('GET', `${ingresses}/x`)
  const entries = body['metadata']?.['managedFields'] as unknown as Json[]
  const writer = entries.find((entry) => String(entry['subresource']) === 'status')
  t.strictSame(Object.keys(writer?.['fieldsV1']?.['f:metadata'] ?? {}).sort(), ['f:annotations', 'f:labels'])
})
