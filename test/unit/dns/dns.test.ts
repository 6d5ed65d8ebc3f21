import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Informer } from '../../../src/api/informer.ts'
import type { EndpointSlice, Service } from '../../../src/api/types/index.ts'
import { checks } from '../../../src/dns/answer/checks.ts'
import { clusterNames } from '../../../src/dns/answer/cluster.ts'
import { createResponder } from '../../../src/dns/answer/responder.ts'
import { defaultDnsConfig } from '../../../src/dns/config/config.ts'
import { createClusterDns } from '../../../src/dns/dns.ts'
import { compileDnsRules } from '../../../src/dns/node-address.ts'
import { isStub, parseResolvConf, podResolvConf } from '../../../src/dns/resolv-conf.ts'
import { createMessageReader, listen } from '../../../src/dns/server/listen.ts'
import { rcodes, types } from '../../../src/dns/wire/constants.ts'
import { readName } from '../../../src/dns/wire/name.ts'
import { recordsOf } from '../../../src/dns/zone/service-records.ts'
import { createZone, type Zone } from '../../../src/dns/zone/zone.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { service, slice } from '../../support/cluster-objects.ts'
import { askUdp, makeQuery, readReply } from '../../support/dns-client.ts'
import { genuine, startUpstream } from '../../support/dns-upstream.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import { rounds, seedOr } from '../../support/rounds.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { until } from '../../support/until.ts'

const origin = 'cluster.local'

const unexpected = (error: unknown): never => {
  throw error
}

const respondWith = (zone: Zone) =>
  createResponder(
    [
      checks,
      clusterNames({
        ...{ zone, origin, isComplete: () => true, ttl: 30, negativeTtl: 5 },
      }),
    ],
    unexpected,
  )

t.test('100,000 broken packets: every one gets a short answer or none', { timeout: 60_000 }, async (t) => {
  const zone = createZone()
  zone.set(
    'web',
    recordsOf(service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] }), [], origin),
  )
  const respond = respondWith(zone)
  const random = createSeededRandom(seedOr(5))
  const seeds = [
    makeQuery('web.default.svc.cluster.local', types.A, { edns: 1232 }),
    makeQuery('_http._tcp.web.default.svc.cluster.local', types.SRV),
    makeQuery('9.0.96.10.in-addr.arpa', types.PTR, { edns: 4096 }),
  ] as const
  let answered = 0
  for (let n = 0; n < rounds(100_000, 2_000_000); n++) {
    const packet = Buffer.from(random.pick(seeds))
    for (let change = random.below(6); change >= 0; change--) packet[random.below(packet.length)] = random.below(256)
    const cut = random.below(4) === 0 ? packet.subarray(0, random.below(packet.length)) : packet
    const answer = await respond(cut, '10.244.1.9', false)
    if (!answer) continue
    answered++
    if (answer.length > 1232 || answer.length < 12) t.fail(`${cut.toString('hex')}: ${answer.length} bytes`)
    if (answer.readUInt16BE(0) !== cut.readUInt16BE(0)) t.fail(`${cut.toString('hex')}: another id`)
    if ((answer.readUInt16BE(2) & 0x8000) === 0) t.fail(`${cut.toString('hex')}: no answer but a query`)
  }
  t.ok(answered > 50_000, `${answered} answered`)
})

