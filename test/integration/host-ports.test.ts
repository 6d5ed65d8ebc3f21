/** Host ports with real packets: both families, both rule stores, bad wishes among good ones, and pods that come and go. */

import t, { type Test } from 'tap'
import { createPodConnections } from '../../src/agent/pod-connections.ts'
import type { Node } from '../../src/api/types/index.ts'
import { createIproute } from '../../src/host/iproute.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createNetfilter, type NetfilterBackend } from '../../src/host/netfilter/netfilter.ts'
import { createMemoryLeaseStore } from '../../src/ipam/lease-store.ts'
import { openPodAddresses } from '../../src/ipam/pod-addresses.ts'
import type { HostPortMapping } from '../../src/overlay/host-ports.ts'
import { createOverlay } from '../../src/overlay/overlay.ts'
import { createPodNetwork } from '../../src/overlay/pod-network.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { until } from '../support/until.ts'
import { createHost, type Host, ip, peerPort } from './support/hosts.ts'
import { pidIn } from './support/two-nodes.ts'

const podCIDRs = ['10.244.7.0/24', 'fd00:7::/64']
const nodeIPs = { IPv4: '172.31.7.11', IPv6: 'fd07::11' } as const

const createWorld = async (t: Pick<Test, 'teardown'>): Promise<readonly [node: Host, out: Host]> => {
  const hosts = [await createHost('node7'), await createHost('out7')] as const
  t.teardown(async () => {
    for (const host of hosts) await host.close()
    await ip(['link del under7'])
  })
  await ip(['link add under7 type bridge', 'link set under7 up'])
  for (const [at, host] of hosts.entries()) {
    await ip([`link add u${host.name} type veth peer name eth0 netns ${host.name}`])
    await ip([`link set u${host.name} master under7 up`])
    const last = [11, 100][at]
    await ip(
      [`address add 172.31.7.${last}/24 dev eth0`, `address add fd07::${last}/64 dev eth0 nodad`, 'link set eth0 up'],
      host.runner,
    )
  }
  return hosts
}

const startNode = async (t: Pick<Test, 'teardown'>, host: Host, backend: NetfilterBackend) => {
  const log = silentLogger
  const families = ['IPv4', 'IPv6'] as const
  const connections = createPodConnections({
    ...{ families, runner: host.runner, log, ownAddresses: () => new Set<string>(Object.values(nodeIPs)) },
  })
  const overlay = await createOverlay({
    ...{ nodes: createFedInformer<Node>([]), nodeName: 'node7', podCIDRs, clusterCIDRs: podCIDRs, serviceCIDRs: [] },
    ...{ runner: host.runner, iproute: createIproute(host.runner), log, resyncMs: 200 },
    ...{ identity: { vtepMac: '02:00:00:00:00:07' }, keyFile: '/run/key7' },
    ...{ underlayAddress: nodeIPs.IPv4, backend: 'none', onHostPorts: connections.setHostPorts },
    netfilters: families.map((family) => createNetfilter(host.runner, family, backend)),
    writeSysctl: async (key, value) => void (await host.runner.run('sysctl', ['-q', '-w', `${key}=${value}`])),
  })
  const addresses = await openPodAddresses({ podCIDRs, store: createMemoryLeaseStore() })
  const { forgetAddresses } = connections
  const network = createPodNetwork({ addresses, links: overlay.links, ready: overlay.synced, forgetAddresses })
  const stop = new AbortController()
  const running = [overlay.run(stop.signal), connections.run(stop.signal)]
  const end = async () => {
    stop.abort()
    await Promise.all(running)
  }
  t.teardown(end)
  await overlay.synced
  return { overlay, network, end }
}

const addPod = async (t: Pick<Test, 'teardown'>, { network }: Awaited<ReturnType<typeof startNode>>, name: string) => {
  const host = await createHost(name)
  t.teardown(() => host.close())
  const addresses = await network.attach({ id: `uid-${name}`, namespace: 'default', name, pid: await pidIn(host) })
  return { host, addresses }
}

type Wish = Omit<HostPortMapping, 'podIP' | 'containerPort'>

