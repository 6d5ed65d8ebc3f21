/** Upstream servers of DNS for tests: what they would answer, and one that listens. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { Request } from '../../src/dns/chain/request.ts'
import { readQuery } from '../../src/dns/wire/query.ts'
import { writeResponse } from '../../src/dns/wire/response.ts'
import { addressRecord, soaRecord } from '../../src/dns/zone/records.ts'

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