t.test('TCP: several queries in one connection, in any pieces', async (t) => {
  const zone = createZone()
  zone.set('web', recordsOf(service('web', { clusterIP: '10.96.0.9' }), [], origin))
  const listener = await listen({ address: '127.0.0.1', port: 0, respond: respondWith(zone) })
  t.teardown(() => listener.close())
  const queries = [1, 2, 3, 4, 5].map((id) => makeQuery('web.default.svc.cluster.local', types.A, { id }))
  const stream = Buffer.concat(queries.flatMap((query) => [Buffer.from([0, query.length]), query]))
  const socket = connect((listener as unknown as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  for (let at = 0; at < stream.length; at += 7) {
    socket.write(stream.subarray(at, at + 7))
    await new Promise((resolve) => setImmediate(resolve))
  }
  socket.end()
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const received = Buffer.concat(chunks)
  const ids: number[] = []
  for (let at = 0; at < received.length; at += 2 + received.readUInt16BE(at)) {
    const reply = readReply(received.subarray(at + 2, at + 2 + received.readUInt16BE(at)))
    ids.push(reply.id)
    t.equal(reply.answers.length, 1)
  }
  t.same(ids, [1, 2, 3, 4, 5])
})

t.test('TCP: a client that takes no answers is not served further', async (t) => {
  const zone = createZone()
  const addresses = Array.from({ length: 250 }, (_, n) => `10.244.0.${n + 1}`)
  const records = recordsOf(service('web', { clusterIP: 'None' }), [slice('web', [{ addresses }])], origin)
  zone.set('web', records)
  const respond = respondWith(zone)
  let answered = 0
  const listener = await listen({
    ...{ address: '127.0.0.1', port: 0 },
    respond: (...query) => {
      answered++
      return respond(...query)
    },
  })
  t.teardown(() => listener.close())
  const query = makeQuery('web.default.svc.cluster.local', types.A)
  const socket = connect(listener.port, '127.0.0.1')
  await once(socket, 'connect')
  const asked = 20_000
  for (let n = 0; n < asked; n++) socket.write(Buffer.concat([Buffer.from([0, query.length]), query]))
  // Until the kernel's buffers are full, and then no more.
  let before = -1
  await until(() => {
    const isSettled = answered > 0 && answered === before
    before = answered
    return isSettled
  }, 'the server to wait')
  t.ok(answered < asked, `${answered} of ${asked} were answered`)
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
  })
  await until(() => answered === asked, 'all answers, now that they are taken')
  socket.destroy()
  t.ok(received > 0)
})

t.test('messages of a stream, however it is cut', (t) => {
  const messages = ['', 'a', 'bc', 'x'.repeat(300), ''].map((text) => Buffer.from(text))
  const stream = Buffer.concat(messages.flatMap((each) => [Buffer.from([each.length >> 8, each.length & 255]), each]))
  for (const step of [1, 2, 3, 5, 301, 1000]) {
    const read = createMessageReader()
    const seen: Buffer[] = []
    for (let at = 0; at < stream.length; at += step) seen.push(...read(stream.subarray(at, at + step)))
    t.same(seen.map(String), messages.map(String), `${step} bytes at a time`)
  }
  t.end()
})

t.test('a fault of ours is told, and the client learns that it failed', async (t) => {
  const faults: unknown[] = []
  const query = makeQuery('example.com', types.A)
  for (const handler of [
    () => {
      throw new Error('at once')
    },
    () => Promise.reject(new Error('later')),
  ]) {
    const answer = await createResponder([handler], (error) => faults.push(error))(query, '127.0.0.1', false)
    t.equal(answer && answer.readUInt16BE(2) & 15, 2)
  }
  t.match(faults, [/at once/, /later/])
})

