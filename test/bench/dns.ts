/**
 * Queries a second for cluster names, against a server of the dns2 library over the same names.
 *   node_modules/.bin/node test/bench/dns.ts [QUERIES=40000] [SERVICES=1000]
 * Servers are processes of their own on 127.0.0.1; the client keeps 64 queries under way. Rounds alternate.
 */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { types } from '../../src/dns/wire/constants.ts'
import { makeQuery } from '../support/dns-client.ts'

const [queries = '40000', services = '1000'] = process.argv.slice(2)
const total = Number(queries)
const rounds = 3
const inFlight = 64

const startServer = async (file: string) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), services], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(child.stdout, 'data')
  return { port: Number(String(said)), stop: () => child.kill() }
}

/** Queries a second. Lost ones are asked again after a while, and counted. */
const measure = async (port: number): Promise<{ readonly perSecond: number; readonly lost: number }> => {
  const packets = Array.from({ length: 256 }, (_, n) => makeQuery(`s${n}.default.svc.cluster.local`, types.A))
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let sent = 0
  let received = 0
  const ask = (): void => {
    const packet = packets[sent++ % packets.length]
    if (packet) socket.send(packet)
  }
  const started = performance.now()
  await new Promise<void>((resolve) => {
    let before = 0
    const watch = setInterval(() => {
      if (received === before) for (let n = 0; n < inFlight; n++) ask()
      before = received
    }, 500)
    socket.on('message', () => {
      received++
      if (sent < total) ask()
      if (received < total) return
      clearInterval(watch)
      resolve()
    })
    for (let n = 0; n < inFlight; n++) ask()
  })
  const seconds = (performance.now() - started) / 1000
  socket.close()
  return { perSecond: total / seconds, lost: sent - received }
}

const ours = await startServer('dns-ours.ts')
const peer = await startServer('dns-peer.ts')
const best = { ours: 0, peer: 0 }
try {
  for (let round = 0; round < rounds; round++)
    for (const [name, { port }] of [
      ['ours', ours],
      ['peer', peer],
    ] as const) {
      const { perSecond, lost } = await measure(port)
      best[name] = Math.max(best[name], perSecond)
      console.log(`${name}: ${Math.round(perSecond)} queries/s, ${lost} lost`)
    }
} finally {
  ours.stop()
  peer.stop()
}
console.log(`ratio to dns2: ${(best.ours / best.peer).toFixed(2)}`)
