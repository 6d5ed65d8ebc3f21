/** Pod networks of two nodes over a bridge, with real packets. */

import type { Test } from 'tap'
import t from 'tap'
import type { Node } from '../../src/api/types/index.ts'
import { createIproute } from '../../src/host/iproute.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createNetfilter } from '../../src/host/netfilter/netfilter.ts'
import type { BackendName } from '../../src/overlay/backend.ts'
import { vtepMacOf } from '../../src/overlay/identity.ts'
import { cleanupOverlay, createOverlay } from '../../src/overlay/overlay.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { until } from '../support/until.ts'
import { createHost, type Host, peerPort } from './support/hosts.ts'
import { createNodes, nodeObject, pidIn, ruleLines, startNode, type TestNode } from './support/two-nodes.ts'

/** A pod on a node: a host of its own, and its address. */
const addPod = async (t: Test, node: TestNode, name: string) => {
  const host = await createHost(name)
  t.teardown(() => host.close())
  const [address = ''] = await node.network.attach({
    id: `uid-${name}`,
    namespace: 'default',
    name,
    pid: await pidIn(host),
  })
  return { host, address }
}

const answer = async (from: Host, to: string, protocol: 'tcp' | 'udp' = 'tcp'): Promise<string> =>
  (await from.call(to, peerPort, { protocol })).answers[0] ?? ''

const overheads: readonly (readonly [BackendName, number])[] = [
  ['vxlan', 50],
  ['host-gw', 0],
]

for (const [backend, overhead] of overheads)
  t.test(`pods of two nodes over ${backend}`, { timeout: 90_000 }, async (t) => {
    const [one, two, out] = await createNodes(t)
    const n1 = await startNode(t, one, 1, backend)
    const n2 = await startNode(t, two, 2, backend)
    const a = await addPod(t, n1, 'pa')
    const b = await addPod(t, n1, 'pb')
    const c = await addPod(t, n2, 'pc')

    t.match([a.address, b.address, c.address], [/^10\.244\.1\./, /^10\.244\.1\./, /^10\.244\.2\./])
    t.equal(await answer(a.host, b.address), `pb ${a.address}`, 'a pod of the same node, by its own address')
    t.equal(await answer(a.host, c.address), `pc ${a.address}`, 'a pod of another node, by its own address')
    t.equal(await answer(c.host, a.address, 'udp'), `pa ${c.address}`, 'UDP, the other way')
    t.equal(await answer(a.host, '172.31.0.11'), `n1 ${a.address}`, 'its own node')
    t.equal(await answer(a.host, '172.31.0.100'), 'out 172.31.0.11', 'outside: by the address of the node')
    t.match(await answer(one, c.address), /^pc /, 'from a node to a pod elsewhere')
    t.equal(await answer(one, a.address), 'pa 10.244.1.1', 'from a node to its own pod')

    const links = await a.host.runner.run('ip', ['-brief', 'address', 'show', 'eth0'])
    t.match(links, new RegExp(`${a.address}/32`.replaceAll('.', '\\.')))
    t.match(await a.host.runner.run('ip', ['link', 'show', 'eth0']), new RegExp(`mtu ${1500 - overhead} `))

    for (const value of ['1', '0'])
      await t.test(`a Service's translation, with bridge-nf-call-iptables=${value}`, async (t) => {
        const key = 'net.bridge.bridge-nf-call-iptables'
        const isThere = await one.runner.run('sysctl', ['-q', '-w', `${key}=${value}`]).then(
          () => true,
          () => false,
        )
        if (!isThere) return t.skip('this kernel has no br_netfilter: nothing to be turned around', () => undefined)
        const rules = [
          ['PREROUTING', '-d', '10.96.0.99', '-j', 'DNAT', '--to-destination', b.address],
          ['POSTROUTING', '-s', b.address, '-d', b.address, '-j', 'MASQUERADE'],
        ]
        for (const rule of rules) await one.runner.run('iptables-nft', ['-t', 'nat', '-A', ...rule])
        t.equal(await answer(a.host, '10.96.0.99'), `pb ${a.address}`, 'to a pod of the same node')
        t.match(await answer(b.host, '10.96.0.99'), /^pb /, 'to the pod itself')
        for (const rule of rules) await one.runner.run('iptables-nft', ['-t', 'nat', '-D', ...rule])
      })

    await t.test('attach again keeps what is there', async (t) => {
      const link = await a.host.runner.run('ip', ['-json', 'link', 'show', 'eth0'])
      t.same(await n1.network.attach({ id: 'uid-pa', namespace: 'default', name: 'pa', pid: await pidIn(a.host) }), [
        a.address,
      ])
      t.equal(await a.host.runner.run('ip', ['-json', 'link', 'show', 'eth0']), link)
      t.same([...(await n1.overlay.links.list())].sort(), ['uid-pa', 'uid-pb'])
    })

    await t.test('host ports', async (t) => {
      const port = { hostPort: 9090, hostIP: '', protocol: 'TCP', podIP: a.address, containerPort: peerPort } as const
      n1.overlay.setHostPorts('uid-pa', [port])
      const through = async (from: Host): Promise<string> => (await from.call('172.31.0.11', 9090)).answers[0] ?? ''
      await until(async () => (await through(out)) === 'pa 172.31.0.100', 'the port from outside, client address kept')
      t.match(await through(one), /^pa /, 'from the node itself')
      t.match(await through(c.host), /^pa /, 'from another pod')
      n1.overlay.setHostPorts('uid-pa', [])
      await until(async () => !(await through(out)).startsWith('pa'), 'the port to close')
    })

    await t.test('what somebody destroys comes back', async (t) => {
      const faults: readonly (readonly string[])[] = [
        ['iptables-nft', '-t', 'nat', '-F'],
        ['iptables-nft', '-F', 'FORWARD'],
        ['ip', 'route', 'del', '10.244.2.0/24'],
        ...(backend === 'vxlan'
          ? [
              ['ip', 'neigh', 'flush', 'dev', 'podway.1', 'nud', 'permanent'],
              ['bridge', 'fdb', 'del', vtepMacOf('n2'), 'dev', 'podway.1', 'dst', '172.31.0.12', 'self'],
              ['ip', 'link', 'set', 'podway.1', 'mtu', '1400'],
              ['ip', 'link', 'del', 'podway.1'],
            ]
          : []),
        ['ip', 'address', 'flush', 'dev', 'podway0'],
        ['ip', 'link', 'del', 'podway0'],
      ]
      const state = async () => (await n1.state()).split('\n').sort().join('\n')
      const healthy = await state()
      for (const [program = '', ...args] of faults) {
        await one.runner.run(program, args)
        await until(
          async () => (await answer(a.host, c.address)) === `pc ${a.address}`,
          `traffic after ${args.join(' ')}`,
        )
        // What lets traffic pass may still be in the making.
        await until(async () => (await state()) === healthy, `all of it after ${args.join(' ')}`)
      }
      t.equal(await answer(a.host, '172.31.0.100'), 'out 172.31.0.11')
    })

    await t.test('pods that go leave nothing', async (t) => {
      await n1.network.detach('uid-pb')
      t.same(await n1.overlay.links.list(), ['uid-pa'])
      await n1.network.detach('uid-pb')
      await n1.network.retain([])
      t.same(await n1.overlay.links.list(), [])
    })
  })

