import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { checkGrpcHealth, decodeAnswer, encodeRequest } from '../../../../src/agent/probes/grpc-health.ts'
import { createRunHandler } from '../../../../src/agent/probes/handler.ts'

const host = '127.0.0.1'

/** A server that tells of each service what its name says, as a number. */
const serveHealth = async (t: Test): Promise<{ readonly port: number; readonly asked: readonly string[] }> => {
  const asked: string[] = []
  const server = new Server()
  const path = '/grpc.health.v1.Health/Check'
  const same = (bytes: Buffer): Buffer => bytes
  server.addService(
    {
      check: {
        ...{ path, requestStream: false, responseStream: false },
        ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
      },
    },
    {
      check: ({ request }: { request: Buffer }, answer: (error: object | null, bytes?: Buffer) => void): void => {
        const name = request.subarray(2).toString()
        asked.push(name)
        if (name === 'hang') return
        if (name === 'gone') return answer({ code: status.NOT_FOUND, details: 'unknown service' })
        if (name === 'noise') return answer(null, Buffer.from('something else'))
        answer(null, name === '' ? Buffer.from([8, 1]) : Buffer.from([8, Number(name)]))
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  t.teardown(() => server.forceShutdown())
  return { port, asked }
}

t.test('messages', async (t) => {
  t.equal(encodeRequest('').length, 0)
  t.same([...encodeRequest('ab')], [0x0a, 2, 97, 98])
  t.same([...encodeRequest('x'.repeat(300)).subarray(0, 3)], [0x0a, 0xac, 0x02])
  t.equal(decodeAnswer(Buffer.alloc(0)), 'UNKNOWN', 'the first status is not written')
  t.equal(decodeAnswer(Buffer.from([8, 1])), 'SERVING')
  t.equal(decodeAnswer(Buffer.from([8, 9])), '9', 'one that came later')
  for (const bad of [[8], [0x10, 1], [8, 1, 0x10, 1]])
    t.throws(() => decodeAnswer(Buffer.from(bad)), /none of the health/)
})

t.test('how a server is', async (t) => {
  const { port, asked } = await serveHealth(t)
  const check = (service: string, timeoutMs = 5_000) => checkGrpcHealth({ host, port, service, timeoutMs })
  t.equal(await check(''), '')
  t.equal(await check('1'), '')
  t.equal(await check('2'), 'service unhealthy (responded with "NOT_SERVING")')
  t.equal(await check('0'), 'service unhealthy (responded with "UNKNOWN")')
  t.equal(await check('gone'), 'error: health rpc failed: unknown service')
  t.match(await check('noise'), /^error: health rpc failed: /)
  t.equal(await check('hang', 200), 'timeout: health rpc did not complete within 0.2s')
  t.same(asked.slice(0, 2), ['', '1'])
})

t.test('what is no such server', async (t) => {
  const server = new Server()
  const port = await new Promise<number>((resolve) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (_error, bound) => resolve(bound)),
  )
  t.teardown(() => server.forceShutdown())
  t.match(
    await checkGrpcHealth({ host, port, service: '', timeoutMs: 5_000 }),
    /does not implement the grpc health protocol/,
  )
  const silent = createServer((socket) => void t.teardown(() => socket.destroy()))
  silent.listen(0, host)
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port: silentPort } = silent.address() as AddressInfo
  t.match(await checkGrpcHealth({ host, port: silentPort, service: '', timeoutMs: 200 }), /^timeout: /)
})

t.test('as a probe', async (t) => {
  const { port, asked } = await serveHealth(t)
  const run = createRunHandler({ exec: async () => ({ exitCode: 1, output: 'not to be called' }) })
  const target = { containerId: 'p_main_0', container: { name: 'main' }, host }
  t.equal(await run({ grpc: { port, service: '1' } }, target, 5_000), '')
  t.equal(await run({ grpc: { port } }, target, 5_000), '')
  t.match(await run({ grpc: { port, service: '2' } }, target, 5_000), /NOT_SERVING/)
  t.same(asked, ['1', '', '2'])
})
