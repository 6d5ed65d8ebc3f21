/** What is between two neighbours, and whose word an answer is: RFC 6891, towards clients and towards upstream servers. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import t from 'tap'
import { checks } from '../../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../../src/dns/answer/cluster.ts'
import { outsideNames } from '../../../../src/dns/answer/outside.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { defaultDnsConfig, type ForwardConfig } from '../../../../src/dns/config/config.ts'
import { parseDnsConfig } from '../../../../src/dns/config/parse.ts'
import { createCache } from '../../../../src/dns/forward/cache.ts'
import { createForwarder } from '../../../../src/dns/forward/forwarder.ts'
import { createRouter } from '../../../../src/dns/forward/router.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { createQuery, type Query, readQuery } from '../../../../src/dns/wire/query.ts'
import { writeResponse } from '../../../../src/dns/wire/response.ts'
import { scanAnswer } from '../../../../src/dns/wire/scan.ts'
import { addressRecord } from '../../../../src/dns/zone/records.ts'
import { createZone } from '../../../../src/dns/zone/zone.ts'
import { cidrOf } from '../../../../src/ip/cidr.ts'
import { makeQuery, type QueryOptions, readReply } from '../../../support/dns-client.ts'

const queryOf = (message: Buffer): Query => {
  const query = readQuery(message)
  if (query === 'drop' || 'isMalformed' in query) throw new Error('not a query')
  return query
}

type Server = (query: Query, message: Buffer) => Buffer | undefined

const startServer = async (t: Test, respond: Server) => {
  const socket = createSocket('udp4')
  const heard: Buffer[] = []
  socket.on('message', (message, { port, address }) => {
    heard.push(message)
    const answer = respond(queryOf(message), message)
    if (answer) socket.send(answer, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return { heard, upstream: { address: '127.0.0.1', port: socket.address().port } }
}

const answerWith = (query: Query, word = 0, count = 1): Buffer => {
  const answers = Array.from({ length: count }, (_, n) => ({ ...addressRecord('', `192.0.2.${n + 1}`), ttl: 60 }))
  const unnamed = answers.map(({ type, data, ttl }) => ({ type, data, ttl }))
  const answer = writeResponse(query, { rcode: 0, isAuthoritative: false, answers: unnamed }, 65_535)
  answer.writeUInt16BE(answer.readUInt16BE(2) | word, 2)
  return answer
}
const genuine: Server = (query) => answerWith(query)

const clients = [cidrOf('10.244.0.0/16')]
const unexpected = (error: unknown): never => {
  throw error
}

/** A server of ours, with its memory and without, that asks `upstreams`. */
const openServers = (t: Test, ...upstreams: ForwardConfig['upstreams']) => {
  const open = (isCached: boolean) => {
    const forward = { ...defaultDnsConfig.forward, upstreams }
    const router = createRouter({ config: { forward, stubDomains: {} } })
    t.teardown(() => router.close())
    const { cache: config } = defaultDnsConfig
    const cache =
      config && isCached
        ? createCache({ config, ask: ({ query, overTcp }) => router.of(query.name).forward(query, overTcp) })
        : undefined
    const respond = createResponder([checks, outsideNames(router, cache, clients)], unexpected)
    return async (name: string, options: QueryOptions = {}, overTcp = false): Promise<Buffer> => {
      const answer = await respond(makeQuery(name, types.A, options), '10.244.1.2', overTcp)
      if (!answer) throw new Error('no answer')
      return answer
    }
  }
  return [open(true), open(false)] as const
}

/** The last 11 bytes: an OPT record without options. */
const optionOf = (answer: Buffer) => {
  const option = answer.subarray(-11)
  const isThere = answer.readUInt16BE(10) > 0 && option.readUInt16BE(1) === types.OPT
  return isThere ? { size: option.readUInt16BE(3), high: option[5], flags: option.readUInt16BE(7) } : undefined
}
const wordOf = (answer: Buffer): number => answer.readUInt16BE(2)

const cookie = Buffer.from([0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8])
const subnet = Buffer.from([0, 8, 0, 7, 0, 1, 24, 0, 203, 0, 113])

t.test('options stay between neighbours, both ways', async (t) => {
  const theirs = Buffer.concat([Buffer.from([0, 10, 0, 16]), Buffer.alloc(16, 0xee)])
  const server = await startServer(t, (query) => {
    const answer = Buffer.concat([answerWith(query), theirs])
    answer.writeUInt16BE(theirs.length, answer.length - theirs.length - 2)
    return answer
  })
  for (const ask of openServers(t, server.upstream)) {
    server.heard.length = 0
    const first = await ask('www.example.com', { edns: 4096, ednsOptions: Buffer.concat([cookie, subnet]) })
    t.notOk(server.heard[0]?.includes(cookie.subarray(4)), 'no cookie goes on')
    t.notOk(server.heard[0]?.includes(Buffer.from([203, 0, 113])), 'and no subnet')
    t.match(server.heard[0] && queryOf(server.heard[0]).edns, { size: 1232, version: 0, isSecure: false })
    const other = await ask('www.example.com', { edns: 1232 })
    const plain = await ask('www.example.com')
    for (const answer of [first, other, plain]) {
      t.notOk(answer.includes(Buffer.alloc(16, 0xee)), 'no cookie of theirs comes back')
      t.equal(readReply(answer).answers.length, 1)
    }
    t.match([first, other].map(optionOf), [{ size: 1232 }, { size: 1232 }], 'an OPT record of our own')
    t.equal(optionOf(plain), undefined, 'and none for those who have none')
    t.equal(scanAnswer(plain)?.option, undefined)
  }
})

