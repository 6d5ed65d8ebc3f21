import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import t from 'tap'
import { createRunHandler, resolvePort } from '../../../../src/agent/probes/handler.ts'
import type { HttpGet } from '../../../../src/agent/probes/http-get.ts'
import { ExecTimeout } from '../../../../src/agent/runtime/streams.ts'
import type { Handler } from '../../../../src/api/types/index.ts'
import { serve } from '../../../support/serve.ts'

const container = { name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }
const target = { containerId: 'p_main_0', container, host: '127.0.0.1' }
const noExec = async (): Promise<never> => {
  throw new Error('not to be called')
}

t.test('ports', async (t) => {
  t.equal(resolvePort(80, container), 80)
  t.equal(resolvePort('81', container), 81)
  t.equal(resolvePort('web', container), 8080)
  t.throws(() => resolvePort('other', container), /container main has no port named "other"/)
  t.throws(() => resolvePort(0, container), /no port named 0/)
})

t.test('commands', async (t) => {
  const run = (answer: { exitCode: number; output: string } | Error) =>
    createRunHandler({
      exec: async () => {
        if (answer instanceof Error) throw answer
        return answer
      },
    })({ exec: { command: ['check'] } }, target, 1000)
  t.equal(await run({ exitCode: 0, output: 'fine' }), '')
  t.equal(await run({ exitCode: 1, output: 'not\nfine\n' }), 'not\nfine')
  t.equal(await run({ exitCode: 7, output: '' }), 'command ended with exit code 7')
  t.equal(await run(new ExecTimeout(['check'], 1000)), 'command "check" timed out after 1s')
})

t.test('which page is asked for', async (t) => {
  const asked: HttpGet[] = []
  const get = async (request: HttpGet) => {
    asked.push(request)
    return { status: 200, location: undefined }
  }
  const run = createRunHandler({ exec: noExec, get })
  const httpHeaders = [{ name: 'Host', value: 'web.lab' }]
  await run({ httpGet: { port: 'web', path: 'ready?x=1', httpHeaders } }, target, 1000)
  await run({ httpGet: { port: 443, scheme: 'HTTPS', host: 'other' } }, { ...target, host: 'fd00::1' }, 1000)
  await run({ httpGet: { port: 80 } }, { ...target, host: 'fd00::1' }, 1000)
  t.same(
    asked.map(({ url }) => url.href),
    ['http://127.0.0.1:8080/ready?x=1', 'https://other/', 'http://[fd00::1]/'],
  )
  t.match(asked[0]?.headers, { host: 'web.lab', 'user-agent': /^kube-probe/ })
})

t.test('pages', async (t) => {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (path === '/hang') return
    if (path === '/there') response.writeHead(302, { location: '/200' })
    else if (path === '/bad') response.writeHead(301, { location: '/500' })
    else if (path === '/away') response.writeHead(302, { location: 'http://elsewhere.example/' })
    else if (path === '/loop') response.writeHead(302, { location: '/loop' })
    else response.writeHead(Number(path.slice(1)))
    response.end('x'.repeat(100_000))
  })
  const port = await serve(t, server)
  const run = createRunHandler({ exec: noExec })
  const get = (path: string, timeoutMs = 5_000) => run({ httpGet: { port, path } }, target, timeoutMs)
  for (const path of ['/200', '/204', '/304', '/399', '/there', '/away']) t.equal(await get(path), '', path)
  t.equal(await get('/404'), 'HTTP probe failed with statuscode: 404')
  t.equal(await get('/500'), 'HTTP probe failed with statuscode: 500')
  t.equal(await get('/bad'), 'HTTP probe failed with statuscode: 500')
  t.match(await get('/loop'), /stopped after 10 redirects/)
  t.match(await get('/hang', 50), /Get "http:\/\/127\.0\.0\.1:\d+\/hang": no answer within 0\.0\d+s/)
  t.match(await run({ httpGet: { port: 'nameless' } }, target, 100), /no port named "nameless"/)
})

t.test('connections', async (t) => {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const run = createRunHandler({ exec: noExec })
  const open = (handler: Handler) => run(handler, target, 5_000)
  t.equal(await open({ tcpSocket: { port } }), '')
  t.equal(await open({ tcpSocket: { port, host: '127.0.0.1' } }), '')
  server.close()
  await once(server, 'close')
  t.match(await open({ tcpSocket: { port } }), /dial tcp 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  t.match(await open({ httpGet: { port } }), /Get "http.*ECONNREFUSED/)
  t.equal(await open({}), 'the probe names no action')
})
