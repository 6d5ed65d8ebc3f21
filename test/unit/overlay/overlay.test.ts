import t from 'tap'
import type { Node } from '../../../src/api/types/index.ts'
import { diffEntries } from '../../../src/overlay/entries.ts'
import { compileHostGw } from '../../../src/overlay/host-gw.ts'
import { type Peer, toPeer } from '../../../src/overlay/peers.ts'
import { linkName, podLines } from '../../../src/overlay/pod-links.ts'
import { compileRules } from '../../../src/overlay/rules.ts'
import { compileVxlan, vtepMacOf, vxlanOverhead } from '../../../src/overlay/vxlan.ts'

const node = (more: Partial<Node> = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: { name: 'n2', annotations: { 'podway.dev/vtep-mac': '02:00:00:00:00:02' } },
  spec: { podCIDR: '10.244.2.0/24', podCIDRs: ['10.244.2.0/24', 'fd00:2::/64'] },
  status: {
    addresses: [
      { type: 'Hostname', address: 'n2' },
      { type: 'InternalIP', address: '172.30.0.12' },
      { type: 'InternalIP', address: 'fd00::12' },
    ],
  },
  ...more,
})

const peer: Peer = {
  ...{ name: 'n2', address: '172.30.0.12', vtepMac: '02:00:00:00:00:02' },
  podCIDRs: ['10.244.2.0/24', 'fd00:2::/64'],
}

t.test('nodes as peers', async (t) => {
  t.same(toPeer(node(), 'IPv4'), peer)
  t.equal(toPeer(node(), 'IPv6')?.address, 'fd00::12')
  t.equal(toPeer(node({ spec: {} }), 'IPv4'), undefined, 'no pod network yet')
  t.equal(toPeer(node({ status: {} }), 'IPv4'), undefined, 'no address yet')
  const bad = [{ type: 'InternalIP', address: '192.0.2.2 dev eth0\nlink del eth0' } as const]
  t.equal(toPeer(node({ status: { addresses: bad } }), 'IPv4'), undefined, 'no address at all')
  t.equal(toPeer(node({ spec: { podCIDR: '10.244.2.1/24' } }), 'IPv4'), undefined, 'not a network')
  t.equal(
    toPeer(node({ metadata: { name: 'n2', annotations: { 'podway.dev/vtep-mac': 'x; rm' } } }), 'IPv4')?.vtepMac,
    undefined,
  )
})

t.test('vxlan: one route, one neighbour, one forwarding entry for each node', async (t) => {
  t.same(compileVxlan([{ ...peer, podCIDRs: ['10.244.2.0/24'] }]), {
    routes: [{ key: '10.244.2.0/24', value: '10.244.2.0' }],
    neighbours: [{ key: '10.244.2.0', value: '02:00:00:00:00:02' }],
    forwarding: [{ key: '02:00:00:00:00:02', value: '172.30.0.12' }],
  })
  t.equal(compileVxlan([peer]).routes[1]?.value, 'fd00:2::', 'both families')
  t.same(compileVxlan([{ ...peer, vtepMac: undefined }]), { routes: [], neighbours: [], forwarding: [] })
  t.same([vxlanOverhead('172.30.0.1'), vxlanOverhead('fd00::1')], [50, 70])
})

t.test('the tunnel end of a node has one MAC for ever', async (t) => {
  const macs = Array.from({ length: 1000 }, (_, n) => vtepMacOf(`node-${n}`))
  t.equal(new Set(macs).size, 1000)
  t.equal(vtepMacOf('node-1'), macs[1])
  for (const mac of macs)
    if ((Number.parseInt(mac.slice(0, 2), 16) & 3) !== 2) t.fail(`${mac} is not a local unicast address`)
  t.match(macs[0], /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
})

t.test('host-gw: by the address of the node, of the same family', async (t) => {
  t.same(compileHostGw([peer]), [{ key: '10.244.2.0/24', value: '172.30.0.12' }])
})

t.test('differences', async (t) => {
  const entry = (key: string, value: string) => ({ key, value })
  const found = [entry('a', '1'), entry('b', '2'), entry('c', '3')]
  t.same(diffEntries(found, found), { add: [], remove: [] })
  t.same(diffEntries([entry('a', '1'), entry('b', '9'), entry('d', '4')], found), {
    add: [entry('b', '9'), entry('d', '4')],
    remove: [entry('c', '3')],
  })
})

t.test('a pod knows nobody but the node', async (t) => {
  t.same(podLines(['10.244.1.2'], ['10.244.1.1']), [
    ...['link set lo up', 'link set eth0 up', 'address add 10.244.1.2/32 dev eth0'],
    ...['route add 10.244.1.1/32 dev eth0 scope link', 'route add default via 10.244.1.1 dev eth0'],
  ])
  t.ok(podLines(['fd00:1::2'], ['fd00:1::1']).includes('route add ::/0 via fd00:1::1 dev eth0'))
  t.equal(linkName('some-uid').length, 15)
})

t.test('rules', async (t) => {
  const rulesOf = (chain: string, family: 'IPv4' | 'IPv6' = 'IPv4') =>
    compileRules({
      family,
      clusterCIDRs: ['10.244.0.0/16', 'fd00::/48'],
      hostPorts: [
        { hostPort: 9090, hostIP: '172.30.0.11', protocol: 'TCP', podIP: '10.244.1.2', containerPort: 80 },
        { hostPort: 53, hostIP: '', protocol: 'UDP', podIP: '10.244.1.3', containerPort: 5353 },
        { hostPort: 9090, hostIP: '', protocol: 'TCP', podIP: 'fd00:1::2', containerPort: 80 },
      ],
    })
      .flatMap(({ chains }) => chains)
      .find(({ name }) => name === chain)?.rules
  t.same(rulesOf('PODWAY-MASQ'), [
    '-m mark --mark 0x4000/0x4000 -j RETURN',
    '-d 10.244.0.0/16 -j RETURN',
    '-d 224.0.0.0/4 -j RETURN',
    '-s 10.244.0.0/16 -j MASQUERADE --random-fully',
  ])
  t.same(rulesOf('PODWAY-FORWARD', 'IPv6'), ['-s fd00::/48 -j ACCEPT', '-d fd00::/48 -j ACCEPT'])
  t.same(rulesOf('PODWAY-HOSTPORT'), [
    '-s 10.244.1.3/32 -p udp -m udp --dport 53 -j MARK --set-xmark 0x4000/0x4000',
    '-p udp -m udp --dport 53 -j DNAT --to-destination 10.244.1.3:5353',
    '-s 10.244.1.2/32 -d 172.30.0.11/32 -p tcp -m tcp --dport 9090 -j MARK --set-xmark 0x4000/0x4000',
    '-d 172.30.0.11/32 -p tcp -m tcp --dport 9090 -j DNAT --to-destination 10.244.1.2:80',
  ])
  t.equal(rulesOf('PODWAY-HOSTPORT', 'IPv6')?.[1], '-p tcp -m tcp --dport 9090 -j DNAT --to-destination [fd00:1::2]:80')
})
