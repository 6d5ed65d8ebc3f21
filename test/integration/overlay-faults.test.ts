/** What happens to networks of nodes: other software at the other end, cuts, new addresses, full nodes. */
import t, { type Test } from 'tap'
import type { Node } from '../../src/api/types/index.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { linkName } from '../../src/overlay/pod-links.ts'
import { createFedInformer, type FedInformer } from '../support/fed-informer.ts'
import { until } from '../support/until.ts'
import { createHost, type Host, ip, peerPort } from './support/hosts.ts'
import { createNodes, nodeObject, startNode, type TestNode } from './support/two-nodes.ts'

const addPod = async (t: Test, node: TestNode, name: string): Promise<{ host: Host; address: string }> => {
  const host = await createHost(name)
  t.teardown(() => host.close())
  const [address = ''] = await node.network.add({ owner: `uid-${name}`, netns: `/run/netns/${name}` })
  return { host, address }
}

const answer = async (from: Host, to: string): Promise<string> =>
  (await from.call(to, peerPort, { timeoutMs: 500 })).answers[0] ?? ''

const moved = (name: string, at: number, address: string): Node => {
  const node = nodeObject(name, at)
  return {
    ...node,
    metadata: {
      ...node.metadata,
      annotations: { ...node.metadata.annotations, 'flannel.alpha.coreos.com/public-ip': address },
    },
    status: { addresses: [{ type: 'InternalIP', address }] },
  }
}