t.test('the whole: a changed Service is answered at once, by a thread', { timeout: 30_000 }, async (t) => {
  const services = createFedInformer<Service>([service('web', { clusterIP: '10.96.0.9' })])
  const slices = createFedInformer([slice('db', [{ addresses: ['10.244.1.2'] }])], {
    service: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`],
  })
  const stop = new AbortController()
  const dns = createClusterDns({
    ...{ services, slices, clusterDomain: origin, addresses: ['127.0.0.1'], port: 0, upstreams: [] },
    ...{ recursionCIDRs: ['127.0.0.0/8'], log: silentLogger },
  })
  const running = dns.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const port = await dns.ready
  const ask = async (name: string) => readReply(await askUdp(port, makeQuery(name, types.A)))
  await until(async () => (await ask('web.default.svc.cluster.local')).answers.length === 1, 'the first answer')
  t.equal((await ask('db.default.svc.cluster.local')).rcode, 3)
  services.put(service('bad', { type: 'ExternalName', externalName: `${'x'.repeat(64)}.example` }))
  services.put(service('db', { clusterIP: 'None' }))
  await until(async () => (await ask('db.default.svc.cluster.local')).answers.length === 1, 'the new Service')
  services.remove('default/web')
  await until(async () => (await ask('web.default.svc.cluster.local')).rcode === 3, 'the removed one')
  t.equal((await ask('example.com')).rcode, 2, 'no upstream')

  const busyUntil = Date.now() + 300
  const asked = askUdp(port, makeQuery('db.default.svc.cluster.local', types.A))
  while (Date.now() < busyUntil);
  t.equal(readReply(await asked).answers.length, 1)
})

t.test('the whole: an alias in the thread leads to whoever knows its target', { timeout: 30_000 }, async (t) => {
  const heard: string[] = []
  const upstream = await startUpstream(t, (query) => {
    const name = readName(query, 12)?.name ?? ''
    if (name !== '' && !name.endsWith('.invalid')) heard.push(name)
    return [genuine(query)]
  })
  const external = (name: string, externalName: string) => service(name, { type: 'ExternalName', externalName })
  const services = createFedInformer<Service>([
    service('web', { clusterIP: '10.96.0.9' }),
    external('to-hosts', 'db.internal'),
    external('to-rewrite', 'shop.internal'),
    external('to-outside', 'example.com'),
  ])
  const slices = createFedInformer<EndpointSlice>([], { service: () => [] })
  const stop = new AbortController()
  const dns = createClusterDns({
    ...{ services, slices, clusterDomain: origin, addresses: ['127.0.0.1'], port: 0, upstreams: [upstream] },
    ...{ recursionCIDRs: ['127.0.0.0/8'], log: silentLogger },
    config: {
      ...defaultDnsConfig,
      hosts: [{ address: '10.0.0.9', names: ['db.internal'] }],
      rewrites: [{ kind: 'exact', from: 'shop.internal', to: `web.default.svc.${origin}` }],
    },
  })
  const running = dns.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const port = await dns.ready
  const ask = async (name: string) =>
    readReply(await askUdp(port, makeQuery(`${name}.default.svc.${origin}`, types.A, { edns: 1232 })))
  await until(async () => (await ask('web')).answers.length === 1, 'the first answer')
  t.match((await ask('to-hosts')).answers, [/CNAME/, 'db.internal A 3600 10.0.0.9'])
  t.match((await ask('to-rewrite')).answers, [/CNAME/, /CNAME/, / A 30 10\.96\.0\.9$/])
  t.same(heard, [], 'nothing of it is asked outside')
  for (let n = 0; n < 3; n++) t.match((await ask('to-outside')).answers, [/CNAME/, / A \d+ 192\.0\.2\.1$/])
  t.same(heard, ['example.com'], 'and what is outside once')
})

t.test('a successor answers before its predecessor ends', { timeout: 30_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-dns-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const services = createFedInformer<Service>([service('web', { clusterIP: '10.96.0.9' })])
  const slices = createFedInformer<EndpointSlice>([], { service: () => [] })
  const start = (port: number) => {
    const stop = new AbortController()
    const dns = createClusterDns({
      ...{ services, slices, clusterDomain: origin, addresses: ['127.0.0.1'], port, upstreams: [] },
      ...{ recursionCIDRs: [], log: silentLogger, snapshotFile: join(folder, 'zone') },
    })
    const running = dns.run(stop.signal)
    return {
      dns,
      end: async () => {
        stop.abort()
        await running
      },
    }
  }
  let current = start(0)
  const port = await current.dns.ready
  t.teardown(() => current.end())
  await until(
    () =>
      access(join(folder, 'zone')).then(
        () => true,
        () => false,
      ),
    'the zone to be kept',
  )
  let asked = 0
  let isOver = false
  const failures: unknown[] = []
  const query = makeQuery('web.default.svc.cluster.local', types.A)
  const client = async (): Promise<void> => {
    while (!isOver) {
      asked++
      const answer = await askUdp(port, query).catch((error: unknown) => void failures.push(error))
      if (answer && readReply(answer).answers.length !== 1) failures.push('no address')
    }
  }
  const clients = Array.from({ length: 4 }, client)
  for (let round = 0; round < 3; round++) {
    const successor = start(port)
    await successor.dns.ready
    await current.end()
    current = successor
  }
  isOver = true
  await Promise.all(clients)
  t.same(failures, [])
  t.ok(asked > 100, `${asked} questions`)
})

t.test('one that knows nothing yet leaves the answers to the other one', { timeout: 30_000 }, async (t) => {
  const known = createFedInformer<Service>([service('web', { clusterIP: '10.96.0.9' })])
  const slices = createFedInformer<EndpointSlice>([], { service: () => [] })
  const start = (services: Informer<Service>, port: number, alone?: Promise<void>) => {
    const stop = new AbortController()
    const dns = createClusterDns({
      ...{ services, slices, clusterDomain: origin, addresses: ['127.0.0.1'], port, upstreams: [] },
      ...{ recursionCIDRs: [], log: silentLogger },
    })
    const running = dns.run(stop.signal, alone)
    const end = async (): Promise<void> => {
      stop.abort()
      await running
    }
    t.teardown(end)
    return { dns, end }
  }
  const query = makeQuery('web.default.svc.cluster.local', types.A)
  /** The result codes of many questions: the kernel shares them out. */
  const results = async (): Promise<readonly number[]> => {
    const replies = await Promise.all(Array.from({ length: 64 }, () => askUdp(port, query)))
    return [...new Set(replies.map((reply) => readReply(reply).rcode))].sort()
  }
  const first = start(known, 0)
  const port = await first.dns.ready

  const synced = Promise.withResolvers<void>()
  const second = start({ ...known, synced: synced.promise }, port, Promise.withResolvers<void>().promise)
  const alone = Promise.withResolvers<void>()
  const third = start({ ...known, synced: Promise.withResolvers<void>().promise }, port, alone.promise)
  await until(async () => (await third.dns.stats()) && (await second.dns.stats()), 'their threads')
  t.same(await results(), [rcodes.ok], 'they do not listen')
  synced.resolve()
  await second.dns.ready
  await first.end()
  t.same(await results(), [rcodes.ok], 'the second does once it knows everything')
  await second.end()
  alone.resolve()
  await until(
    () =>
      askUdp(port, query, '127.0.0.1', 300).then(
        () => true,
        () => false,
      ),
    'the third to listen',
  )
  t.same(await results(), [rcodes.failed], 'the third in the place of nobody')
})

t.test('resolv.conf of a node', async (t) => {
  const text =
    '# made by hand\nnameserver 192.0.2.1 # first\nnameserver nonsense\nsearch a.example\nsearch b.example c.example\noptions ndots:2 rotate\n'
  t.same(parseResolvConf(text), {
    nameservers: ['192.0.2.1'],
    searches: ['b.example', 'c.example'],
    options: ['ndots:2', 'rotate'],
  })
  t.ok(isStub(parseResolvConf('nameserver 127.0.0.53')))
  t.notOk(isStub(parseResolvConf(text)))
})

t.test('resolv.conf of pods', async (t) => {
  const cluster = { domain: origin, nameservers: ['10.96.0.10'] }
  const host = { nameservers: ['192.0.2.1'], searches: ['example.com'], options: ['rotate'] }
  const pod = { policy: 'ClusterFirst', hostNetwork: false, namespace: 'team' } as const
  const clusterText =
    'search team.svc.cluster.local svc.cluster.local cluster.local example.com\nnameserver 10.96.0.10\noptions ndots:5\n'
  const hostText = 'search example.com\nnameserver 192.0.2.1\noptions rotate\n'
  const textOf = (more: object): string => podResolvConf({ ...pod, ...more }, cluster, host).text
  t.equal(textOf({}), clusterText)
  t.equal(textOf({ hostNetwork: true }), hostText, 'on the host network: the host')
  t.equal(textOf({ hostNetwork: true, policy: 'ClusterFirstWithHostNet' }), clusterText)
  t.equal(textOf({ policy: 'Default' }), hostText)
  const config = {
    ...{ nameservers: ['192.0.2.9', '192.0.2.9'], searches: ['x.example'] },
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  }
  t.equal(textOf({ policy: 'None', config }), 'search x.example\nnameserver 192.0.2.9\noptions ndots:2 edns0\n')
  t.match(textOf({ config }), /options ndots:2 edns0\n/, 'options replace those of the same name')
  const { text, warnings } = podResolvConf(
    {
      ...pod,
      config: {
        nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'],
        searches: Array.from({ length: 40 }, (_, n) => `s${n}`),
      },
    },
    cluster,
    host,
  )
  t.equal(text.match(/nameserver/g)?.length, 3)
  t.equal(text.split('\n')[0]?.split(' ').length, 33)
  t.equal(warnings.length, 2)
})

t.test('rules of the DNS address', async (t) => {
  const { raw, filter } = compileDnsRules('10.96.0.10', 53)
  t.equal(raw.chains[0]?.rules[0], '-d 10.96.0.10/32 -p udp -m udp --dport 53 -j CT --notrack')
  t.equal(raw.chains[0]?.rules[2], '-s 10.96.0.10/32 -p udp -m udp --sport 53 -j CT --notrack')
  t.equal(filter.chains[0]?.rules[1], '-d 10.96.0.10/32 -p tcp -m tcp --dport 53 -j ACCEPT')
})
