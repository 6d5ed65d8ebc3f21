import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import t, { type Test } from 'tap'
import { runEcho } from '../../../../src/agent/echo/echo.ts'

const start = async (t: Test, lameDuckMs: number) => {
  const said: string[] = []
  const stop = new AbortController()
  const listening = Promise.withResolvers<number>()
  const running = runEcho(
    {
      ...{ pod: 'web-1', node: 'node-a', namespace: 'default', host: '127.0.0.1', port: 0, lameDuckMs },
      ...{ say: (line) => said.push(line), onListening: listening.resolve },
    },
    stop.signal,
  )
  t.teardown(async () => {
    stop.abort()
    await running
  })
  return { port: await listening.promise, said, stop, running }
}

const get = (port: number, path: string, agent: Agent) =>
  new Promise<{ status: number; connection: string; text: string }>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection ?? '', text }),
      )
    })
      .on('error', reject)
      .end()
  })

t.test('HTTP, over a connection that is kept', async (t) => {
  const { port } = await start(t, 0)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const first = JSON.parse((await get(port, '/a', agent)).text)
  const second = JSON.parse((await get(port, '/b', agent)).text)
  t.match(first, { pod: 'web-1', node: 'node-a', client: '127.0.0.1', path: '/a' })
  t.equal(second.clientPort, first.clientPort)
  agent.destroy()
})

t.test('UDP', async (t) => {
  const { port } = await start(t, 0)
  const socket = createSocket('udp4')
  t.teardown(() => void socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.send('abc', port, '127.0.0.1')
  const [answer] = (await once(socket, 'message')) as [Buffer]
  t.match(JSON.parse(answer.toString()), { pod: 'web-1', bytes: 3, clientPort: socket.address().port })
})

t.test('the end: unready, but nobody is turned away', async (t) => {
  const { port, said, stop, running } = await start(t, 300)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const fresh = () => new Agent({ keepAlive: false })
  t.equal((await get(port, '/readyz', agent)).status, 200)
  let isOver = false
  stop.abort()
  const end = running.then(() => {
    isOver = true
  })
  const unready = await get(port, '/readyz', agent)
  t.same([unready.status, unready.connection], [503, 'close'])
  t.equal((await get(port, '/', fresh())).status, 200)
  t.equal(isOver, false)
  await end
  t.equal(said.length, 2)
  await t.rejects(get(port, '/', fresh()), { code: 'ECONNREFUSED' })
  agent.destroy()
})

t.test('a port that is taken', async (t) => {
  const { port } = await start(t, 0)
  const options = { pod: 'x', node: '', namespace: '', host: '127.0.0.1', lameDuckMs: 0, say: () => undefined }
  await t.rejects(runEcho({ ...options, port }, new AbortController().signal), { code: 'EADDRINUSE' })
})
