import t from 'tap'
import { renderEvent, renderList } from '../../../../src/control/server/render.ts'
import { createTestApi } from '../../../support/api-server.ts'

const metadata = { resourceVersion: '7' }

t.test('a list is the JSON of its parts; items of built-in kinds come without kind and apiVersion', async (t) => {
  const items = [
    { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a"}]' } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b' } },
    { metadata: { name: 'c' }, kind: 'Pod', apiVersion: 'v1' },
    { kind: 'Pod', apiVersion: 'v1' },
  ]
  const list = { kind: 'PodList', apiVersion: 'v1', metadata, items }
  t.strictSame(JSON.parse([...renderList(list, false)].join('')), list)
  const bare = items.map(({ metadata }) => (metadata ? { metadata } : {}))
  t.strictSame(JSON.parse([...renderList(list, true)].join('')), { ...list, items: bare })
  t.strictSame(JSON.parse([...renderList(list, true)].join('')), { ...list, items: bare }, 'the same again')
  t.strictSame(JSON.parse([...renderList({ ...list, items: [] }, true)].join('')), { ...list, items: [] })
})

t.test('an event is one line', async (t) => {
  const event = { type: 'ADDED', object: { kind: 'Pod', metadata: { name: 'a\nb' } } } as const
  const line = String(renderEvent(event))
  t.match(line, /^[^\n]*\n$/)
  t.strictSame(JSON.parse(line), event)
})

t.test('what many watch is made once for each type of event', async (t) => {
  const object = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } }
  const added = renderEvent({ type: 'ADDED', object })
  t.equal(renderEvent({ type: 'ADDED', object }), added)
  t.strictSame(JSON.parse(String(renderEvent({ type: 'DELETED', object }))), { type: 'DELETED', object })
  t.strictSame(JSON.parse(String(renderEvent({ type: 'DELETED', object: { ...object, kind: 'Node' } }))), {
    type: 'DELETED',
    object: { ...object, kind: 'Node' },
  })
})

t.test('a long list comes in parts', async (t) => {
  const items = Array.from({ length: 1_000 }, (_, n) => ({ metadata: { name: `p-${n}` }, text: 'x'.repeat(1_000) }))
  const list = { kind: 'PodList', apiVersion: 'v1', metadata, items }
  const parts = [...renderList(list, true)]
  t.equal(parts.length, 8)
  t.strictSame(JSON.parse(parts.join('')), list)
})

t.test('lists of the API: built-in kinds and custom ones', async (t) => {
  const api = await createTestApi({ bundled: true })
  const configMaps = '/api/v1/namespaces/default/configmaps'
  await api.request('POST', configMaps, { body: { metadata: { name: 'a' }, data: { b: 'c' } } })
  const listed = await api.request('GET', configMaps)
  t.equal(listed.body['kind'], 'ConfigMapList')
  t.strictSame(Object.keys(listed.body['items']?.[0] ?? {}).sort(), ['data', 'metadata'])
  const classes = '/apis/gateway.networking.k8s.io/v1/gatewayclasses'
  await api.request('POST', classes, { body: { metadata: { name: 'a' }, spec: { controllerName: 'example.com/c' } } })
  t.equal((await api.request('GET', classes)).body['items']?.[0]?.['kind'], 'GatewayClass')
  const removed = await api.request('DELETE', configMaps)
  t.strictSame([removed.body['kind'], removed.body['items']?.[0]?.['kind']], ['ConfigMapList', undefined])
})
