/** Which server is asked, and what of its answers counts. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { outsideNames } from '../../../../src/dns/answer/outside.ts'
import { createResponder } from '../../../../src/dns/answer/responder.ts'
import { defaultDnsConfig, type ForwardPolicy } from '../../../../src/dns/config/config.ts'
import { createForwarder, type ForwarderOptions } from '../../../../src/dns/forward/forwarder.ts'
import { createRouter } from '../../../../src/dns/forward/router.ts'
import { types } from '../../../../src/dns/wire/constants.ts'
import { createQuery } from '../../../../src/dns/wire/query.ts'
import { cidrOf } from '../../../../src/ip/cidr.ts'
import { makeQuery, readReply } from '../../../support/dns-client.ts'
import { answerTo, genuine, startServer, startUpstream, unexpected } from '../../../support/dns-upstream.ts'
import { freePort } from '../../../support/free-port.ts'
import { until } from '../../../support/until.ts'

const { forward } = defaultDnsConfig

t.test('which server is asked', async (t) => {
  const [a, b] = [await startServer(t, '192.0.2.1'), await startServer(t, '192.0.2.2')]
  const asked = async (policy: ForwardPolicy, count: number): Promise<readonly number[]> => {
    const before = [a.asked, b.asked]
    const forwarder = createForwarder({ ...forward, upstreams: [a.upstream, b.upstream], policy })
    for (let n = 0; n < count; n++) await forwarder.forward(createQuery('example.com', types.A), false)
    return [a.asked - (before[0] ?? 0), b.asked - (before[1] ?? 0)]
  }
  t.same(await asked('sequential', 4), [4, 0])
  t.same(await asked('round-robin', 4), [2, 2])
  const [one = 0, other = 0] = await asked('random', 40)
  t.ok(one > 0 && other > 0, `${one} and ${other} by chance`)
})

t.test('a server that is down is passed over, and comes back', async (t) => {
  const [a, b] = [await startServer(t, '192.0.2.1'), await startServer(t, '192.0.2.2')]
  const forwarder = createForwarder({ ...forward, upstreams: [a.upstream, b.upstream], timeoutMs: 500 })
  t.teardown(() => forwarder.close())
  const ask = async () => readReply(await forwarder.forward(createQuery('example.com', types.A), false)).answers[0]
  a.isSilent = true
  for (let n = 0; n < 3; n++) t.match(await ask(), /192\.0\.2\.2/)
  t.equal(a.heard, 2, 'after two failures')
  for (let n = 0; n < 10; n++) t.match(await ask(), /192\.0\.2\.2/)
  t.equal(a.heard, 2, 'nobody asks it any more, and so nobody waits for it')
  a.isSilent = false
  await until(async () => /192\.0\.2\.1/.test((await ask()) ?? ''), 'its return')
})

const withByte = (message: Buffer, at: number): Buffer => {
  const changed = Buffer.from(message)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

t.test('forwarding', async (t) => {
  const good = await startUpstream(t, (query) => [genuine(query)])
  const silent = await startUpstream(t, () => [])
  const forged = await startUpstream(t, (query) => [
    withByte(genuine(query), 0),
    withByte(genuine(query), 14),
    withByte(genuine(query), 2).subarray(0, 5),
    genuine(query),
  ])
  const query = makeQuery('example.com', types.A, { id: 4711 })
  const question = createQuery('example.com', types.A)
  const ask = async (upstreams: readonly { address: string; port: number }[]) =>
    readReply(await createForwarder({ ...forward, upstreams, timeoutMs: 200 }).forward(question, false))
  const answer = await ask([good])
  t.same(answer.answers, ['example.com A 60 192.0.2.1'])
  t.same((await ask([silent, good])).answers.length, 1, 'the next when one is silent')
  t.same((await ask([{ address: '127.0.0.1', port: 1 }, good])).answers.length, 1, 'or not there')
  t.same((await ask([forged])).answers, ['example.com A 60 192.0.2.1'], 'forgeries are passed over')
  t.same(
    (await ask([{ address: '255.255.255.255', port: 53 }, good])).answers.length,
    1,
    'or the kernel has no way to it',
  )
  await t.rejects(ask([silent]))
  await t.rejects(ask([]), /no upstream/)

  const busy = createRouter({
    config: { forward: { ...forward, upstreams: [silent], timeoutMs: 100, maxConcurrent: 1 }, stubDomains: {} },
  })
  const respond = createResponder([outsideNames(busy, undefined, [cidrOf('10.244.0.0/16')])], unexpected)
  const first = Promise.resolve(respond(query, '10.244.1.2', false))
  const second = await respond(query, '10.244.1.3', false)
  t.equal(second && readReply(second).rcode, 5, 'more than may run: refused')
  t.equal(readReply((await first) ?? Buffer.alloc(0)).rcode, 2, 'nobody answers: failed')
  const stranger = await respond(query, '192.0.2.9', false)
  t.equal(stranger && readReply(stranger).rcode, 5, 'strangers are refused')
})

t.test('what is too long for UDP comes over TCP', async (t) => {
  const truncate = (query: Buffer): readonly Buffer[] => {
    const answer = genuine(query)
    answer.writeUInt16BE(answer.readUInt16BE(2) | 0x0200, 2)
    return [answer]
  }
  // One that TCP can have, too.
  const udp = await startUpstream(t, truncate, await freePort())
  const tcp = createServer((socket) => {
    socket.once('data', (chunk) => {
      const answer = genuine(chunk.subarray(2))
      const length = Buffer.alloc(2)
      length.writeUInt16BE(answer.length)
      socket.write(length)
      socket.end(answer)
    })
  })
  tcp.listen(udp.port, '127.0.0.1')
  await once(tcp, 'listening')
  t.teardown(() => tcp.close())
  const forwarder = createForwarder({ ...forward, upstreams: [udp] })
  const query = createQuery('example.com', types.A)
  t.equal(readReply(await forwarder.forward(query, false)).isTruncated, true, 'a client over UDP asks again itself')
  t.equal(readReply(await forwarder.forward(query, true)).isTruncated, false)
})

/** A server over TCP that is given what it shall write, piece by piece; then it ends. */
const startTcp = async (t: Test, say: (query: Buffer) => readonly Buffer[]) => {
  const heard: Buffer[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', async (chunk) => {
      heard.push(chunk)
      for (const piece of say(chunk.subarray(2))) {
        socket.write(piece)
        await turnOfLoop()
      }
      socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { heard, upstream: { address: '127.0.0.1', port } }
}
const framed = (message: Buffer): Buffer => {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

const question = createQuery('example.com', types.A)

t.test('over TCP alone, in any pieces', async (t) => {
  const ask = async (say: (query: Buffer) => readonly Buffer[]) => {
    const { upstream, heard } = await startTcp(t, say)
    const forwarder = createForwarder({ ...forward, upstreams: [upstream], forceTcp: true })
    t.teardown(() => forwarder.close())
    const { answers } = readReply(await forwarder.forward(question, false))
    t.equal(heard[0]?.readUInt16BE(0), (heard[0]?.length ?? 0) - 2, 'the length in front')
    return answers
  }
  const found = ['example.com A 60 192.0.2.1']
  t.same(await ask((query) => [framed(genuine(query))]), found)
  t.same(await ask((query) => [...framed(genuine(query))].map((byte) => Buffer.from([byte]))), found, 'byte by byte')
  t.same(await ask((query) => [framed(genuine(query)), Buffer.from('more')]), found)
  for (const [text, say] of [
    ['nothing', () => []],
    ['half a length', () => [Buffer.from([0])]],
    ['half an answer', (query: Buffer) => [framed(genuine(query)).subarray(0, -1)]],
    ['another id', (query: Buffer) => [framed(withByte(genuine(query), 0))]],
    ['another question', (query: Buffer) => [framed(withByte(genuine(query), 14))]],
  ] as const)
    await t.rejects(ask(say), /127\.0\.0\.1 did not answer the question/, text)
})

t.test('what is no answer to the question does not count', async (t) => {
  const forge = (change: (answer: Buffer) => Buffer) => async () => {
    const server = await startUpstream(t, (query) => [change(genuine(query))])
    const forwarder = createForwarder({ ...forward, upstreams: [server], timeoutMs: 60 })
    t.teardown(() => forwarder.close())
    return forwarder.forward(question, false)
  }
  for (const [text, change] of [
    ['a query', (answer: Buffer) => withBits(answer, -0x8000)],
    ['a header that is cut', (answer: Buffer) => answer.subarray(0, 11)],
    ['another type', (answer: Buffer) => withByte(answer, 26)],
    ['another class', (answer: Buffer) => withByte(answer, 28)],
    ['no question, and no failure', (answer: Buffer) => withByte(answer, 5).subarray(0, 12)],
    ['half a question', (answer: Buffer) => answer.subarray(0, 28)],
  ] as const)
    await t.rejects(forge(change)(), { name: 'TimeoutError' }, text)
  for (const [text, change] of [
    ['SERVFAIL', (answer: Buffer) => withBits(withByte(answer, 5).subarray(0, 12), 2)],
    ['FORMERR', (answer: Buffer) => withBits(withByte(answer, 5).subarray(0, 12), 1)],
    ['RCODE9', (answer: Buffer) => withBits(withByte(answer, 5).subarray(0, 12), 9)],
  ] as const)
    await t.rejects(forge(change)(), { message: `127.0.0.1 sent a malformed answer (${text})` })
  await t.rejects(forge((answer) => answer.subarray(0, -3))(), { message: /malformed answer \(NOERROR\)/ }, 'not whole')
})

const withBits = (message: Buffer, bits: number): Buffer => {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(copy.readUInt16BE(2) + bits, 2)
  return copy
}

t.test('a question has an id that nobody can foretell, and a socket of its own', async (t) => {
  const seen: (readonly [id: number, port: number])[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    seen.push([query.readUInt16BE(0), port])
    socket.send(genuine(query), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => void socket.close())
  const upstreams = [{ address: '127.0.0.1', port: socket.address().port }]
  const forwarder = createForwarder({ ...forward, upstreams })
  await Promise.all(Array.from({ length: 16 }, () => forwarder.forward(question, false)))
  t.ok(new Set(seen.map(([id]) => id)).size > 12)
  t.equal(new Set(seen.map(([, port]) => port)).size, 16)
})

/** Servers by their numbers, and in which order they were asked. */
const openHealth = async (t: Test, count: number, more: Partial<ForwarderOptions> = {}) => {
  const clock = createFakeClock()
  const servers = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const state = { isDown: false, probes: 0 }
      const upstream = await startUpstream(t, (query) => {
        const isProbe = query[12] === 0
        if (isProbe) {
          state.probes++
          return state.isDown ? [withBits(withByte(genuine(query), 5).subarray(0, 12), 2)] : [rootAnswer(query)]
        }
        order.push(at)
        return [state.isDown ? withBits(withByte(genuine(query), 5).subarray(0, 12), 2) : genuine(query)]
      })
      return Object.assign(state, { upstream })
    }),
  )
  const order: number[] = []
  const results: (readonly [at: number, ok: boolean, seconds: number])[] = []
  const forwarder = createForwarder({
    ...{ ...forward, upstreams: servers.map(({ upstream }) => upstream), clock },
    onResult: (upstream, ok, seconds) =>
      results.push([servers.findIndex((each) => each.upstream === upstream), ok, seconds]),
    ...more,
  })
  t.teardown(() => forwarder.close())
  const ask = async (): Promise<string> => {
    order.length = 0
    const outcome = await forwarder.forward(question, false).then(
      () => 'found',
      () => 'failed',
    )
    return `${order.join(' ')} ${outcome}`
  }
  return { clock, servers, forwarder, results, ask }
}
const rootAnswer = (query: Buffer): Buffer => answerTo(query, { rcode: 0 })