t.test('cleanup leaves a node as it was', { timeout: 60_000 }, async (t) => {
  const [one] = await createNodes(t)
  await one.runner.run('iptables-nft', ['-t', 'nat', '-A', 'POSTROUTING', '-s', '192.0.2.0/24', '-j', 'MASQUERADE'])
  const rules = async (): Promise<string> => ruleLines(await one.runner.run('iptables-nft-save', ['-t', 'nat']))
  const links = async (): Promise<string> =>
    (await one.runner.run('ip', ['-brief', 'link'])) + (await one.runner.run('ip', ['route']))
  const before = [await rules(), await links()]
  const stopped = new AbortController()
  const netfilter = createNetfilter(one.runner, 'IPv4', 'nft')
  const overlay = await createOverlay({
    ...{ nodes: createFedInformer<Node>([nodeObject('n2', 2)]), nodeName: 'n1', podCIDRs: ['10.244.1.0/24'] },
    ...{
      clusterCIDRs: ['10.244.0.0/16'],
      serviceCIDRs: ['10.96.0.0/16'],
      runner: one.runner,
      iproute: createIproute(one.runner),
      underlayAddress: '172.31.0.11',
      backend: 'vxlan',
    },
    ...{ netfilters: [netfilter], log: silentLogger, identity: { vtepMac: vtepMacOf('n1') }, keyFile: '/run/key' },
    writeSysctl: async () => {},
  })
  const running = overlay.run(stopped.signal)
  await overlay.synced
  const pod = await createHost('pa')
  t.teardown(() => pod.close())
  await overlay.links.attach({ id: 'uid', netns: '/run/netns/pa', addresses: ['10.244.1.2'] })
  stopped.abort()
  await running
  t.not(await links(), before[1], 'a stopped agent leaves everything in place')
  await cleanupOverlay(one.runner, [netfilter])
  t.same([await rules(), await links()], before)
  await cleanupOverlay(one.runner, [netfilter])
})
