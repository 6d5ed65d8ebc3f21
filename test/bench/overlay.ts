/**
 * The pod network between nodes: TCP between pods of two nodes beside the same over a tunnel made by hand, and what a
 * network of many nodes costs one of them.
 *   sh scripts/universe.sh node_modules/.bin/node test/bench/overlay.ts [NODES=500]
 */

import { createCommandRunner } from '../../src/host/command.ts'
import { createIproute } from '../../src/host/iproute.ts'
import { createBackend } from '../../src/overlay/backends.ts'
import { vtepMacOf } from '../../src/overlay/identity.ts'
import type { Peer } from '../../src/overlay/peers.ts'
import { createHost, type Host, ip } from '../integration/support/hosts.ts'
import { createNodes, startNode, type TestNode } from '../integration/support/two-nodes.ts'
import { sized } from './support/size.ts'
import { median, pinServer, sink, throughput } from './support/tcp.ts'

const nodeCount = Number(process.argv[2] ?? sized(500, 10))
const rounds = sized(15, 1)
const runner = createCommandRunner()
const endings: (() => unknown)[] = []
/** As much of a test as the helpers need. */
const scope = { teardown: (end: () => unknown) => void endings.unshift(end) }
const round = (value: number): number => Math.round(value * 100) / 100

const addPod = async (node: TestNode, name: string): Promise<{ readonly host: Host; readonly address: string }> => {
  const host = await createHost(name)
  const [address = ''] = await node.network.add({ owner: name, netns: `/run/netns/${name}` })
  return { host, address }
}

/** The same by hand: two more nodes on the same network, each with one host behind it, and nothing but a tunnel. */
const makeByHand = async () => {
  const nodes = [await createHost('m1'), await createHost('m2')]
  const hosts = [await createHost('h1'), await createHost('h2')]
  const macOf = (at: number) => `02:00:00:00:00:0${at + 1}`
  for (const [at, node] of nodes.entries()) {
    const other = 1 - at
    const name = `h${at + 1}`
    await ip([
      `link add u${node.name} type veth peer name eth0 netns ${node.name}`,
      `link set u${node.name} master under0 up`,
    ])
    await ip(
      [
        ...[`address add 172.31.0.${21 + at}/24 dev eth0`, 'link set eth0 up'],
        `link add vx type vxlan id 1 local 172.31.0.${21 + at} dev eth0 dstport 8472 nolearning`,
        ...[`link set vx address ${macOf(at)} mtu 1450 up`, `address add 10.99.${at}.0/32 dev vx`],
        `neigh add 10.99.${other}.0 lladdr ${macOf(other)} dev vx nud permanent`,
        `route add 10.99.${other}.0/24 via 10.99.${other}.0 dev vx onlink`,
        ...['link add br0 type bridge', `address add 10.99.${at}.1/24 dev br0`, 'link set br0 up'],
        ...[`link add v${name} type veth peer name eth0 mtu 1450 netns ${name}`, `link set v${name} master br0 up`],
      ],
      node.runner,
    )
    await node.runner.run('bridge', ['fdb', 'add', macOf(other), 'dev', 'vx', 'dst', `172.31.0.${21 + other}`])
    await node.runner.run('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
    const [, host] = [node, hosts[at]]
    if (host)
      await ip(
        [`address add 10.99.${at}.2/24 dev eth0`, 'link set eth0 up', `route add default via 10.99.${at}.1`],
        host.runner,
      )
  }
  endings.unshift(async () => {
    for (const host of [...hosts, ...nodes]) await host.close()
  })
  const [from, to] = hosts
  if (!from || !to) throw new Error('no hosts')
  return { from, to, address: '10.99.1.2' }
}

const measureThroughput = async (one: Host, two: Host): Promise<void> => {
  const n1 = await startNode(scope, one, 1, 'vxlan')
  const n2 = await startNode(scope, two, 2, 'vxlan')
  await Promise.all([n1.overlay.synced, n2.overlay.synced])
  const from = await addPod(n1, 'pa')
  const to = await addPod(n2, 'pc')
  const hand = await makeByHand()
  const stop = new AbortController()
  const sinks = [to.host, hand.to].map((host) => {
    const ready = Promise.withResolvers<void>()
    return { ready: ready.promise, running: host.serve(sink, stop.signal, ready.resolve) }
  })
  await Promise.all(sinks.map(({ ready }) => ready))
  for (const host of [to.host, hand.to]) await pinServer(runner, host.name)
  const seen = { ours: [] as number[], byHand: [] as number[] }
  for (let n = 0; n < rounds; n++) {
    seen.ours.push(await throughput(from.host, to.address, 9000))
    seen.byHand.push(await throughput(hand.from, hand.address, 9000))
  }
  stop.abort()
  await Promise.all(sinks.map(({ running }) => running))
  const [ours, byHand] = [median(seen.ours), median(seen.byHand)]
  console.log(
    JSON.stringify({
      throughput: 'GB/s, pods of two nodes',
      vxlan: round(ours),
      byHand: round(byHand),
      ratio: round(ours / byHand),
    }),
  )
  await from.host.close()
  await to.host.close()
}

const peerAt = (at: number): Peer => ({
  ...{ name: `node-${at}`, vtepMac: vtepMacOf(`node-${at}`), publicKey: undefined },
  address: `172.31.${128 + (at >> 8)}.${at & 255}`,
  podCIDRs: [`10.${244 + (at >> 8)}.${at & 255}.0/24`],
})

const measureNodes = async (host: Host): Promise<void> => {
  const iproute = createIproute(host.runner)
  const underlay = { address: '172.31.0.100', network: '172.31.0.0/24', device: 'eth0', mtu: 1500 }
  const backend = createBackend('vxlan', {
    ...{ iproute, runner: host.runner, podCIDRs: ['10.243.0.0/24'], underlay, keyFile: '', directRouting: false },
    identity: { vtepMac: vtepMacOf('here') },
  })
  const peers = Array.from({ length: nodeCount - 1 }, (_, at) => peerAt(at))
  const started = performance.now()
  await backend.sync(peers)
  const coldMs = performance.now() - started
  const joins: number[] = []
  for (let n = 0; n < sized(20, 3); n++) {
    peers.push(peerAt(peers.length))
    const began = performance.now()
    await backend.sync(peers, 'memory')
    joins.push(performance.now() - began)
  }
  const began = performance.now()
  await backend.sync(peers)
  console.log(
    JSON.stringify({
      ...{ nodes: nodeCount, fromNothingMs: Math.round(coldMs), oneJoinsP50Ms: round(median(joins)) },
      lookMs: round(performance.now() - began),
    }),
  )
}

const [one, two, out] = await createNodes(scope)
await measureThroughput(one, two)
await measureNodes(out)
for (const end of endings) await end()
await runner.run('true', [])