const mappings = (addresses: readonly string[], wishes: readonly Wish[]): readonly HostPortMapping[] =>
  wishes.flatMap((wish) => addresses.map((podIP) => ({ ...wish, podIP, containerPort: peerPort })))

const attack =
  '10.0.0.1/32 -j RETURN\nCOMMIT\n*filter\n-I INPUT 1 -s 192.0.2.66/32 -j ACCEPT\nCOMMIT\n*nat\n-A POSTROUTING'

const wishes: readonly Wish[] = [
  { hostPort: 7001, hostIP: '', protocol: 'TCP' },
  { hostPort: 7002, hostIP: attack, protocol: 'TCP' },
  { hostPort: 7003, hostIP: '::', protocol: 'TCP' },
  { hostPort: 7004, hostIP: '0.0.0.0', protocol: 'TCP' },
  { hostPort: 7005, hostIP: nodeIPs.IPv4, protocol: 'TCP' },
  { hostPort: 70_000, hostIP: '', protocol: 'TCP' },
  { hostPort: 7006, hostIP: '', protocol: 'UDP' },
]

for (const backend of ['nft', 'legacy'] as const)
  t.test(`host ports in the ${backend} store`, { timeout: 90_000 }, async (t) => {
    const [node, out] = await createWorld(t)
    const n = await startNode(t, node, backend)
    const pod = await addPod(t, n, `pa-${backend}`)
    const told = await n.overlay.setHostPorts('uid-a', mappings(pod.addresses, wishes))
    const answers = async (port: number, options: Parameters<Host['call']>[2] = {}, from = out) => {
      // One after the other: they may share a source port.
      const replies = []
      for (const to of Object.values(nodeIPs)) replies.push(await from.call(to, port, options))
      return replies.map((reply) => /^p[ab]-\S+/.exec(reply.answers[0] ?? '')?.[0] ?? '')
    }
    const yes = pod.host.name

    t.same(await answers(7001), [yes, yes], 'TCP in both families')
    t.same(await answers(7001, {}, node), [yes, yes], 'from the node itself')
    t.same(await answers(7006, { protocol: 'udp' }), [yes, yes], 'UDP in both families')
    t.same(await answers(7003), ['', yes], 'every IPv6 address')
    t.same(await answers(7004), [yes, ''], 'every IPv4 address')
    t.same(await answers(7005), [yes, ''], 'one address')
    t.same(await answers(7002), ['', ''], 'no address')
    t.equal(told.filter((line) => line.includes('7002') && line.includes('invalid hostIP')).length, 1, 'and told once')
    t.ok(told.some((line) => line.includes('70000') && line.includes('invalid port')))
    const tool = (family: string) => `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${backend}`
    t.notMatch(await node.runner.run(`${tool('IPv4')}-save`, []), /192\.0\.2\.66/)

    await t.test('at loopback, for the programs of the node alone', async (t) => {
      const local: readonly Wish[] = [
        { hostPort: 7011, hostIP: '127.0.0.1', protocol: 'TCP' },
        { hostPort: 7012, hostIP: '127.0.0.1', protocol: 'UDP' },
        { hostPort: 7013, hostIP: '::1', protocol: 'TCP' },
      ]
      t.same(await n.overlay.setHostPorts('uid-local', mappings(pod.addresses, local)), [])
      const said = async (to: string, port: number, options: Parameters<Host['call']>[2] = {}, from = node) =>
        (await from.call(to, port, options)).answers[0] ?? ''
      t.equal(await said('127.0.0.1', 7011), `${yes} 10.244.7.1`, 'the pod sees the node')
      t.equal(await said('127.0.0.1', 7011, { source: nodeIPs.IPv4 }), `${yes} ${nodeIPs.IPv4}`)
      t.match(await said('127.0.0.1', 7012, { protocol: 'udp' }), yes)
      t.equal(await said('::1', 7013, { source: nodeIPs.IPv6 }), `${yes} ${nodeIPs.IPv6}`)
      t.equal(await said('::1', 7013), 'ECONNREFUSED', 'no answer would come to ::1, so nothing is sent')
      t.equal(await said('127.0.0.1', 7001), 'ECONNREFUSED', 'what is for all addresses leaves loopback alone')
      for (const [to, port] of [
        [nodeIPs.IPv4, 7011],
        [nodeIPs.IPv6, 7013],
      ] as const)
        t.equal(await said(to, port, {}, out), 'ECONNREFUSED', 'from elsewhere')

      // A pod that sends to the node's loopback: it takes the address away from its own.
      await ip(
        ['address del 127.0.0.1/8 dev lo', 'address add 192.0.2.1/32 dev lo', 'route add 127.0.0.1/32 via 10.244.7.1'],
        pod.host.runner,
      )
      const tool = backend === 'nft' ? 'iptables-nft' : 'iptables-legacy'
      const dropped = async () =>
        Number(
          /^\s*(\d+).*DROP .* 127\.0\.0\.0\/8\s*$/m.exec(
            await node.runner.run(tool, ['-t', 'mangle', '-nvxL', 'PODWAY-LOOPBACK']),
          )?.[1],
        )
      t.equal(await dropped(), 0)
      for (const port of [peerPort, 7011]) t.equal(await said('127.0.0.1', port, {}, pod.host), 'timeout', `${port}`)
      t.ok((await dropped()) > 0, 'it did come')
      await n.overlay.setHostPorts('uid-local', [])
      t.equal(await said('127.0.0.1', 7011), 'ECONNREFUSED', 'gone with the pod')
    })

    await t.test('what is too much is taken away', async (t) => {
      for (const family of ['IPv4', 'IPv6']) {
        const stray = ['-p', 'tcp', '--dport', '7099', '-j', 'DNAT', '--to-destination']
        const to = family === 'IPv4' ? `${pod.addresses[0]}:${peerPort}` : `[${pod.addresses[1]}]:${peerPort}`
        await node.runner.run(tool(family), ['-t', 'nat', '-A', 'PODWAY-HOSTPORT', ...stray, to])
        const saved = () => node.runner.run(`${tool(family)}-save`, ['-t', 'nat'])
        t.match(await saved(), /7099/)
        await until(async () => !(await saved()).includes('7099'), `the stray rule of ${family} to go`)
      }
    })

    await t.test('a UDP client with a steady port finds the next pod', async (t) => {
      const udp = { protocol: 'udp', from: 40_000 } as const
      t.same(await answers(7006, udp), [yes, yes])
      const early = { protocol: 'udp', from: 40_001, timeoutMs: 200 } as const
      t.same(await answers(7008, early), ['', ''], 'nobody serves there yet')
      const next = await addPod(t, n, `pb-${backend}`)
      await n.overlay.setHostPorts('uid-a', [])
      const ports: readonly Wish[] = [7006, 7008].map((hostPort) => ({ hostPort, hostIP: '', protocol: 'UDP' }))
      await n.overlay.setHostPorts('uid-b', mappings(next.addresses, ports))
      const both = [next.host.name, next.host.name]
      await until(
        async () => (await answers(7006, udp)).join() === both.join(),
        'the client that talked to the pod before',
      )
      await until(async () => (await answers(7008, early)).join() === both.join(), 'the client that came too early')
    })

    await t.test('connections of an address end with its pod, and no others', async (t) => {
      const [address = ''] = pod.addresses
      const list = (args: readonly string[]) => node.runner.run('conntrack', ['-L', ...args])
      t.match((await pod.host.call('172.31.7.100', peerPort)).answers[0], /^out7 /)
      t.match(await list(['--orig-src', address]), /172\.31\.7\.100/)
      await out.call(nodeIPs.IPv4, peerPort)
      await n.network.detach(`uid-${pod.host.name}`)
      for (const end of ['--orig-src', '--orig-dst', '--reply-src'])
        t.equal(await list([end, address]), '', `none with ${end}`)
      t.match(await list(['--orig-src', '172.31.7.100', '--orig-dst', nodeIPs.IPv4]), /dport=8080/, 'others stay')
    })

    await t.test('rules of a pod that went while the agent was away go at its start', async (t) => {
      const saved = () => node.runner.run(`${tool('IPv6')}-save`, ['-t', 'nat'])
      t.match(await saved(), /dport 7006/)
      await n.end()
      await startNode(t, node, backend)
      await until(async () => !(await saved()).includes('dport 7006'), 'the rules to go')
    })
  })
