/** A socket that ends while another one has its port: every query is answered, the first time that it is asked. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Responder } from '../../../src/dns/answer/responder.ts'
import { listen } from '../../../src/dns/server/listen.ts'
import { until } from '../../support/until.ts'

const at = { address: '127.0.0.1' }
const answered: Responder = (message) => Buffer.concat([message, Buffer.from('!')])

const openClient = async (t: Test, address = '127.0.0.1'): Promise<Socket> => {
  const socket = createSocket(address === '::1' ? 'udp6' : 'udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return socket
}

const openClients = (t: Test, address?: string): Promise<Socket[]> =>
  Promise.all(Array.from({ length: 64 }, () => openClient(t, address)))

/** Asks once; the same socket always reaches the same listener, as long as they are the same. */
const ask = async (client: Socket, port: number): Promise<string> => {
  const answer = once(client, 'message', { signal: AbortSignal.timeout(2_000) })
  client.send('query', port, client.address().address)
  return answer.then(
    ([message]) => String(message),
    () => 'nothing',
  )
}

for (const address of ['127.0.0.1', '::1'])
  t.test(`clients that never pause, at ${address}`, async (t) => {
    const first = await listen({ address, port: 0, respond: answered })
    const { port } = first
    const second = await listen({ address, port, respond: answered })
    const clients = await openClients(t, address)
    let isOver = false
    let asked = 0
    const failed: string[] = []
    const asking = clients.map(async (client) => {
      while (!isOver) {
        asked++
        const answer = await ask(client, port)
        if (answer !== 'query!') failed.push(answer)
      }
    })
    const began = performance.now()
    await first.close()
    t.ok(performance.now() - began < 400, 'nobody is waited for')
    const atClose = asked
    await until(() => asked > atClose + 2 * clients.length, 'the clients to go on')
    isOver = true
    await Promise.all(asking)
    await second.close()
    t.same(failed, [])
  })

t.test('queries that wait in it, and answers that take time', async (t) => {
  const heard = { first: 0, second: 0 }
  const slowly =
    (who: keyof typeof heard): Responder =>
    async (message) => {
      heard[who]++
      await pause(30)
      return answered(message, '', false)
    }
  const first = await listen({ ...at, port: 0, respond: slowly('first') })
  const { port } = first
  const second = await listen({ ...at, port, respond: slowly('second') })
  const clients = await openClients(t)
  const early = clients.map((client) => ask(client, port))
  await until(() => heard.first > 0 && heard.second > 0, 'both to be asked')
  await first.close()
  t.same(new Set(await Promise.all(early)), new Set(['query!']))
  const { first: before } = heard
  const late = await Promise.all(clients.map((client) => ask(client, port)))
  t.same(new Set(late), new Set(['query!']))
  t.equal(heard.first, before, 'the second alone is asked')
  await second.close()
})

t.test('a client that has gone does not spoil the answer of another one', async (t) => {
  let heard = 0
  const listener = await listen({
    ...{ ...at, port: 0 },
    respond: async (message) => {
      heard++
      await pause(30)
      return answered(message, '', false)
    },
  })
  const gone = createSocket('udp4')
  gone.send('query', listener.port, '127.0.0.1')
  await until(() => heard === 1, 'the first query')
  gone.close()
  const client = await openClient(t)
  const answer = ask(client, listener.port)
  await until(() => heard === 2, 'the second query')
  await listener.close()
  t.equal(await answer, 'query!')
})