t.test('the wish for DNSSEC records goes on, and is said back', async (t) => {
  const server = await startServer(t, genuine)
  for (const ask of openServers(t, server.upstream)) {
    server.heard.length = 0
    t.match(optionOf(await ask('do.example', { edns: 1232, ednsFlags: 0x8000 })), { flags: 0x8000 })
    t.match(optionOf(await ask('do.example', { edns: 1232, ednsFlags: 0x0001 })), { flags: 0 }, 'other bits are not')
    t.same(
      server.heard.map((message) => queryOf(message).edns?.isSecure),
      [true, false],
    )
  }
})

t.test('AD for those who know of it, AA for nobody, RA, and RD and CD as they were asked', async (t) => {
  const server = await startServer(t, (query) => answerWith(query, 0x0400 | 0x20))
  for (const ask of openServers(t, server.upstream)) {
    t.equal(wordOf(await ask('ad.example', { flags: 0x20 })), 0x8000 | 0x100 | 0x80 | 0x20)
    t.equal(wordOf(await ask('ad.example')), 0x8000 | 0x100 | 0x80)
    t.equal(wordOf(await ask('ad.example', { edns: 1232, ednsFlags: 0x8000 })), 0x8000 | 0x100 | 0x80 | 0x20)
    t.equal(wordOf(await ask('ad.example', { flags: 0x10 })), 0x8000 | 0x100 | 0x80 | 0x10)
    t.equal(wordOf(await ask('ad.example', { isRecursive: false })), 0x8000 | 0x80)
  }
  t.ok(
    server.heard.every((message) => (wordOf(message) & 0x20) !== 0),
    'AD is asked for, whoever asks first',
  )
})

t.test('a short answer has its OPT record, too', async (t) => {
  const server = await startServer(t, (query) => answerWith(query, 0, 100))
  const cutting = await startServer(t, (query) => answerWith(query, 0x0200, 3).subarray(0, -20))
  for (const [upstream, text] of [
    [server.upstream, 'cut here'],
    [cutting.upstream, 'cut there, amid a record'],
  ] as const)
    for (const ask of openServers(t, upstream)) {
      const answer = await ask('long.example', { edns: 1232 })
      t.match(readReply(answer), { isTruncated: true, answers: { length: 0 } }, text)
      t.match(optionOf(answer), { size: 1232 })
      t.ok(answer.length <= 1232)
      const plain = await ask('long.example')
      t.match(readReply(plain), { isTruncated: true })
      t.equal(optionOf(plain), undefined)
    }
})

t.test('servers that know no OPT record are asked without', async (t) => {
  for (const rcode of [1, 4])
    for (const isBare of [true, false]) {
      const server = await startServer(t, (query) => {
        if (!query.edns) return answerWith(query)
        const { edns: _, ...plain } = query
        const refusal = writeResponse(
          { ...plain, edns: undefined },
          { rcode, isAuthoritative: false, answers: [] },
          512,
        )
        if (!isBare) return refusal
        refusal.writeUInt16BE(0, 4)
        return refusal.subarray(0, 12)
      })
      const [ask] = openServers(t, server.upstream)
      const answer = await ask('old.example', { edns: 1232 })
      t.match(readReply(answer), { rcode: 0, answers: { length: 1 } }, `${rcode} ${isBare ? 'without a question' : ''}`)
      t.match(optionOf(answer), { size: 1232 })
      t.equal(server.heard.length, 2)
    }
})

t.test('upper bits of a result, and OPT records that must not be, are failures', async (t) => {
  const withOption = (query: Query, change: (answer: Buffer) => Buffer): Buffer => change(answerWith(query))
  for (const [text, change] of [
    [
      'BADVERS',
      (answer: Buffer) => {
        answer[answer.length - 6] = 1
        return answer
      },
    ],
    [
      'two of them',
      (answer: Buffer) => {
        answer.writeUInt16BE(2, 10)
        return Buffer.concat([answer, answer.subarray(-11)])
      },
    ],
  ] as const) {
    const server = await startServer(t, (query) => withOption(query, change))
    const [ask] = openServers(t, server.upstream)
    t.match(readReply(await ask('bad.example', { edns: 1232 })), { rcode: 2, answers: { length: 0 } }, text)
  }
})

const zone = createZone()
zone.set('web', [addressRecord('web.default.svc.cluster.local', '10.96.0.9')])
const own = createResponder(
  [checks, clusterNames({ zone, origin: 'cluster.local', isComplete: () => true, ttl: 30, negativeTtl: 5 })],
  unexpected,
)
const askOwn = async (message: Buffer): Promise<Buffer> => {
  const answer = await own(message, '10.244.1.2', false)
  if (!answer) throw new Error('no answer')
  return answer
}

