/** Services with real packets, over both rule stores of iptables. Runs inside scripts/universe.sh. */
import t, { type Test } from 'tap'
import { udpFollower } from '../../src/agent/service-stack.ts'
import { createConnections } from '../../src/host/conntrack/connections.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createNetfilter, type NetfilterBackend } from '../../src/host/netfilter/netfilter.ts'
import { createUdpCleaner } from '../../src/proxy/conntrack/udp-cleaner.ts'
import { cleanupProxy } from '../../src/proxy/iptables/kernel.ts'
import { type ClusterApi, openClusterApi } from '../support/cluster-api.ts'
import { until } from '../support/until.ts'
import { makeService, makeSlice, type ServiceDraft } from '../unit/proxy/support/objects.ts'
import { putObjects, startProxy } from '../unit/proxy/support/running.ts'
import { type Host, peerPort } from './support/hosts.ts'
import { bridgeAddress, createNodeNetwork, type NodeNetwork, nodeAddress } from './support/node-network.ts'

const pod = (number: number) => ({ address: `10.1.0.${number}`, node: 'here' })
const awayPod = { address: '10.1.9.2', node: 'away' }

/** A Service with its slice. Its endpoints answer on the peers' port. */
const put = (api: ClusterApi, draft: ServiceDraft, endpoints: Parameters<typeof makeSlice>[0], udp = false): void => {
  const protocol = udp ? ('UDP' as const) : ('TCP' as const)
  const ports = draft.ports ?? [{ name: 'main', port: 80, protocol }]
  const { name = 'web' } = draft
  const target = { service: name, ports: [{ name: 'main', port: peerPort, protocol }] }
  putObjects(api, { service: makeService({ ...draft, name, ports }), slices: [makeSlice(endpoints, target)] })
}

const nodePort = (number: number) => ({
  type: 'NodePort' as const,
  ports: [{ name: 'main', port: 80, nodePort: number }],
})

const addServices = (api: ClusterApi): void => {
  put(api, { name: 'three', clusterIP: '10.96.0.3' }, [pod(2), pod(3), pod(4)])
  put(api, { name: 'other', clusterIP: '10.96.0.4' }, [pod(2)])
  put(api, { name: 'empty', clusterIP: '10.96.0.5', ...nodePort(30_005) }, [])
  put(api, { name: 'empty-udp', clusterIP: '10.96.0.6' }, [], true)
  put(api, { name: 'udp', clusterIP: '10.96.0.7' }, [pod(3)], true)
  put(api, { name: 'cluster', clusterIP: '10.96.0.8', ...nodePort(30_008) }, [pod(2), awayPod])
  put(api, { name: 'local', clusterIP: '10.96.0.9', ...nodePort(30_009), externalTrafficPolicy: 'Local' }, [
    pod(2),
    awayPod,
  ])
  put(api, { name: 'nowhere', clusterIP: '10.96.0.10', ...nodePort(30_010), externalTrafficPolicy: 'Local' }, [awayPod])
  put(api, { name: 'self', clusterIP: '10.96.0.11' }, [pod(2)])
  put(api, { name: 'elsewhere', clusterIP: '10.96.0.12', internalTrafficPolicy: 'Local' }, [awayPod])
  const sessionAffinityConfig = { clientIP: { timeoutSeconds: 2 } }
  put(api, { name: 'sticky', clusterIP: '10.96.0.13', sessionAffinity: 'ClientIP', sessionAffinityConfig }, [
    pod(2),
    pod(3),
    pod(4),
  ])
  put(api, { name: 'random', clusterIP: '10.96.0.15', annotations: { 'podway.dev/load-balancing': 'random' } }, [
    pod(2),
    pod(3),
    pod(4),
  ])
  put(api, { name: 'public', clusterIP: '10.96.0.14', externalIPs: ['203.0.113.14'] }, [pod(4)])
}

t.setTimeout(120_000)

const tally = (answers: readonly string[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const answer of [...answers].sort()) counts[answer] = (counts[answer] ?? 0) + 1
  return counts
}

const spreadOf = (answers: readonly string[]): number => {
  const counts = Object.values(tally(answers))
  return Math.max(...counts) - Math.min(...counts)
}

const strangers = `*nat
:STRANGER - [0:0]
-A PREROUTING -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.9:22
-A POSTROUTING -j STRANGER
-A STRANGER -s 172.30.0.0/16 -m comment --comment "not podway's" -j MASQUERADE
COMMIT
*filter
-A FORWARD -s 172.30.0.0/16 -j ACCEPT
-A OUTPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`

