/**
 * The corpus of tricks over real sockets. A request is refused, its connection closed and nothing of it served; or it is
 * forwarded as exactly the request that it is. No answer of a backend reaches anybody that it is not for.
 */
import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { BackendKey } from '../../src/proxy/ingress/policy/backend-key.ts'
import { compileHost } from '../../src/proxy/ingress/routes/paths.ts'
import { type AnswerCase, answerCases } from '../support/corpus/answers.ts'
import * as framing from '../support/corpus/framing.ts'
import * as heads from '../support/corpus/heads.ts'
import {
  chunked,
  post,
  type RequestCase,
  type RequestCases,
  sentinel,
  smuggled,
} from '../support/corpus/request-case.ts'
import { mutatedRequest } from '../support/http-mutations.ts'
import { dial, type Peer } from '../support/raw-http.ts'
import { type Recorded, recordRequests } from '../support/recording-backend.ts'
import { everythingTo, onPorts, startRelay, web } from '../support/relay-fixture.ts'
import { rounds, seedOr } from '../support/rounds.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const groups: Readonly<Record<string, RequestCases>> = { ...framing, ...heads }

/** The statuses of the final answers in what a client heard. */
const statusesOf = (text: string): readonly number[] =>
  [...text.matchAll(/HTTP\/1\.1 ([2-9]\d\d) /g)].map(([, status]) => Number(status))

/** All that a client hears. Told by the event, not by asking again and again: the cases are many. */
const allOf = async ({ socket, heard }: Peer): Promise<string> => {
  // A reset is one way to end; that nothing ends shows in how the connection is.
  await once(socket, 'end', { signal: AbortSignal.timeout(5_000) }).catch(() => {})
  return heard()
}

/** Half-way through a body the relay cuts the connection of a client that has gone. */
const closed = async ({ socket }: Peer): Promise<void> => {
  socket.resume()
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(5_000) }).catch(() => {})
}

const describe = ({ method, target, fields, body }: Recorded['requests'][number]): string => {
  const length = fields.find((name, at) => at % 2 === 0 && /^(content-length|transfer-encoding)$/i.test(name))
  const framing = length === undefined ? '' : ` ${fields[fields.indexOf(length) + 1]}`
  return `${method} ${target}${framing}${body === '' ? '' : ` ${JSON.stringify(body)}`}`
}

const checkRequest = async (t: Test, name: string, wanted: RequestCase, port: number, backend: Recorded) => {
  backend.forget()
  const client = dial(port)
  client.say(wanted.bytes + sentinel)
  const answers = statusesOf(await allOf(client))
  client.socket.destroy()
  const got = { answers, end: client.end(), backend: backend.requests.map(describe) }
  t.same(got, { answers: wanted.answers, end: 'end', backend: wanted.backend }, name)
  const heard = backend.heard().toLowerCase()
  for (const text of wanted.has ?? []) t.ok(heard.includes(text.toLowerCase()), `${name}: ${text}`)
  for (const text of wanted.lacks ?? []) t.notOk(heard.includes(text.toLowerCase()), `${name}: no ${text}`)
}

for (const [group, cases] of Object.entries(groups))
  t.test(`requests: ${group}`, async (t) => {
    const backend = await recordRequests(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    const { relay, port } = await startRelay(t, [backend.port])
    const nobody = compileHost('nobody.lab', [], true).paths
    relay.apply({ tables: [{ entry: 'http', hosts: [['nobody.lab', nobody]] }], backends: [] })
    for (const [name, wanted] of Object.entries(cases)) await checkRequest(t, name, wanted, port, backend)
  })

const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)

const checkAnswer = async (t: Test, name: string, wanted: AnswerCase) => {
  const next = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext'
  const backend = await recordRequests(t, ({ target }) =>
    target === '/x' ? { text: wanted.bytes, closes: wanted.closes } : next,
  )
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.say(`${wanted.method ?? 'GET'} /x HTTP/1.1\r\nHost: a.lab\r\n\r\n${sentinel}`)
  const heard = await allOf(client)
  client.socket.destroy()
  // Early answers are left out: the first final one counts.
  const text = heard.slice(heard.search(/HTTP\/1\.1 [2-9]/))
  const mark = text.lastIndexOf('HTTP/1.1 200 OK')
  const goesOn = text.endsWith('\r\n\r\nnext')
  const own = goesOn ? text.slice(0, mark) : text
  const isCut = client.end() === 'reset'
  const got = { status: statusesOf(own)[0], body: isCut ? undefined : bodyOf(own), goesOn }
  t.same(got, { status: wanted.status, body: wanted.body, goesOn: wanted.goesOn }, name)
  for (const text of wanted.lacks ?? []) t.notOk(own.toLowerCase().includes(text.toLowerCase()), `${name}: no ${text}`)
}

t.test('answers', async (t) => {
  for (const [name, wanted] of Object.entries(answerCases)) await checkAnswer(t, name, wanted)
})

/** A request with a body whose backend fails, so that the one for error pages is asked. */
const failing = async (t: Test, request: string) => {
  const pages = 'default/pages:80' as BackendKey
  const backend = await recordRequests(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage')
  const { relay, port } = await startRelay(t, [])
  relay.apply({
    tables: everythingTo(web, { errorPages: { statuses: [503], backend: pages, whenEmpty: true } }),
    backends: onPorts([backend.port], pages),
  })
  const client = dial(port)
  client.say(request + sentinel)
  const heard = await allOf(client)
  client.socket.destroy()
  return { heard, requests: backend.requests.map(describe), bytes: backend.heard() }
}

t.test('the body of a request that failed does not reach the backend for error pages', async (t) => {
  const bodies: readonly (readonly [question: string, request: string])[] = [
    ['GET / 0', `${post(`Content-Length: ${smuggled.length}`)}${smuggled}`],
    ['GET /', chunked(`${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`)],
  ]
  for (const [question, request] of bodies) {
    const { heard, requests, bytes } = await failing(t, request)
    t.same(requests, [question, 'GET /'], 'one question for it, one for the request behind it')
    t.notMatch(bytes, 'smuggled')
    t.same(heard.match(/page$/gm)?.length, 1)
    t.same(statusesOf(heard), [200, 200])
  }
})

t.test('whatever a client says, the backend gets requests of ours alone', async (t) => {
  const seed = seedOr(Date.now() % 1_000_000)
  const random = createSeededRandom(seed)
  const backend = await recordRequests(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  const { port } = await startRelay(t, [backend.port])
  let seen = 0
  for (let left = rounds(300, 6_000); left > 0; left--) {
    const text = mutatedRequest(random)
    backend.forget()
    const client = dial(port)
    client.socket.end(text, 'latin1')
    await closed(client)
    const ours = backend.requests.filter(
      ({ fields }) => fields.includes('X-Forwarded-For') && fields.includes('127.0.0.1'),
    )
    if (ours.length !== backend.requests.length) t.fail(`PODWAY_TEST_SEED=${seed}: ${JSON.stringify(text)}`)
    seen += ours.length
  }
  t.ok(seen > 50, `${seen} requests reached the backend`)
})
