import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { asking, type Call, withHeaders } from '../../../../src/control/server/call.ts'
import { logSocket } from '../../../../src/control/streams/log-socket.ts'
import { until } from '../../../support/until.ts'

const callOf = (headers: Readonly<Record<string, readonly string[] | undefined>>): Call => ({
  ...asking('GET', '/', new URLSearchParams()),
  ...{ user: { name: 'me', groups: [] }, contentType: '' },
  ...withHeaders(headers),
  ...{ body: async () => undefined, rawBody: async () => Buffer.alloc(0), signal: new AbortController().signal },
})

const serve = async (t: Test, log: Readable) => {
  const server = createServer().on('upgrade', (request, socket, head) => {
    const answer = logSocket(callOf(request.headersDistinct), log)
    if (answer.kind === 'upgraded') answer.take({ request, socket, head })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (protocols: readonly string[]) => {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, [...protocols])
    const messages: Buffer[] = []
    socket.on('message', (data: Buffer) => messages.push(data))
    return { socket, messages, closed: once(socket, 'close') }
  }
}

t.test('a log in bytes', async (t) => {
  const open = await serve(t, Readable.from([Buffer.from('one\n'), Buffer.from('two\n')]))
  const { socket, messages, closed } = open(['binary.k8s.io'])
  t.equal((await closed)[0], 1000)
  t.equal(socket.protocol, 'binary.k8s.io')
  t.equal(Buffer.concat(messages).toString(), 'one\ntwo\n')
})

t.test('in base64', async (t) => {
  const open = await serve(t, Readable.from([Buffer.from('one\n')]))
  const { messages, closed } = open(['other', 'base64.binary.k8s.io'])
  await closed
  t.equal(Buffer.from(Buffer.concat(messages).toString(), 'base64').toString(), 'one\n')
})

t.test('without a protocol in bytes; the log ends with its reader', async (t) => {
  const log = new Readable({ read: () => undefined })
  const open = await serve(t, log)
  const { socket, messages } = open([])
  log.push('first')
  await until(() => messages.length === 1, 'the first piece')
  socket.terminate()
  await until(() => log.destroyed, 'the end of the log')
})

t.test('not in other protocols', async (t) => {
  const log = Readable.from([Buffer.from('x')])
  const headers = { upgrade: ['websocket'], 'sec-websocket-protocol': ['chat'] }
  t.throws(() => logSocket(callOf(headers), log), { code: 400 })
  t.ok(log.destroyed)
  t.throws(() => logSocket(callOf({ upgrade: ['SPDY/3.1'] }), Readable.from([])), { code: 400 })
})