/** iptables-save without what changes by itself: times and counters. */
const rulesOf = (saved: string): string =>
  saved
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\[\d+:\d+\]/g, '')

/** Sends a bare TCP SYN+ACK to the client outside, from a raw socket. */
const stray = `
use Socket;
my ($from, $to) = (inet_aton('10.1.0.2'), inet_aton('192.0.2.100'));
my $tcp = pack('nnNNCCnnn', 4000, 5000, 1, 1, 5 << 4, 0x12, 1000, 0, 0);
my $sum = 0;
$sum += $_ for unpack('n*', $from . $to . pack('CCn', 0, 6, length $tcp) . $tcp);
$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
substr($tcp, 16, 2) = pack('n', ~$sum & 0xffff);
socket(my $s, PF_INET, SOCK_RAW, 6) or die $!;
send($s, $tcp, 0, sockaddr_in(0, $to)) or die $!;`

const checkTraffic = async (
  t: Test,
  network: NodeNetwork,
  api: ClusterApi,
  backend: NetfilterBackend,
): Promise<void> => {
  const [pod2, pod3] = network.pods

  await t.test('10,000 connections are shared in turn', async (t) => {
    const { answers } = await pod3.call('10.96.0.3', 80, { count: 10_000 })
    const counts = Object.values(tally(answers)).sort()
    t.same(counts, [3333, 3333, 3334], JSON.stringify(tally(answers)))
  })

  await t.test('or by chance', async (t) => {
    const { answers } = await pod3.call('10.96.0.15', 80, { count: 3_000 })
    const counts = Object.values(tally(answers))
    t.equal(counts.length, 3)
    // Ten times the standard deviation of one share.
    for (const count of counts) t.ok(Math.abs(count - 1_000) < 260, JSON.stringify(tally(answers)))
  })

  await t.test('the turn is kept while another Service changes', async (t) => {
    const answers: string[] = []
    for (let round = 0; round < 5; round++) {
      answers.push(...(await pod2.call('10.96.0.3', 80, { count: 20 })).answers)
      const target = round % 2 ? pod(2) : pod(3)
      put(api, { name: 'other', clusterIP: '10.96.0.4' }, [target])
      const name = `pod${target.address.at(-1)}`
      await until(async () => (await pod2.call('10.96.0.4', 80)).answers[0]?.startsWith(name), `other to be ${name}`)
    }
    // The legacy store loads the whole table anew, and every counter with it: one extra turn for each change.
    t.ok(spreadOf(answers) <= (backend === 'nft' ? 1 : 5), JSON.stringify(tally(answers)))
  })

  await t.test('a Service without endpoints refuses at once, however often', async (t) => {
    for (const [host, address, port] of [
      [pod2, '10.96.0.5', 80],
      [network.node, '10.96.0.5', 80],
      [network.client, '10.96.0.5', 80],
      [network.client, nodeAddress, 30_005],
      [pod2, nodeAddress, 30_005],
      [network.node, nodeAddress, 30_005],
    ] as const) {
      const { answers, slowestMs } = await host.call(address, port, { count: 30 })
      t.same(tally(answers), { ECONNREFUSED: 30 }, `${host.name} to ${address}:${port}`)
      t.ok(slowestMs < 500, `at most ${Math.round(slowestMs)} ms`)
    }
    t.same((await pod2.call('10.96.0.6', 80, { protocol: 'udp' })).answers, ['ECONNREFUSED'], 'UDP')
  })

  await t.test('a cluster address: pods keep theirs, others come by the node', async (t) => {
    t.same((await pod2.call('10.96.0.4', 80)).answers.length, 1)
    t.same((await pod3.call('10.96.0.11', 80)).answers, ['pod2 10.1.0.3'])
    t.same((await network.node.call('10.96.0.11', 80)).answers, [`pod2 ${bridgeAddress}`])
    t.same((await network.client.call('10.96.0.11', 80)).answers, [`pod2 ${bridgeAddress}`])
    t.same((await pod2.call('10.96.0.7', 80, { protocol: 'udp' })).answers, ['pod3 10.1.0.2'], 'UDP')
  })

  await t.test('a pod reaches itself', async (t) => {
    t.same((await pod2.call('10.96.0.11', 80)).answers, [`pod2 ${bridgeAddress}`])
  })

  await t.test('a node port from outside, from a pod and from the node', async (t) => {
    const here = `pod2 ${bridgeAddress}`
    const there = `away ${nodeAddress}`
    for (const host of [network.client, pod3, network.node]) {
      const { answers } = await host.call(nodeAddress, 30_008, { count: 10 })
      t.same(tally(answers), { [there]: 5, [here]: 5 }, host.name)
    }
  })

  await t.test('external policy Local keeps the source and the node', async (t) => {
    t.same(tally((await network.client.call(nodeAddress, 30_009, { count: 4 })).answers), { 'pod2 192.0.2.100': 4 })
    t.same(tally((await pod3.call(nodeAddress, 30_009, { count: 4 })).answers), {
      'away 10.1.0.3': 2,
      'pod2 10.1.0.3': 2,
    })
    const dropped = await network.client.call(nodeAddress, 30_010, { timeoutMs: 300 })
    t.same(dropped.answers, ['timeout'], 'only other nodes have endpoints: dropped')
    t.same((await network.node.call(nodeAddress, 30_010)).answers, [`away ${nodeAddress}`], 'the node may go there')
  })

  await t.test('internal policy Local drops what only other nodes serve', async (t) => {
    t.same((await pod2.call('10.96.0.12', 80, { timeoutMs: 300 })).answers, ['timeout'])
  })

  await t.test('an external address', async (t) => {
    t.same((await network.client.call('203.0.113.14', 80)).answers, [`pod4 ${bridgeAddress}`])
  })

  await t.test('affinity holds per client, until it has been away for too long or the endpoint is gone', async (t) => {
    const first = await network.client.call('10.96.0.13', 80, { count: 20 })
    const [favourite = ''] = Object.keys(tally(first.answers))
    t.same(tally(first.answers), { [favourite]: 20 })
    const other = await pod3.call('10.96.0.13', 80, { count: 20 })
    t.equal(Object.keys(tally(other.answers)).length, 1, 'another client has its own')
    // Only time can tell a timeout: the kernel counts the seconds since the last connection.
    const later: string[] = []
    for (let round = 0; round < 2; round++) {
      await new Promise((resolve) => setTimeout(resolve, 2_200))
      later.push(...(await network.client.call('10.96.0.13', 80, { count: 3 })).answers)
    }
    t.ok(Object.keys(tally([favourite, ...later])).length > 1, 'after the timeout it is another one’s turn')
    const [current = ''] = later.slice(-1)
    const left = [2, 3, 4].filter((number) => !current.startsWith(`pod${number}`))
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 2 } }
    put(
      api,
      { name: 'sticky', clusterIP: '10.96.0.13', sessionAffinity: 'ClientIP', sessionAffinityConfig },
      left.map(pod),
    )
    const gone = current.slice(0, 4)
    await until(async () => !(await network.client.call('10.96.0.13', 80)).answers[0]?.startsWith(gone), 'another pod')
    t.equal(Object.keys(tally((await network.client.call('10.96.0.13', 80, { count: 10 })).answers)).length, 1)
  })

  await t.test('endpoints come and go', async (t) => {
    put(api, { name: 'empty', clusterIP: '10.96.0.5', ...nodePort(30_005) }, [pod(4)])
    await until(async () => (await pod2.call('10.96.0.5', 80)).answers[0]?.startsWith('pod4'), 'the first endpoint')
    t.same((await network.client.call(nodeAddress, 30_005)).answers, [`pod4 ${bridgeAddress}`])
    put(api, { name: 'empty', clusterIP: '10.96.0.5', ...nodePort(30_005) }, [])
    await until(async () => (await pod2.call('10.96.0.5', 80)).answers[0] === 'ECONNREFUSED', 'the refusal')
    t.same((await network.client.call(nodeAddress, 30_005)).answers, ['ECONNREFUSED'])
  })
}

