/**
 * How soon a changed Service is answered among 10,000, and pairs of questions as resolvers send them.
 *   node_modules/.bin/node test/bench/dns-changes.ts [SERVICES=10000] [PAIRS=100000]
 */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { serviceOfSlice } from '../../src/api/slices.ts'
import type { Service } from '../../src/api/types/index.ts'
import { createClusterDns } from '../../src/dns/dns.ts'
import { types } from '../../src/dns/wire/constants.ts'
import { silentLogger } from '../../src/host/log.ts'
import { service, slice } from '../support/cluster-objects.ts'
import { makeQuery, readReply } from '../support/dns-client.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { sized } from './support/size.ts'

const [count = sized(10_000, 100), pairs = sized(100_000, 200)] = process.argv.slice(2).map(Number)
const changes = sized(200, 10)
const inFlight = sized(64, 16)
const addressOf = (n: number): string => `10.${96 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
const nameOf = (n: number): string => `s${n}.default.svc.cluster.local`

const services = createFedInformer<Service>([])
const slices = createFedInformer([], { service: serviceOfSlice })
const stop = new AbortController()
const dns = createClusterDns({
  ...{ services, slices, clusterDomain: 'cluster.local', addresses: ['127.0.0.1'], port: 0, upstreams: [] },
  ...{ recursionCIDRs: [], log: silentLogger },
})
const running = dns.run(stop.signal)
const port = await dns.ready

const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
socket.connect(port, '127.0.0.1')
await once(socket, 'connect')
const ask = async (n: number): Promise<string | undefined> => {
  socket.send(makeQuery(nameOf(n), types.A))
  const [message] = (await once(socket, 'message')) as [Buffer]
  return readReply(message).answers[0]?.split(' ').at(-1)
}

// Half have an address, half are headless with two endpoints.
for (let n = 0; n < count; n++) {
  services.put(service(`s${n}`, { clusterIP: n % 2 ? 'None' : addressOf(n), ports: [{ name: 'http', port: 80 }] }))
  slices.put(slice(`s${n}`, [{ addresses: [addressOf(n)] }, { addresses: [addressOf(n + count)] }]))
}
while ((await ask(count - 2)) === undefined);

const times: number[] = []
for (let change = 0; change < changes; change++) {
  const n = ((change * 7919) % (count / 2)) * 2
  const address = addressOf(count * 4 + change)
  const began = performance.now()
  services.put(service(`s${n}`, { clusterIP: address, ports: [{ name: 'http', port: 80 }] }))
  // The informer's turn comes before the next question.
  while ((await ask(n)) !== address);
  times.push(performance.now() - began)
}
times.sort((a, b) => a - b)

/** From the first question of each pair to the second answer. */
const measurePairs = async (): Promise<readonly number[]> => {
  const waiting = new Map<number, { began: number; left: number }>()
  const seen: number[] = []
  let next = 0
  const send = (): void => {
    if (next >= pairs) return
    const id = (next * 2) & 0xffff
    waiting.set(id, { began: performance.now(), left: 2 })
    for (const [offset, type] of [types.A, types.AAAA].entries())
      socket.send(makeQuery(nameOf(next % count), type, { id: id + offset }))
    next++
  }
  const done = Promise.withResolvers<void>()
  socket.on('message', (message) => {
    const id = message.readUInt16BE(0) & 0xfffe
    const pair = waiting.get(id)
    if (!pair || --pair.left > 0) return
    waiting.delete(id)
    seen.push(performance.now() - pair.began)
    if (seen.length === pairs) done.resolve()
    else send()
  })
  for (let n = 0; n < inFlight; n++) send()
  await done.promise
  return seen.sort((a, b) => a - b)
}
const seen = await measurePairs()
const at = (list: readonly number[], part: number): number =>
  Math.round((list[Math.min(list.length - 1, Math.floor(list.length * part))] ?? Number.NaN) * 100) / 100
console.log(
  JSON.stringify(
    {
      services: count,
      'change answered, p50 / p99, ms': [at(times, 0.5), at(times, 0.99)],
      pairs,
      'A and AAAA answered, p50 / p99 / longest, ms': [at(seen, 0.5), at(seen, 0.99), at(seen, 1)],
    },
    undefined,
    2,
  ),
)
socket.close()
stop.abort()
await running
