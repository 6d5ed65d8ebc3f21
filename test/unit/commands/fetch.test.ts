import { createServer } from 'node:http'
import t from 'tap'
import { fetchUrl, timeoutText } from '../../../src/commands/fetch-run.ts'
import { serve } from '../../support/serve.ts'

const options = { count: 1, timeout: 0.2 }

t.test('which time-out it was', async (t) => {
  const silent = await serve(
    t,
    createServer(() => undefined),
  )
  await t.rejects(fetchUrl(`http://127.0.0.1:${silent}/`, options), {
    message: `cannot fetch http://127.0.0.1:${silent}/: connected, but no response headers within 0.2 s`,
  })
  await t.rejects(
    fetchUrl(`http://localhost:${silent}/`, options),
    /connected, but no response headers within 0\.2 s/,
    'by a name',
  )
  const slow = await serve(
    t,
    createServer((_request, response) => void response.writeHead(200, { 'content-length': 10 }).write('half')),
  )
  await t.rejects(
    fetchUrl(`http://127.0.0.1:${slow}/`, options),
    /: the response headers came, but not all of the body within 0\.2 s$/,
  )
})

t.test('what cannot be made to happen here', async (t) => {
  t.equal(timeoutText('lookup', 5_000), 'the name was not resolved within 5 s')
  t.equal(timeoutText('connection', 1_500), 'no connection within 1.5 s')
})

t.test('what is no time-out is said as it is', async (t) => {
  const broken = await serve(
    t,
    createServer((request) => void request.socket.destroy()),
  )
  await t.rejects(fetchUrl(`http://127.0.0.1:${broken}/`, options), /socket hang up/)
  const refusing = await serve(
    t,
    createServer((_request, response) => void response.writeHead(503).end('full\n')),
  )
  await t.rejects(fetchUrl(`http://127.0.0.1:${refusing}/`, options), /answered 503: full$/)
})