/** UDP clients that keep their port: to the kernel they are one long connection. */
const checkUdp = async (t: Test, network: NodeNetwork, backend: NetfilterBackend): Promise<void> => {
  const { runner } = network.node
  const api = await openClusterApi()
  const udpPorts = [{ name: 'main', port: 53, protocol: 'UDP' as const, nodePort: 30_053 }]
  const draft = { name: 'dns', clusterIP: '10.96.1.53', type: 'NodePort' as const, ports: udpPorts }
  put(api, draft, [pod(2), pod(3)], true)
  const cleaner = createUdpCleaner({
    connections: createConnections(runner, 'IPv4'),
    isServiceAddress: (address) => address.startsWith('10.96.'),
    ownAddresses: () => new Set([nodeAddress]),
    log: silentLogger,
  })
  const stop = new AbortController()
  const start = async () => {
    const netfilter = createNetfilter(runner, 'IPv4', backend)
    const started = startProxy(t, api, netfilter, { followers: [udpFollower(cleaner)] })
    await started.proxy.synced
    return started
  }
  const { end } = await start()
  const cleaning = cleaner.run(stop.signal)
  const [pod2, pod3, pod4] = network.pods
  const ask = async (host: Host, from: number, to = '10.96.1.53', port = 53): Promise<string> =>
    (await host.call(to, port, { protocol: 'udp', from, timeoutMs: 300 })).answers[0]?.split(' ')[0] ?? ''

  // Of two ports that are used one after another each has its turn.
  const [one, other] = [await ask(pod4, 5001), await ask(pod4, 5002)]
  t.same([one, other].sort(), ['pod2', 'pod3'])
  const healthy = one === 'pod2' ? 5001 : 5002
  const doomed = healthy === 5001 ? 5002 : 5001
  const outside = await ask(network.client, 5003, nodeAddress, 30_053)
  put(api, draft, [pod(2)], true)
  await until(async () => (await ask(pod4, doomed)) === 'pod2', 'the client of the pod that is gone to move')
  await until(async () => (await ask(network.client, 5003, nodeAddress, 30_053)) === 'pod2', 'also by node port')
  t.match(outside, /^pod[23]$/)

  const before = await runner.run('conntrack', ['-L', '-p', 'udp', '--orig-port-src', String(healthy)])
  put(api, draft, [pod(2), pod(4)], true)
  t.equal(await ask(pod4, healthy), 'pod2', 'the client of a pod that stays, stays')
  t.match(before, /src=10\.1\.0\.2/)

  put(api, draft, [], true)
  await until(async () => (await ask(pod2, 5004)) === 'ECONNREFUSED', 'nobody to serve')
  await network.node.call('10.96.1.53', 53, { protocol: 'udp', from: 5005, timeoutMs: 100 })
  put(api, draft, [pod(3)], true)
  await until(async () => (await ask(pod2, 5004)) === 'pod3', 'the first endpoint to be found by who asked before')

  await end()
  const restarted = await start()
  t.equal(await ask(pod2, 5004), 'pod3', 'a restart cuts nothing')
  api.drop('services', 'default/dns')
  api.drop('endpointslices', 'default/dns-1')
  const flows = () => runner.run('conntrack', ['-L', '-p', 'udp', '-d', '10.96.1.53'])
  await until(async () => !/src=10\.1\.0\.3/.test(await flows()), 'the connections of the Service that is gone to go')
  t.equal(pod3.name, 'pod3')
  stop.abort()
  await cleaning
  await restarted.end()
}

