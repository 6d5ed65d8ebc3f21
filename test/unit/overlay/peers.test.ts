/** Which nodes get pod traffic: none that claims what is another's. */
import t from 'tap'
import type { Node } from '../../../src/api/types/index.ts'
import { type OwnEnd, selectPeers, wrongRange } from '../../../src/overlay/peers.ts'

const own: OwnEnd = {
  ...{ nodeName: 'n1', podCIDRs: ['10.244.1.0/24'], address: '172.30.0.11' },
  identity: { vtepMac: '02:00:00:00:00:01' },
  ...{ clusterCIDRs: ['10.244.0.0/16', 'fd00:244::/48'], serviceCIDRs: ['10.96.0.0/16'] },
  underlayNetwork: '172.30.0.0/24',
}

/** A node as the others are, but for what is changed; made `age` seconds after the first. */
const node = (
  number: number,
  change: { cidrs?: readonly string[]; address?: string; mac?: string; age?: number } = {},
): Node => {
  const {
    cidrs = [`10.244.${number}.0/24`],
    address = `172.30.0.${10 + number}`,
    mac = `02:00:00:00:00:0${number}`,
  } = change
  return {
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: {
      name: `n${number}`,
      creationTimestamp: new Date((change.age ?? number) * 1000).toISOString(),
      annotations: { 'flannel.alpha.coreos.com/backend-data': JSON.stringify({ VNI: 1, VtepMAC: mac }) },
    },
    spec: { podCIDRs: cidrs },
    status: { addresses: [{ type: 'InternalIP', address }] },
  }
}

const names = (nodes: readonly Node[], end: OwnEnd = own) => selectPeers(nodes, end).peers.map(({ name }) => name)

t.test('those who claim their own', async (t) => {
  const found = selectPeers([node(3), node(2), node(1)], own)
  t.same(
    found.peers.map(({ name }) => name),
    ['n2', 'n3'],
  )
  t.same(found.rejected, [])
})

t.test('this node goes before all, then the older one', async (t) => {
  for (const [what, change] of Object.entries({
    range: { cidrs: ['10.244.2.0/24'] },
    'part of a range': { cidrs: ['10.244.2.128/25'] },
    'wider range': { cidrs: ['10.244.2.0/23'] },
    'a second range': { cidrs: ['10.244.9.0/24', '10.244.2.0/24'] },
    address: { address: '172.30.0.12' },
    'tunnel end': { mac: '02:00:00:00:00:02' },
  })) {
    const found = selectPeers([node(9, change), node(2), node(3)], own)
    t.same(
      found.peers.map(({ name }) => name),
      ['n2', 'n3'],
      what,
    )
    t.match(found.rejected, [{ node: 'n9', reason: /n2/ }], what)
    t.same(names([node(9, { ...change, age: 1 }), node(2)]), ['n9'], `${what}: it was there before`)
  }
  for (const [what, change] of Object.entries({
    range: { cidrs: ['10.244.1.0/24'] },
    address: { address: '172.30.0.11' },
    'tunnel end': { mac: '02:00:00:00:00:01' },
  }))
    t.match(
      selectPeers([node(9, { ...change, age: 0 })], own),
      { peers: [], rejected: [{ node: 'n9', reason: /n1/ }] },
      `our ${what}`,
    )
})

t.test("ranges that can be no node's", async (t) => {
  for (const cidr of ['10.245.0.0/24', '10.244.0.0/15', '0.0.0.0/0', '10.96.0.0/24', '172.30.0.0/25', 'fd01::/64'])
    t.same(names([node(2, { cidrs: [cidr] }), node(3)]), ['n3'], cidr)
  t.same(names([node(2, { cidrs: ['10.244.2.0/24', '10.244.2.0/24'] })]), [], 'the same twice')
  t.same(names([node(2, { cidrs: ['10.244.2.0/24', 'fd00:244:0:2::/64'] })]), ['n2'], 'both families')
  t.same(names([node(2, { address: '10.244.3.3' })]), [], 'an address of pods')
  t.same(names([node(2, { address: '10.96.0.1' })]), [], 'an address of Services')
  t.equal(wrongRange('10.244.7.0/24', own), undefined)
  const wide = { ...own, clusterCIDRs: ['10.0.0.0/8', '172.16.0.0/12'] }
  t.match(wrongRange('10.96.1.0/24', wide), /Services|not for pods/)
  t.match(wrongRange('172.30.0.0/16', wide), /172\.30\.0\.0\/24/)
})

t.test('a thousand nodes', async (t) => {
  const many = Array.from({ length: 1000 }, (_, at): Node => {
    const number = at + 2
    const base = node(number, {
      cidrs: [`10.${16 + (number >> 8)}.${number & 255}.0/24`],
      address: `172.31.${number >> 8}.${number & 255}`,
      mac: `02:00:00:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`,
    })
    return base
  })
  const end = { ...own, clusterCIDRs: ['10.16.0.0/12'], podCIDRs: ['10.24.0.0/24'] }
  t.equal(names(many, end).length, 1000)
})
