import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Node } from '../../../src/api/types/index.ts'
import { overlayAnnotations, readOverlayAnnotations } from '../../../src/overlay/annotations.ts'
import { addressLines } from '../../../src/overlay/backend.ts'
import { diffEntries } from '../../../src/overlay/entries.ts'
import { compileHostGw } from '../../../src/overlay/host-gw.ts'
import { type HostPortMapping, readHostPorts } from '../../../src/overlay/host-ports.ts'
import { vtepMacOf } from '../../../src/overlay/identity.ts'
import { type Peer, toPeer } from '../../../src/overlay/peers.ts'
import { linkName, podLines } from '../../../src/overlay/pod-links.ts'
import { compileRules } from '../../../src/overlay/rules.ts'
import { compileVxlan, isNeighbour, vxlanOverhead } from '../../../src/overlay/vxlan.ts'
import { compileWireguard, openWireguardKeys, wireguardOverhead } from '../../../src/overlay/wireguard.ts'

const node = (more: Partial<Node> = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: {
    name: 'n2',
    annotations: {
      'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"02:00:00:00:00:02"}',
      'flannel.alpha.coreos.com/backend-type': 'vxlan',
    },
  },
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

const annotated = (told: Readonly<Record<string, string>>): Node =>
  node({
    metadata: {
      name: 'n2',
      annotations: Object.fromEntries(
        Object.entries(told).map(([name, value]) => [`flannel.alpha.coreos.com/${name}`, value]),
      ),
    },
  })

const peer: Peer = {
  ...{ name: 'n2', address: '172.30.0.12', vtepMac: '02:00:00:00:00:02', publicKey: undefined },
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
  t.equal(toPeer(annotated({ 'backend-data': '{"VtepMAC":"x; rm"}' }), 'IPv4')?.vtepMac, undefined)
})

t.test("what nodes tell each other, in flannel's words", async (t) => {
  const identity = { vtepMac: '02:00:00:00:00:02', publicKey: `${'A'.repeat(43)}=` }
  t.same(overlayAnnotations('vxlan', identity, '172.30.0.12'), {
    'flannel.alpha.coreos.com/backend-type': 'vxlan',
    'flannel.alpha.coreos.com/public-ip': '172.30.0.12',
    'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"02:00:00:00:00:02"}',
    'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
  })
  t.match(overlayAnnotations('vxlan', identity, 'fd00::12'), {
    'flannel.alpha.coreos.com/public-ipv6': 'fd00::12',
    'flannel.alpha.coreos.com/backend-v6-data': /VtepMAC/,
  })
  t.match(overlayAnnotations('host-gw', identity, '172.30.0.12'), { 'flannel.alpha.coreos.com/backend-data': 'null' })
  t.same(overlayAnnotations('none', identity, '172.30.0.12'), {})
  for (const [backend, found] of [
    ['vxlan', { vtepMac: identity.vtepMac }],
    ['wireguard', { publicKey: identity.publicKey }],
  ] as const) {
    const metadata = { name: 'n2', annotations: overlayAnnotations(backend, identity, '172.30.0.12') }
    t.same(readOverlayAnnotations(node({ metadata }), 'IPv4'), { address: '172.30.0.12', ...found })
  }
  t.same(readOverlayAnnotations(annotated({ 'backend-data': '{', 'public-ip': 'fd00::1' }), 'IPv4'), {
    address: undefined,
  })
  const shouted = annotated({ 'backend-data': '{"vni":1,"vtepmac":"02:00:00:00:00:0A"}' })
  t.match(readOverlayAnnotations(shouted, 'IPv4'), { vtepMac: '02:00:00:00:00:0a' }, 'as Go reads it')
  const moved = annotated({ 'public-ip': '172.30.0.12', 'public-ip-overwrite': '192.0.2.9' })
  t.equal(toPeer(moved, 'IPv4')?.address, '192.0.2.9')
})

t.test('neighbours on one network', async (t) => {
  t.ok(isNeighbour(peer, { network: '172.30.0.0/24' }))
  t.notOk(isNeighbour(peer, { network: '172.30.1.0/24' }))
})