const checkIpv6 = async (t: Test, network: NodeNetwork, backend: NetfilterBackend): Promise<void> => {
  const api = await openClusterApi()
  const put6 = (draft: ServiceDraft, endpoints: Parameters<typeof makeSlice>[0]) => {
    const target = { service: draft.name ?? 'web', addressType: 'IPv6' as const, ports: [{ port: peerPort }] }
    putObjects(api, { service: makeService(draft), slices: [makeSlice(endpoints, target)] })
  }
  const three = [2, 3, 4].map((number) => ({ address: `fd00:1::${number}`, node: 'here' }))
  const ports = [{ port: 80, nodePort: 30_006 }]
  put6({ name: 'three', clusterIP: 'fd00:96::3', type: 'NodePort', ports }, three)
  put6({ name: 'sticky', clusterIP: 'fd00:96::4', sessionAffinity: 'ClientIP', ports: [{ port: 80 }] }, three)
  put6({ name: 'empty', clusterIP: 'fd00:96::5', ports: [{ port: 80 }] }, [])
  const netfilter = createNetfilter(network.node.runner, 'IPv6', backend)
  const { proxy, end } = startProxy(t, api, netfilter)
  await proxy.synced
  const [pod2] = network.pods
  t.same(tally((await pod2.call('fd00:96::3', 80, { count: 30 })).answers), {
    'pod2 fd00:1::1': 10,
    'pod3 fd00:1::2': 10,
    'pod4 fd00:1::2': 10,
  })
  const outside = await network.client.call('2001:db8::1', 30_006, { count: 6 })
  t.same(tally(outside.answers), { 'pod2 fd00:1::1': 2, 'pod3 fd00:1::1': 2, 'pod4 fd00:1::1': 2 })
  t.equal(Object.keys(tally((await network.client.call('fd00:96::4', 80, { count: 10 })).answers)).length, 1)
  t.same(tally((await pod2.call('fd00:96::5', 80, { count: 10 })).answers), { ECONNREFUSED: 10 })
  await end()
  await cleanupProxy(netfilter)
  t.notMatch(await netfilter.save('nat'), /PODWAY/)
}