t.test('two failures in a row, and a server is asked after the others', async (t) => {
  const { servers, ask, clock, results } = await openHealth(t, 2)
  const [first, second] = servers
  if (!first || !second) throw new Error('two servers')
  first.isDown = true
  t.equal(await ask(), '0 1 found')
  first.isDown = false
  t.equal(await ask(), '0 found')
  first.isDown = true
  t.equal(await ask(), '0 1 found', 'a success in between counts')
  t.equal(await ask(), '0 1 found')
  t.equal(await ask(), '1 found')
  second.isDown = true
  t.equal(await ask(), '1 0 failed', 'when nobody is better it is asked')
  t.same(
    results.slice(0, 3).map(([at, ok]) => `${at} ${ok}`),
    ['0 false', '1 true', '0 true'],
  )
  t.same([first.probes, second.probes], [0, 0])
  clock.advance(499)
  t.equal(first.probes, 0)
  clock.advance(1)
  await until(() => first.probes === 1, 'the probe')
  // It is down still: it is asked again.
  await until(() => {
    clock.advance(500)
    return first.probes === 2
  }, 'the next')
  first.isDown = false
  await until(() => {
    clock.advance(500)
    return first.probes >= 3
  }, 'the one that it answers')
  await until(async () => (await ask()) === '0 found', 'its return')
  const { probes } = first
  clock.advance(5_000)
  await ask()
  t.equal(first.probes, probes, 'one that is back is not probed any more')
})