t.test('wireguard: one peer for each node that has told its key', async (t) => {
  const publicKey = `${'B'.repeat(43)}=`
  t.equal(
    compileWireguard('PRIVATE', [{ ...peer, publicKey }, peer, { ...peer, publicKey, address: 'fd00::12' }]),
    `[Interface]
PrivateKey = PRIVATE
ListenPort = 51820

[Peer]
PublicKey = ${publicKey}
Endpoint = 172.30.0.12:51820
AllowedIPs = 10.244.2.0/24, fd00:2::/64

[Peer]
PublicKey = ${publicKey}
Endpoint = [fd00::12]:51820
AllowedIPs = 10.244.2.0/24, fd00:2::/64
`,
  )
  t.same([wireguardOverhead('172.30.0.1'), wireguardOverhead('fd00::1')], [60, 80])
  const file = join(mkdtempSync(join(tmpdir(), 'pw-')), 'key')
  t.teardown(() => rmSync(dirname(file), { recursive: true }))
  const keys = await openWireguardKeys(file, t.fail)
  t.equal(Buffer.from(keys.privateKey, 'base64').length, 32)
  t.same(await openWireguardKeys(file, t.fail), keys, 'the same again')
  // Whoever has one private key and the other's public key knows the same secret: only true when they belong together.
  const other = await openWireguardKeys(`${file}2`, t.fail)
  const secret = (mine: string, theirs: string) =>
    diffieHellman({
      privateKey: createPrivateKey({
        ...{ format: 'der', type: 'pkcs8' },
        key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), Buffer.from(mine, 'base64')]),
      }),
      publicKey: createPublicKey({
        ...{ format: 'der', type: 'spki' },
        key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), Buffer.from(theirs, 'base64')]),
      }),
    }).toString('hex')
  t.equal(secret(keys.privateKey, other.publicKey), secret(other.privateKey, keys.publicKey))
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
    ...['route append 10.244.1.1/32 dev eth0 scope link', 'route append default via 10.244.1.1 dev eth0'],
  ])
  t.ok(podLines(['fd00:1::2'], ['fd00:1::1']).some((one) => one === 'route append ::/0 via fd00:1::1 dev eth0'))
  t.equal(linkName('some-uid').length, 15)
})

t.test('rules', async (t) => {
  const podCIDRs = ['10.244.1.0/24', 'fd00:1::/64']
  const mappings = [
    { hostPort: 9090, hostIP: '172.30.0.11', protocol: 'TCP', podIP: '10.244.1.2', containerPort: 80 },
    { hostPort: 53, hostIP: '', protocol: 'UDP', podIP: '10.244.1.3', containerPort: 5353 },
    { hostPort: 9090, hostIP: '', protocol: 'TCP', podIP: 'fd00:1::2', containerPort: 80 },
  ] as const
  const rulesOf = (chain: string, family: 'IPv4' | 'IPv6' = 'IPv4') =>
    compileRules({
      family,
      clusterCIDRs: ['10.244.0.0/16', 'fd00::/48'],
      podCIDRs,
      hostPorts: readHostPorts(mappings, { podCIDRs }).ports[family],
    })
      .flatMap(({ chains }) => chains)
      .find(({ name }) => name === chain)?.rules
  t.same(rulesOf('PODWAY-MASQ'), [
    '-m mark --mark 0x4000/0x4000 -j RETURN',
    '-s 127.0.0.0/8 -d 10.244.1.0/24 -j MASQUERADE --random-fully',
    '-s 10.244.1.3/32 -d 10.244.1.3/32 -j MASQUERADE --random-fully',
    '-s 10.244.1.2/32 -d 10.244.1.2/32 -j MASQUERADE --random-fully',
    '-s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN',
    '-d 10.244.1.0/24 -j RETURN',
    '-d 224.0.0.0/4 -j RETURN',
    '-s 10.244.0.0/16 -j MASQUERADE --random-fully',
    '-d 10.244.0.0/16 -j MASQUERADE --random-fully',
  ])
  t.same(rulesOf('PODWAY-FORWARD', 'IPv6'), ['-s fd00::/48 -j ACCEPT', '-d fd00::/48 -j ACCEPT'])
  t.same(rulesOf('PODWAY-HOSTPORT'), [
    '! -d 127.0.0.0/8 -p udp -m udp --dport 53 -j DNAT --to-destination 10.244.1.3:5353',
    '-d 172.30.0.11/32 -p tcp -m tcp --dport 9090 -j DNAT --to-destination 10.244.1.2:80',
  ])
  t.equal(
    rulesOf('PODWAY-HOSTPORT', 'IPv6')?.[0],
    '! -d ::1/128 -p tcp -m tcp --dport 9090 -j DNAT --to-destination [fd00:1::2]:80',
  )
  t.same(rulesOf('PODWAY-LOOPBACK'), ['-s 127.0.0.0/8 -j DROP', '-d 127.0.0.0/8 -j DROP'])
  t.equal(rulesOf('PODWAY-LOOPBACK', 'IPv6'), undefined, 'no IPv6 loopback address comes in from anywhere')
})

