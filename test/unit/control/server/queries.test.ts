/** What stands in a query is somebody's attack until it is read. */
import t from 'tap'
import { createTestApi } from '../../../support/api-server.ts'
import { cpuMs } from '../../../support/cpu-time.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'
const token = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

t.test('queries that cannot be read are told so', async (t) => {
  const api = await createTestApi()
  await api.request('POST', configMaps, { body: { metadata: { name: 'c', labels: { a: 'b' } } } })
  const long = 'a'.repeat(15_000)
  const refused: Readonly<Record<string, string>> = {
    'a limit that is no number': 'limit=many',
    'a limit of another base': 'limit=0x10',
    'a limit without end': `limit=${'9'.repeat(10_000)}`,
    'a fraction': 'limit=1.5',
    'a version that is no number': 'resourceVersion=-1',
    'a version without end': `resourceVersion=${'9'.repeat(400)}`,
    'a token that is none': 'continue=%00%ff',
    'a token of another form': `continue=${token(['x'])}`,
    'a token of nothing': `continue=${token(null)}`,
    'a token that names no version': `continue=${token({ revision: 'x', after: 'a' })}`,
    'a field that is none': 'fieldSelector=data.x=y',
    'a name of the language': 'fieldSelector=constructor=y',
    'another name of the language': 'fieldSelector=__proto__=y',
    'a selector without end': `labelSelector=${'('.repeat(15_000)}`,
    'a long name of a label': `labelSelector=${long}=b`,
    'a long value of a label': `labelSelector=a=${long}`,
    'blanks without end': `labelSelector=a${'%20'.repeat(5_000)}b`,
    'a list without end': `labelSelector=a in (${','.repeat(10_000)}`,
    'a line in a label': 'labelSelector=a=b%0ac',
    'timeouts that are none': 'watch=1&timeoutSeconds=soon',
  }
  for (const [name, query] of Object.entries(refused)) {
    const ask = () => api.request('GET', `${configMaps}?${query}`)
    const { code, body } = await ask()
    t.equal(code, 400, name)
    t.ok((await cpuMs(async () => void (await ask()))) < 500, `${name}: at once`)
    t.ok(JSON.stringify(body).length < 40_000, `${name}: a short answer`)
  }
  const { body } = await api.request('GET', `${configMaps}?limit=999999999999&labelSelector=a%3Db`)
  t.equal((body['items'] as unknown as unknown[]).length, 1, 'more than there is')
})

t.test('a watch that is asked for years ends within a day, and not at once', async (t) => {
  const api = await createTestApi()
  const { stop } = await api.watch(`${configMaps}?watch=1&timeoutSeconds=99999999999`)
  let hasEnded = false
  const ended = stop().then(() => {
    hasEnded = true
  })
  await ended
  t.ok(hasEnded)

  const second = await api.watch(`${configMaps}?watch=1&timeoutSeconds=99999999999&allowWatchBookmarks=1`)
  api.clock.advance(86_400_000)
  t.equal(second.events.at(-1)?.type, 'BOOKMARK')
  await second.stop()
})

t.test('a bookmark has the form of the events that it is among', async (t) => {
  const api = await createTestApi()
  await api.request('POST', configMaps, { body: { metadata: { name: 'c' } } })
  const bookmarkAs = async (accept: string, query = '') => {
    const { events, stop } = await api.watch(`${configMaps}?watch=1&allowWatchBookmarks=1${query}`, accept)
    api.clock.advance(30_000)
    await stop()
    const [first, last] = [events[0], events.at(-1)]
    t.equal(last?.type, 'BOOKMARK')
    t.equal(last?.object['kind'], first?.object['kind'], accept)
    t.equal(last?.object['apiVersion'], first?.object['apiVersion'], accept)
    return last?.object
  }
  const metadata = { resourceVersion: /^\d+$/, creationTimestamp: null }
  const as = (form: string, version = 'v1') => `application/json;as=${form};g=meta.k8s.io;v=${version}`
  t.match(await bookmarkAs('application/json'), { kind: 'ConfigMap', apiVersion: 'v1', metadata })
  t.match(await bookmarkAs(as('PartialObjectMetadata')), { kind: 'PartialObjectMetadata', metadata })
  t.match(await bookmarkAs(as('PartialObjectMetadata', 'v1beta1')), { apiVersion: 'meta.k8s.io/v1beta1', metadata })
  t.match(await bookmarkAs(as('Table')), { kind: 'Table', rows: [{ object: { metadata } }] })
  t.match(await bookmarkAs(as('Table'), '&includeObject=None'), { rows: [{ object: null }] })

  const initial = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'
  const { events, stop } = await api.watch(
    `${configMaps}?watch=1&allowWatchBookmarks=1${initial}`,
    as('PartialObjectMetadata'),
  )
  await stop()
  const end = { annotations: { 'k8s.io/initial-events-end': 'true' } }
  t.match(events.at(-1), { type: 'BOOKMARK', object: { kind: 'PartialObjectMetadata', metadata: end } })
})