t.test('who has closed it hears no probes', async (t) => {
  const { servers, ask, clock, forwarder } = await openHealth(t, 1)
  const [only] = servers
  if (!only) throw new Error('one server')
  only.isDown = true
  await ask()
  await ask()
  forwarder.close()
  clock.advance(10_000)
  await ask()
  await ask()
  clock.advance(10_000)
  await ask()
  t.equal(only.probes, 0)
})

t.test('one that is left out is not asked, however bad the others are', async (t) => {
  const { servers, ask, forwarder } = await openHealth(t, 2)
  const [first, second] = servers
  if (!first || !second) throw new Error('two servers')
  forwarder.exclude(first.upstream)
  t.equal(await ask(), '1 found')
  second.isDown = true
  t.equal(await ask(), '1 failed')
  forwarder.exclude({ address: '192.0.2.1', port: 53 })
  t.equal(await ask(), '1 failed', 'one that is not among them is no matter')
})

t.test('in turns: among those that are well', async (t) => {
  const { servers, ask } = await openHealth(t, 3, { policy: 'round-robin' })
  const [first] = servers
  if (!first) throw new Error('three servers')
  first.isDown = true
  const asked = [await ask(), await ask(), await ask(), await ask(), await ask(), await ask(), await ask(), await ask()]
  t.same(asked, [
    '0 1 found',
    '1 found',
    '2 found',
    '0 1 found',
    // Three turns of three are over; now two are well.
    '1 found',
    '2 found',
    '1 found',
    '2 found',
  ])
})