for (const backend of ['nft', 'legacy'] as const)
  t.test(`iptables-${backend}`, { timeout: 120_000 }, async (t) => {
    const network = await createNodeNetwork()
    t.teardown(() => network.close())
    const { runner } = network.node
    const save = async () => rulesOf(await runner.run(`iptables-${backend}-save`, []))
    await runner.run(`iptables-${backend}-restore`, ['--noflush'], strangers)
    const before = await save()
    const netfilter = createNetfilter(runner, 'IPv4', backend)
    const api = await openClusterApi()
    addServices(api)
    const first = startProxy(t, api, netfilter)
    await first.proxy.synced

    await checkTraffic(t, network, api, backend)

    await t.test('IPv6', (t) => checkIpv6(t, network, backend))

    await t.test('a restart touches nothing, and traffic goes on meanwhile', async (t) => {
      await first.end()
      const counted = await runner.run(`iptables-${backend}-save`, ['-c', '-t', 'nat'])
      const { answers } = await network.pods[1].call('10.96.0.3', 80, { count: 3 })
      t.equal(Object.keys(tally(answers)).length, 3, 'three endpoints in turn')
      let writes = 0
      const { proxy, end } = startProxy(t, api, {
        ...netfilter,
        apply: async (edits) => {
          if (edits.some(({ chains }) => chains.length > 0)) writes++
          return netfilter.apply(edits)
        },
      })
      await proxy.synced
      t.equal(writes, 0, 'every rule reads back as it was written')
      t.match(counted, /PODWAY-SVC-/)
      await end()
    })

    await t.test('somebody flushes everything: healed within 5 seconds', async (t) => {
      const { proxy, end } = startProxy(t, api, netfilter)
      await proxy.synced
      const whole = await save()
      for (const args of [['-F'], ['-X'], ['-t', 'nat', '-F'], ['-t', 'nat', '-X']])
        await runner.run(`iptables-${backend}`, args)
      const flushed = Date.now()
      const answered = async () =>
        (await network.pods[1].call('10.96.0.11', 80, { timeoutMs: 200 })).answers[0] === 'pod2 10.1.0.3'
      await until(answered, 'the Service to answer again')
      t.ok(Date.now() - flushed < 6_500, `${Date.now() - flushed} ms`)
      await runner.run(`iptables-${backend}-restore`, ['--noflush'], strangers)
      await until(async () => (await save()).length === whole.length, 'all rules to be there')
      await end()
    })

    await t.test('UDP', (t) => checkUdp(t, network, backend))

    if (backend === 'legacy')
      await t.test('somebody holds the lock of the tables: what changes meanwhile comes afterwards', async (t) => {
        const holder = new AbortController()
        const held = Promise.withResolvers<void>()
        const script =
          "require('node:child_process').spawn('flock', ['/run/xtables.lock', 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'inherit', 'inherit'] }); setInterval(() => {}, 1000)"
        const { proxy, end } = startProxy(t, api, netfilter)
        await proxy.synced
        const holding = network.client.serve(script, holder.signal, () => held.resolve())
        await held.promise
        put(api, { name: 'late', clusterIP: '10.96.0.77' }, [pod(3)])
        t.same((await network.pods[0].call('10.96.0.11', 80, { count: 3 })).answers.length, 3, 'traffic goes on')
        holder.abort()
        await holding
        const answered = async () => (await network.pods[0].call('10.96.0.77', 80, { timeoutMs: 200 })).answers[0]
        await until(async () => (await answered())?.startsWith('pod3'), 'the change')
        await end()
      })

    await t.test('packets that no connection knows are dropped, and counted', async (t) => {
      const { proxy, end } = startProxy(t, api, netfilter)
      await proxy.synced
      const before = await proxy.invalidDropped()
      t.equal(typeof before, 'number')
      const [pod2] = network.pods
      await until(async () => {
        // An answer to nothing: no connection can begin with one.
        await pod2.runner.run('perl', ['-e', stray])
        return (await proxy.invalidDropped()) > before
      }, 'the count')
      await end()
    })

    await t.test('clean-up leaves the rules of others exactly as they were', async (t) => {
      await cleanupProxy(netfilter)
      t.equal(await save(), before)
      await cleanupProxy(netfilter)
      t.equal(await save(), before, 'again')
    })
  })