t.test('queries: one OPT record, of the root, wherever it stands, with whole options', async (t) => {
  const name = 'web.default.svc.cluster.local'
  const good = makeQuery(name, types.A, { edns: 1232, ednsFlags: 0x8000, ednsOptions: cookie })
  t.match(optionOf(await askOwn(good)), { size: 1232, high: 0, flags: 0x8000 })
  const plain = makeQuery(name, types.A)
  const option = Buffer.from([0, 0, types.OPT, 4, 208, 0, 0, 0, 0, 0, 0])
  const other = Buffer.from([0, 0, types.TXT, 0, 1, 0, 0, 0, 0, 0, 1, 0])
  const withMore = (count: number, ...more: readonly Buffer[]): Buffer => {
    const message = Buffer.concat([plain, ...more])
    message.writeUInt16BE(count, 10)
    return message
  }
  for (const [text, message, rcode, isOption] of [
    ['behind another record', withMore(2, other, option), 0, true],
    ['before another record', withMore(2, option, other), 0, true],
    ['another record alone', withMore(1, other), 0, false],
    ['two', withMore(2, option, option), 1, true],
    ['with a name', withMore(1, Buffer.from([1, 97]), option), 1, true],
    ['cut', withMore(1, option.subarray(0, 8)), 1, false],
    ['not there', withMore(1), 1, false],
    [
      'an option that is longer than the record',
      makeQuery(name, types.A, { edns: 1232, ednsOptions: Buffer.from([0, 10, 0, 9, 1]) }),
      1,
      true,
    ],
    ['half an option', makeQuery(name, types.A, { edns: 1232, ednsOptions: Buffer.from([0, 10, 0]) }), 1, true],
    ['of another version', makeQuery(name, types.A, { edns: 1232, ednsVersion: 1 }), 0, true],
  ] as const) {
    const answer = await askOwn(message)
    t.equal(wordOf(answer) & 15, rcode, text)
    t.equal(optionOf(answer) !== undefined, isOption, `${text}: OPT as in the query`)
  }
  t.match(optionOf(await askOwn(makeQuery(name, types.A, { edns: 1232, ednsVersion: 1 }))), { high: 1 }, 'BADVERS')
  t.match(optionOf(await askOwn(makeQuery('example.com', types.A, { edns: 1232 }))), { high: 0 }, 'also when refused')
})

const { forward } = defaultDnsConfig

t.test('a server that writes names small has answered', async (t) => {
  const server = await startServer(t, (query) =>
    answerWith({
      ...query,
      question: Buffer.from(query.question).map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)),
    }),
  )
  for (const ask of openServers(t, server.upstream)) {
    const { answers } = readReply(await ask('WwW.ExAmple.COM'))
    t.same(answers, ['WwW.ExAmple.COM A 60 192.0.2.1'], 'and the client has its own')
  }
  t.equal(server.heard.length, 2, 'at once')
  const results: boolean[] = []
  const forwarder = createForwarder({
    ...{ ...forward, upstreams: [server.upstream] },
    onResult: (_upstream, ok) => results.push(ok),
  })
  t.teardown(() => forwarder.close())
  await forwarder.forward(createQuery('X.example', types.A), false)
  t.same(results, [true])
})

t.test('failover: with such a result the next is asked', async (t) => {
  const says = (rcode: number) =>
    startServer(t, (query) => writeResponse(query, { rcode, isAuthoritative: false, answers: [] }, 512))
  const [failing, refusing] = [await says(2), await says(5)]
  const good = await startServer(t, genuine)
  const rcodeOf = async (failover: readonly number[], ...upstreams: ForwardConfig['upstreams']): Promise<number> => {
    const forwarder = createForwarder({ ...forward, upstreams, failover })
    t.teardown(() => forwarder.close())
    return wordOf(await forwarder.forward(createQuery('example.com', types.A), false)) & 15
  }
  const [one, two, three] = [failing.upstream, refusing.upstream, good.upstream]
  t.equal(await rcodeOf([], one, two, three), 2, 'not unless asked for')
  t.equal(await rcodeOf([2, 5], one, two, three), 0)
  t.equal(await rcodeOf([2], one, two, three), 5, 'only with these')
  t.equal(await rcodeOf([2, 5], one, two), 2, 'when nobody has better, the first word counts')
  t.equal(await rcodeOf([2], one, { address: '127.0.0.1', port: 1 }), 2, 'also when another is away')
  const parsed = parseDnsConfig(
    'forward: { failover: [SERVFAIL, REFUSED] }\nstubDomains: { a: { upstreams: [10.0.0.1], failover: [NXDOMAIN] } }',
    'f',
  )
  t.same([parsed.forward.failover, parsed.stubDomains['a']?.failover], [[2, 5], [3]])
  t.throws(
    () => parseDnsConfig('forward: { failover: [NOERROR] }', 'f'),
    /f:1: forward\.failover\.0: expected FORMERR or/,
  )
})