t.test('by chance: those that are well before the others', async (t) => {
  const { servers, ask } = await openHealth(t, 3, { policy: 'random' })
  const [first] = servers
  if (!first) throw new Error('three servers')
  first.isDown = true
  await until(async () => (await ask()).startsWith('0'), 'its first failure')
  await until(async () => (await ask()).startsWith('0'), 'its second failure')
  const asked: string[] = []
  for (let n = 0; n < 20; n++) asked.push(await ask())
  t.same(new Set(asked), new Set(['1 found', '2 found']))
})

t.test('nobody is asked when the client has given up', async (t) => {
  const clock = createFakeClock()
  const { servers, ask, results } = await openHealth(t, 3, {
    clock,
    onResult: () => clock.advance(2_500),
  })
  for (const server of servers) server.isDown = true
  t.equal(await ask(), '0 1 failed', 'after five seconds')
  t.same(results, [])
})

t.test('how long it took', async (t) => {
  const clock = createFakeClock()
  const upstream = await startUpstream(t, (query) => {
    clock.advance(250)
    return [genuine(query)]
  })
  const told: unknown[] = []
  const forwarder = createForwarder({
    ...{ ...forward, upstreams: [upstream], clock },
    onResult: (...result) => told.push(result),
  })
  await forwarder.forward(question, false)
  t.same(told, [[upstream, true, 0.25]])
})

t.test('so many at a time, and then again', async (t) => {
  const waiting: (() => void)[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    waiting.push(() => socket.send(genuine(query), port, address))
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => void socket.close())
  const upstreams = [{ address: '127.0.0.1', port: socket.address().port }]
  const forwarder = createForwarder({ ...forward, upstreams, maxConcurrent: 2 })
  const both = [forwarder.forward(question, false), forwarder.forward(question, false)]
  await t.rejects(forwarder.forward(question, false), { name: 'Busy', message: 'too many questions at a time' })
  await until(() => waiting.length === 2, 'two questions')
  for (const answer of waiting.splice(0)) answer()
  await Promise.all(both)
  const next = forwarder.forward(question, false)
  await until(() => waiting.length === 1, 'the next')
  waiting[0]?.()
  t.ok(await next)
})
