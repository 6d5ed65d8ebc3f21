import t from 'tap'
import type { DeviceView, Link } from '../../../src/overlay/kernel-view.ts'
import { lostLink, nodeEndFaults, podEndFaults } from '../../../src/overlay/link-faults.ts'

const link: Link = {
  ...{
    name: 'pw0123456789abc',
    alias: 'uid',
    mac: '',
    mtu: 1450,
    isUp: true,
    isConnected: true,
    namespace: 3,
    index: 7,
  },
  ...{ master: 'podway0', kind: 'veth', isHairpin: true, data: {} },
}

for (const { name, more, faults, isLost } of [
  { name: 'as it was made', more: {}, faults: [], isLost: false },
  { name: "somebody else's", more: { alias: 'other' }, faults: ['its link is gone'], isLost: true },
  { name: 'another kind', more: { kind: 'bridge' }, faults: ['its link is gone'], isLost: true },
  { name: 'its other end is down', more: { isConnected: false }, faults: ['its interface is down'], isLost: true },
  {
    name: 'both are down: nobody knows of the other end',
    more: { isUp: false, isConnected: false },
    faults: ['its link is down on the node'],
    isLost: false,
  },
  {
    name: 'a port no longer',
    more: { master: '', isHairpin: false, mtu: 1500 },
    faults: [
      'its link is no port of podway0',
      'its port has no hairpin mode',
      'its link has MTU 1500 on the node, not 1450',
    ],
    isLost: false,
  },
])
  t.test(`the node's end: ${name}`, async (t) => {
    t.same(nodeEndFaults({ ...link, ...more }, 'uid', 1450), faults)
    t.equal(lostLink({ ...link, ...more }, 'uid').length > 0, isLost)
  })

t.test('no link at all', async (t) => t.same(nodeEndFaults(undefined, 'uid', 1450), ['its link is gone']))

const end = {
  ...{ ifname: 'eth0', mac: '0a:58:0a:f4:01:02', mtu: 1450 },
  addresses: ['10.244.1.2', 'fd00:1::2'],
  gateways: ['10.244.1.1', 'fd00:1::1'],
}
const device: DeviceView = {
  ...{ isUp: true, mac: end.mac, mtu: 1450 },
  addresses: ['10.244.1.2/32', 'fd00:1::2/128', 'fe80::1/64', '192.0.2.1/24'],
}
const routes = [
  { destination: '10.244.1.1', gateway: '', device: 'eth0' },
  { destination: 'default', gateway: '10.244.1.1', device: 'eth0' },
  { destination: 'fd00:1::1', gateway: '', device: 'eth0' },
  { destination: 'default', gateway: 'fd00:1::1', device: 'eth0' },
  { destination: '192.0.2.0/24', gateway: '', device: 'eth1' },
]

t.test("the pod's end, both families", async (t) => {
  t.same(podEndFaults(end, device, routes), [], 'what the pod has besides is its own affair')
  t.same(podEndFaults(end, undefined, routes), ['eth0 is gone'])
  t.same(
    podEndFaults(end, { isUp: false, mac: '02:00:00:00:00:01', mtu: 1300, addresses: ['10.244.1.2/24'] }, routes),
    [
      'eth0 is down',
      'eth0 has MAC 02:00:00:00:00:01, not 0a:58:0a:f4:01:02',
      'eth0 has MTU 1300, not 1450',
      'eth0 lacks 10.244.1.2',
      'eth0 lacks fd00:1::2',
    ],
  )
  t.same(podEndFaults(end, device, routes.slice(2)), [
    'the route to 10.244.1.1 is gone',
    'the default route by 10.244.1.1 is gone',
  ])
  t.same(
    podEndFaults(
      end,
      device,
      routes.map((route) => ({ ...route, device: 'eth1' })),
    ).length,
    4,
    'by another interface',
  )
})
