/** Connections that wait for a listener that ends: they are the other one's. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { silentLogger } from '../../src/host/log.ts'
import { readSysctl, writeSysctl } from '../../src/host/sysctl.ts'
import { keepWaitingConnections } from '../../src/host/waiting-connections.ts'

const key = 'net.ipv4.tcp_migrate_req'

/** Listens, is too busy to accept anybody until it is told, and ends. */
const busy = `
  const { createServer } = require('node:net')
  const { parentPort, workerData: { flag, host } } = require('node:worker_threads')
  const server = createServer((socket) => socket.end('too late'))
  server.listen({ host, port: 0, reusePort: true }, () => {
    parentPort.postMessage(server.address().port)
    setImmediate(() => {
      Atomics.wait(flag, 0, 0)
      server.close()
    })
  })
`

const skip = (await readSysctl(key)) === undefined && 'this kernel resets them'

for (const host of ['127.0.0.1', '::1'])
  t.test(host, { skip }, async (t) => {
    const answers = async (): Promise<readonly string[]> => {
      const flag = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker(busy, { eval: true, workerData: { flag, host } })
      const [port] = await once(worker, 'message')
      const successor = createServer((socket) => socket.end('welcome'))
      successor.listen({ host, port, reusePort: true })
      await once(successor, 'listening')
      const dial = async (): Promise<Socket> => {
        const socket = connect({ host, port })
        await once(socket, 'connect')
        return socket
      }
      const sockets = await Promise.all(Array.from({ length: 64 }, dial))
      const said = Promise.all(sockets.map((socket) => text(socket).catch(() => 'reset')))
      Atomics.store(flag, 0, 1)
      Atomics.notify(flag, 0)
      await once(worker, 'exit')
      const all = await said
      successor.close()
      return [...new Set(all)].sort()
    }
    await writeSysctl(key, '0')
    t.same(await answers(), ['reset', 'welcome'], 'some wait for the one that ends')
    await keepWaitingConnections(silentLogger)
    t.same(await answers(), ['welcome'])
  })
