/** Upstream servers of DNS for tests: what they would answer, and one that listens. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import { clusterNames } from '../../src/dns/answer/cluster.ts'
import { createResponder } from '../../src/dns/answer/responder.ts'
import type { Request } from '../../src/dns/chain/request.ts'
import { readQuery } from '../../src/dns/wire/query.ts'
import { writeResponse } from '../../src/dns/wire/response.ts'
import { apexRecords } from '../../src/dns/zone/apex.ts'
import { addressRecord, soaRecord } from '../../src/dns/zone/records.ts'
import { createZone } from '../../src/dns/zone/zone.ts'

export const unexpected = (error: unknown): never => {
  throw error
}

export const requestOf = (message: Buffer, limit = 1232, overTcp = false): Request => {
  const query = readQuery(message)
  if (query === 'drop' || 'isMalformed' in query) throw new Error('not a query')
  return { query, client: '10.244.1.2', overTcp, limit, resolve: () => unexpected(new Error('nothing leads on here')) }
}

export interface Said {
  readonly rcode?: number
  readonly ttl?: number
  readonly addresses?: readonly string[]
  readonly soaTtl?: number
}

/** What an upstream server would answer. */
export const answerTo = (message: Buffer, { rcode = 0, ttl = 100, addresses = [], soaTtl }: Said): Buffer => {
  const { query } = requestOf(message)
  const soa = soaRecord('example.com', { primary: 'a', contact: 'b', serial: 1, negativeTtl: soaTtl ?? 0 })
  return writeResponse(
    query,
    {
      ...{ rcode, isAuthoritative: false },
      answers: addresses.map((address) => {
        const { type, data } = addressRecord('', address)
        return { type, data, ttl }
      }),
      authority: soaTtl === undefined ? [] : [{ ...soa, ttl: 1_000 }],
    },
    65_535,
  )
}

export const createStillClock = () => {
  let now = 1_000_000
  return {
    now: () => now,
    after: () => () => undefined,
    pass: (seconds: number) => {
      now += seconds * 1000
    },
  }
}

/** An upstream server that can be silenced. */
export const startServer = async (t: Test, address: string) => {
  const socket = createSocket('udp4')
  /** `heard`: how often it was asked for a name, whether it answered or not; the root is asked for by probes. */
  const server = { asked: 0, heard: 0, isSilent: false }
  socket.on('message', (query, { port, address: client }) => {
    if (requestOf(query).query.name !== '') server.heard++
    if (server.isSilent) return
    server.asked++
    socket.send(answerTo(query, { addresses: [address] }), port, client)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return Object.assign(server, { upstream: { address: '127.0.0.1', port: socket.address().port } })
}

/** An upstream that answers `answer`, or as told. */
export const startUpstream = async (t: Test, respond: (query: Buffer) => readonly Buffer[], udpPort = 0) => {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    for (const answer of respond(query)) socket.send(answer, port, address)
  })
  socket.bind(udpPort, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return { address: '127.0.0.1', port: socket.address().port }
}

const upstreamZone = createZone()
upstreamZone.set('.', [
  addressRecord('example.com', '192.0.2.1'),
  ...apexRecords({ zone: 'example.com', addresses: [], serial: 1, negativeTtl: 5 }),
])
const upstreamRespond = createResponder(
  [
    clusterNames({
      ...{ zone: upstreamZone, origin: 'example.com', isComplete: () => true, ttl: 60, negativeTtl: 5 },
    }),
  ],
  unexpected,
)
/** What the one server of `example.com` answers. */
export const genuine = (query: Buffer): Buffer => {
  const answer = upstreamRespond(query, '127.0.0.1', false)
  if (!Buffer.isBuffer(answer)) throw new Error('no answer')
  return answer
}