t.test('host ports: a bad wish is left out and told, and the others stand', async (t) => {
  const podCIDRs = ['10.244.1.0/24', 'fd00:1::/64']
  const good: HostPortMapping = {
    ...{ hostPort: 80, hostIP: '', protocol: 'TCP', podIP: '10.244.1.2', containerPort: 8080 },
  }
  const cases: readonly (readonly [bad: Partial<HostPortMapping>, why: RegExp])[] = [
    [{ hostIP: '10.0.0.1/32 -j RETURN' }, /invalid hostIP/],
    [{ hostIP: '::' }, /no address of the family of its hostIP/],
    [{ hostPort: 65_536 }, /invalid port/],
    [{ containerPort: JSON.parse('"80 -j ACCEPT"') }, /invalid port/],
    [{ protocol: JSON.parse('"ICMP"') }, /unknown protocol/],
    [{ podIP: '10.244.1.2 -j ACCEPT' }, /invalid pod IP/],
    [{ podIP: '10.244.2.2' }, /not in the podCIDRs of this node/],
    [{ hostPort: 10_250 }, /the node itself serves this port/],
  ]
  const servedPorts = [{ port: 10_250, protocol: 'TCP' as const }]
  for (const [bad, why] of cases) {
    const { ports, problems } = readHostPorts([{ ...good, ...bad }, good], { podCIDRs, servedPorts })
    t.equal(ports.IPv4.length, 1, String(why))
    t.match(problems, [why])
    t.equal(problems.length, 1)
  }
  const both = ['10.244.1.2', 'fd00:1::2'].map((podIP) => ({ ...good, hostIP: '::', podIP }))
  const { ports, problems } = readHostPorts(both, { podCIDRs })
  t.same([ports.IPv4.length, ports.IPv6.length, problems], [0, 1, []], 'of a pod of two families: one of them')
})

t.test('host ports at loopback, and beside what the node serves there', async (t) => {
  const podCIDRs = ['10.244.1.0/24', 'fd00:1::/64']
  const servedPorts = [
    { port: 10_250, protocol: 'TCP' },
    { port: 10_249, protocol: 'TCP', ip: '127.0.0.1' },
    { port: 9_153, protocol: 'TCP', ip: '::1' },
    { port: 6_443, protocol: 'TCP', ip: '172.30.0.11' },
  ] as const
  const cases: readonly (readonly [hostIP: string, hostPort: number, isForwarded: boolean])[] = [
    ['127.0.0.1', 80, true],
    ['127.0.0.2', 10_249, true],
    ['127.0.0.1', 10_249, false],
    ['127.0.0.1', 10_250, false],
    ['', 10_249, true],
    ['', 6_443, false],
    ['0.0.0.0', 6_443, false],
    ['172.30.0.11', 6_443, false],
    ['172.30.0.12', 6_443, true],
    ['127.0.0.1', 6_443, true],
    ['::1', 9_153, false],
    ['0:0:0:0:0:0:0:1', 9_153, false],
    ['::1', 80, true],
  ]
  for (const [hostIP, hostPort, isForwarded] of cases) {
    const podIP = hostIP.includes(':') ? 'fd00:1::2' : '10.244.1.2'
    const wish: HostPortMapping = { hostIP, hostPort, protocol: 'TCP', podIP, containerPort: 8080 }
    const { ports, problems } = readHostPorts([wish], { podCIDRs, servedPorts })
    t.equal(ports.IPv4.length + ports.IPv6.length, isForwarded ? 1 : 0, `${hostIP}:${hostPort}`)
    t.match(problems, isForwarded ? [] : [/the node itself serves this port/])
  }
})

t.test('addresses of a device', async (t) => {
  const wanted = ['10.244.4.0/32', 'fd00:4::/128']
  t.same(addressLines('podway.1', wanted, [...wanted, 'fe80::1/64']), [])
  t.same(addressLines('podway.1', wanted, ['10.244.3.0/32', 'fd00:4::/128', 'fd00:3::/128']), [
    'address add 10.244.4.0/32 dev podway.1',
    'address del 10.244.3.0/32 dev podway.1',
    'address del fd00:3::/128 dev podway.1',
  ])
})

t.test('an entry beside the right one goes, the only one of a key is written over', async (t) => {
  const [right, wrong] = [
    { key: 'a', value: '1' },
    { key: 'a', value: '2' },
  ]
  t.same(diffEntries([right], [wrong]), { add: [right], remove: [] })
  t.same(diffEntries([right], [right, wrong]), { add: [], remove: [wrong] })
})
