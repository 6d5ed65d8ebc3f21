import { readFileSync } from 'node:fs'
import t from 'tap'
import { answerHttp, answerUdp, clientOf } from '../../../../src/agent/echo/answer.ts'
import { echoIdentity } from '../../../../src/agent/echo/echo.ts'

const identity = { pod: 'web-1', node: 'node-a', namespace: 'default' }
const request = (url: string, headers = {}) => ({
  method: 'GET',
  url,
  headers,
  client: { address: '10.1.0.9', port: 5 },
})

t.test('JSON by default', async (t) => {
  const { status, type, body } = answerHttp(identity, request('/a?b=c', { host: 'web.lab' }), true)
  t.same([status, type], [200, 'application/json'])
  t.same(JSON.parse(body), {
    ...identity,
    ...{ client: '10.1.0.9', clientPort: 5, method: 'GET', path: '/a?b=c', headers: { host: 'web.lab' } },
  })
})

t.test('plain text when asked for', async (t) => {
  const wanted = 'pod: web-1\nnode: node-a\nnamespace: default\nclient: 10.1.0.9\nclientPort: 5\nmethod: GET\n'
  t.equal(answerHttp(identity, request('/?plain'), true).body, `${wanted}path: /?plain\n\n`)
  t.equal(
    answerHttp(identity, request('/', { accept: 'text/plain' }), true).body,
    `${wanted}path: /\n\naccept: text/plain\n`,
  )
  t.equal(answerHttp(identity, request('/plain'), true).type, 'application/json')
})

t.test("nothing is told of the server's own settings", async (t) => {
  const server = { ...identity, lameDuckMs: 3000, port: 8080, say: () => 'hello' }
  for (const url of ['/', '/?plain'])
    t.equal(answerHttp(server, request(url), true).body, answerHttp(identity, request(url), true).body)
  const client = { address: '10.1.0.9', port: 5 }
  t.equal(answerUdp(server, client, 3), answerUdp(identity, client, 3))
})

t.test('the pods of the demo know all that is told', async (t) => {
  const demo = readFileSync(new URL('../../../../examples/demo.yaml', import.meta.url), 'utf8')
  for (const name of ['POD_NAME', 'POD_NAMESPACE', 'NODE_NAME']) t.match(demo, `- name: ${name}\n`)
})

t.test('health and readiness', async (t) => {
  t.match(answerHttp(identity, request('/healthz'), false), { status: 200 })
  t.match(answerHttp(identity, request('/readyz?x'), true), { status: 200, body: 'ok\n' })
  t.match(answerHttp(identity, request('/readyz'), false), { status: 503 })
})

t.test('datagrams', async (t) => {
  t.same(JSON.parse(answerUdp(identity, { address: '10.1.0.9', port: 5 }, 3)), {
    ...identity,
    ...{ client: '10.1.0.9', clientPort: 5, protocol: 'UDP', bytes: 3 },
  })
})

t.test('who is who', async (t) => {
  t.same(clientOf('::ffff:10.1.0.9', 5), { address: '10.1.0.9', port: 5 })
  t.same(clientOf('::ffff:a01:9', 5), { address: '::ffff:a01:9', port: 5 })
  t.same(clientOf('fd00::1', 5), { address: 'fd00::1', port: 5 })
  t.same(echoIdentity({ NODE_NAME: 'node-a' }, 'host'), { pod: 'host', node: 'node-a', namespace: '' })
  t.same(echoIdentity({ POD_NAME: 'web', POD_NAMESPACE: 'x' }, 'host'), { pod: 'web', node: '', namespace: 'x' })
})