t.test('a node that runs flannel', { timeout: 60_000 }, async (t) => {
  const [one, two] = await createNodes(t)
  // What flanneld leaves in the kernel of a node with 10.244.2.0/24, and what it writes into its Node.
  const theirMac = '6a:11:22:33:44:55'
  const nodes = createFedInformer<Node>([
    nodeObject('n1', 1),
    {
      ...nodeObject('n2', 2),
      metadata: {
        name: 'n2',
        annotations: {
          'flannel.alpha.coreos.com/backend-data': `{"VNI":1,"VtepMAC":"${theirMac}"}`,
          'flannel.alpha.coreos.com/backend-type': 'vxlan',
          'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
          'flannel.alpha.coreos.com/public-ip': '172.31.0.12',
        },
      },
    },
  ])
  const n1 = await startNode(t, one, 1, 'vxlan', { nodes })
  const ours = nodeObject('n1', 1).metadata.annotations ?? {}
  const { VtepMAC: ourMac } = JSON.parse(ours['flannel.alpha.coreos.com/backend-data'] ?? '{}')
  t.equal(ours['flannel.alpha.coreos.com/backend-type'], 'vxlan')
  await ip(
    [
      `link add flannel.1 address ${theirMac} mtu 1450 type vxlan id 1 local 172.31.0.12 dev eth0 dstport 8472 nolearning`,
      'address add 10.244.2.0/32 dev flannel.1',
      'link set flannel.1 up',
      `neigh add 10.244.1.0 lladdr ${ourMac} dev flannel.1 nud permanent`,
      'route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink',
      'link add cni0 type bridge',
      'address add 10.244.2.1/24 dev cni0',
      'link set cni0 up',
    ],
    two.runner,
  )
  await two.runner.run('bridge', ['fdb', 'add', ourMac, 'dev', 'flannel.1', 'dst', '172.31.0.11', 'self', 'permanent'])
  await two.runner.run('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
  const theirs = await createHost('pf')
  t.teardown(() => theirs.close())
  await ip(['link add vpf type veth peer name eth0 netns pf', 'link set vpf master cni0 up'], two.runner)
  await ip(
    ['address add 10.244.2.5/24 dev eth0', 'link set eth0 up', 'route add default via 10.244.2.1'],
    theirs.runner,
  )
  const mine = await addPod(t, n1, 'pa')
  await until(
    async () => (await answer(mine.host, '10.244.2.5')) === `pf ${mine.address}`,
    'the way to the pod of flannel',
  )
  t.equal(await answer(theirs, mine.address), 'pa 10.244.2.5', 'and back')
})

t.test('what is done to the link of a pod is undone', { timeout: 120_000 }, async (t) => {
  const [one] = await createNodes(t)
  const n1 = await startNode(t, one, 1, 'vxlan')
  const a = await addPod(t, n1, 'pa')
  const b = await addPod(t, n1, 'pb')
  const link = linkName('uid-pa')
  const gateway = '10.244.1.1'
  const inPod = a.host.runner
  const isWell = async () =>
    (await answer(b.host, a.address)) === `pa ${b.address}` && (await answer(a.host, b.address)) === `pb ${a.address}`
  await until(isWell, 'the network')
  const kept = { id: 'uid-pa', netns: '/run/netns/pa', addresses: [a.address] }
  t.same(await n1.overlay.links.faults(kept), [])
  const unharmed = await b.host.runner.run('ip', ['-json', 'link', 'show', 'eth0'])
  for (const { name, runner = one.runner, lines } of [
    { name: 'its link is deleted', lines: [`link del ${link}`] },
    { name: 'its interface is deleted', runner: inPod, lines: ['link del eth0'] },
    { name: 'its link is down', lines: [`link set ${link} down`] },
    { name: 'its interface is down', runner: inPod, lines: ['link set eth0 down'] },
    { name: 'its link leaves the bridge', lines: [`link set ${link} nomaster`] },
    { name: 'its port loses hairpin mode', lines: [`link set dev ${link} type bridge_slave hairpin off`] },
    { name: 'another MTU on the node', lines: [`link set ${link} mtu 1300`] },
    { name: 'another MTU in the pod', runner: inPod, lines: ['link set eth0 mtu 1300'] },
    { name: 'another MAC', runner: inPod, lines: ['link set eth0 address 02:00:00:00:00:99'] },
    { name: 'its address is removed', runner: inPod, lines: ['address flush dev eth0'] },
    { name: 'its default route is removed', runner: inPod, lines: ['route del default'] },
    { name: 'its route to the node is removed', runner: inPod, lines: ['route del default', `route del ${gateway}`] },
    { name: 'its interface is renamed', runner: inPod, lines: ['link set eth0 down', 'link set eth0 name eth9'] },
    { name: 'something else has its name', lines: [`link del ${link}`, `link add ${link} type bridge`] },
    { name: 'the bridge is deleted', lines: ['link del podway0'] },
  ])
    await t.test(name, async (t) => {
      await ip(lines, runner)
      const began = Date.now()
      await until(async () => (await n1.overlay.links.faults(kept).catch(() => ['?'])).length === 0, 'the link', 20_000)
      await until(isWell, 'traffic', 20_000)
      t.comment(`after ${Date.now() - began} ms`)
      t.equal(n1.overlay.linkTroubles.of('uid-pa'), undefined)
    })
  t.equal(await b.host.runner.run('ip', ['-json', 'link', 'show', 'eth0']), unharmed, 'the other pod keeps its own')
  await n1.network.detach('uid-pa')
  t.notMatch(await one.runner.run('ip', ['link']), link, 'what was detached stays away')
})

t.test('addresses and routes of before go', { timeout: 60_000 }, async (t) => {
  const [one, two] = await createNodes(t)
  // As an agent leaves them whose node had another range, or another backend.
  await ip(
    [
      'link add podway0 type bridge',
      'address add 10.244.9.1/24 dev podway0',
      'address add 10.96.0.10/32 dev podway0',
      'link set podway0 up',
      'route add 10.244.8.0/24 via 172.31.0.12 dev eth0 proto 117',
      'link add podway-wg type bridge',
    ],
    one.runner,
  )
  const nodes = createFedInformer<Node>([nodeObject('n1', 1), nodeObject('n2', 2)])
  const n1 = await startNode(t, one, 1, 'vxlan', { nodes })
  const n2 = await startNode(t, two, 2, 'vxlan', { nodes })
  const [a, c] = [await addPod(t, n1, 'pa'), await addPod(t, n2, 'pc')]
  await until(async () => (await answer(a.host, c.address)) === `pc ${a.address}`, 'the network')
  const shown = async () => (await one.runner.run('ip', ['address'])) + (await one.runner.run('ip', ['route']))
  await until(async () => !/10\.244\.[89]\.|podway-wg/.test(await shown()), 'what was before to go')
  t.match(await shown(), '10.96.0.10/32', 'single addresses are of somebody else')
  // And while it runs.
  await ip(
    [
      'address add 10.244.9.1/24 dev podway0',
      'address add 10.244.9.0/32 dev podway.1',
      'route add 10.244.7.0/24 via 10.244.7.0 dev podway.1 onlink',
      'route add 10.244.2.0/24 via 10.244.7.0 dev podway.1 onlink metric 5',
    ],
    one.runner,
  )
  await until(async () => !/10\.244\.[79]\./.test(await shown()), 'what was added to go')
  await until(async () => (await answer(a.host, c.address)) === `pc ${a.address}`, 'the network again')

  // The same node with another backend: no tunnel is left beside its routes.
  await n1.stop()
  await n2.stop()
  await startNode(t, one, 1, 'host-gw', { nodes })
  await startNode(t, two, 2, 'host-gw', { nodes })
  await until(async () => !/podway\.1/.test(await shown()), 'the tunnel to go')
  await until(async () => /10\.244\.2\.0\/24 via 172\.31\.0\.12 dev eth0/.test(await shown()), 'the route')
  const isAnswered = async () => (await answer(a.host, c.address)) === `pc ${a.address}`
  t.ok(await until(isAnswered, 'an answer, as soon as the other node has its route back, too'))
})

t.test('direct routing: no tunnel to a neighbour', { timeout: 60_000 }, async (t) => {
  const [one, two] = await createNodes(t)
  const n1 = await startNode(t, one, 1, 'vxlan', { directRouting: true })
  const n2 = await startNode(t, two, 2, 'vxlan', { directRouting: true })
  const a = await addPod(t, n1, 'pa')
  const c = await addPod(t, n2, 'pc')
  t.equal(await answer(a.host, c.address), `pc ${a.address}`)
  t.match(await one.runner.run('ip', ['route', 'show', '10.244.2.0/24']), /via 172\.31\.0\.12 dev eth0/)
  t.match(await one.runner.run('ip', ['link', 'show', 'podway.1']), 'podway.1', 'the tunnel is there for others')
})

t.test('cut, new addresses, nodes that leave', { timeout: 120_000 }, async (t) => {
  const [one, two] = await createNodes(t)
  const nodes = createFedInformer<Node>([nodeObject('n1', 1), nodeObject('n2', 2)])
  const n1 = await startNode(t, one, 1, 'vxlan', { nodes })
  const n2 = await startNode(t, two, 2, 'vxlan', { nodes })
  const a = await addPod(t, n1, 'pa')
  const c = await addPod(t, n2, 'pc')
  const isWell = async () => (await answer(a.host, c.address)) === `pc ${a.address}`
  await until(isWell, 'the network')

  await t.test('the network between the nodes is cut and restored', async (t) => {
    await createCommandRunner().run('ip', ['link', 'set', 'un2', 'down'])
    t.notOk(await isWell())
    await createCommandRunner().run('ip', ['link', 'set', 'un2', 'up'])
    await until(isWell, 'the network after the cut')
  })

  await t.test('a node gets another address', async (t) => {
    await ip(['address add 172.31.0.52/24 dev eth0'], two.runner)
    nodes.put(moved('n2', 2, '172.31.0.52'))
    const forwarding = () => one.runner.run('bridge', ['fdb', 'show', 'dev', 'podway.1'])
    await until(async () => /dst 172\.31\.0\.52/.test(await forwarding()), 'the entry of the new address')
    t.equal((await forwarding()).match(/dst 172\.31\.0\.\d+/g)?.length, 1, 'one entry, not two')
    t.ok(await isWell())
    nodes.put(nodeObject('n2', 2))
    await until(isWell, 'the network at the old address')
  })

  await t.test('a node leaves, and nothing of it stays', async (t) => {
    nodes.remove('n2')
    await until(async () => !(await one.runner.run('ip', ['route'])).includes('10.244.2.0/24'), 'the route to go')
    t.notMatch(await one.runner.run('bridge', ['fdb', 'show', 'dev', 'podway.1']), /dst 172/)
    t.notMatch(await one.runner.run('ip', ['neigh', 'show', 'dev', 'podway.1', 'nud', 'permanent']), /10\.244\.2/)
    nodes.put(nodeObject('n2', 2))
    await until(isWell, 'the network when it is back')
  })
})

t.test('two nodes swap their addresses', { timeout: 60_000 }, async (t) => {
  const [one, two, out] = await createNodes(t)
  // A third node looks on: `out`, with 10.244.3.0/24.
  const nodes: FedInformer<Node> = createFedInformer<Node>([
    nodeObject('n1', 1),
    nodeObject('n2', 2),
    moved('out', 3, '172.31.0.100'),
  ])
  const n1 = await startNode(t, one, 1, 'vxlan', { nodes })
  const n2 = await startNode(t, two, 2, 'vxlan', { nodes })
  const a = await addPod(t, n1, 'pa')
  const c = await addPod(t, n2, 'pc')
  const n3 = await startNode(t, out, 3, 'vxlan', { nodes, address: '172.31.0.100' })
  const d = await addPod(t, n3, 'pd')
  const isWell = async () =>
    (await answer(d.host, a.address)) === `pa ${d.address}` && (await answer(d.host, c.address)) === `pc ${d.address}`
  await until(isWell, 'the network')
  for (const [host, from, to] of [
    [one, '172.31.0.11', '172.31.0.12'],
    [two, '172.31.0.12', '172.31.0.11'],
  ] as const) {
    await ip([`address del ${from}/24 dev eth0`], host.runner)
    await ip([`address add ${to}/24 dev eth0`, `link set podway.1 type vxlan local ${to}`], host.runner).catch(
      () => undefined,
    )
  }
  nodes.put(moved('n1', 1, '172.31.0.12'), moved('n2', 2, '172.31.0.11'))
  // Those that moved start again with their new address, as agents do.
  await n1.stop()
  await n2.stop()
  await startNode(t, one, 1, 'vxlan', { nodes, address: '172.31.0.12' })
  await startNode(t, two, 2, 'vxlan', { nodes, address: '172.31.0.11' })
  await until(isWell, 'the network after the swap')
})

t.test('250 pods on one node, and no more than there are addresses', { timeout: 120_000 }, async (t) => {
  const [one] = await createNodes(t)
  const n1 = await startNode(t, one, 1, 'none')
  const { runner } = one
  const count = 253
  const host = await createHost('many')
  t.teardown(() => host.close())
  await n1.overlay.synced
  const addresses = new Set<string>()
  // Interfaces of one namespace: as many links, without as many processes.
  for (let at = 0; at < count; at++) {
    const [address = ''] = await n1.network.add({ owner: `pod-${at}`, netns: '/run/netns/many', ifname: `e${at}` })
    addresses.add(address)
  }
  t.equal(addresses.size, count)
  t.match((await one.call([...addresses].at(-1) ?? '', peerPort)).answers[0], /^many /)
  await t.rejects(n1.network.add({ owner: 'one-more', netns: '/run/netns/many', ifname: 'e999' }), {
    name: 'PoolExhausted',
    message: /no address is left for pods on this node.*253.*--node-prefix/,
  })
  t.equal((await n1.overlay.links.list()).length, count)
  await n1.network.detach('pod-7')
  const [again] = await n1.network.add({ owner: 'one-more', netns: '/run/netns/many', ifname: 'e999' })
  t.ok(addresses.has(again ?? ''), 'the one that was freed')
  await n1.network.retain([])
  t.notMatch(await runner.run('ip', ['-brief', 'link']), /pw[0-9a-f]{13}/)
})
