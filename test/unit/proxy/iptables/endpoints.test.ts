/** What is read of EndpointSlices. */
import t from 'tap'
import type { EndpointSlice } from '../../../../src/api/types/index.ts'
import { parseAddress } from '../../../../src/ip/address.ts'
import { addressesOf, endpointsOf, protocolOf, readFor } from '../../../../src/proxy/iptables/endpoints.ts'
import { type EndpointDraft, makeSlice, type SliceDraft } from '../support/objects.ts'
import { type Context, makeContext } from '../support/rules.ts'

const port = { name: 'http', port: 80 }
const read = (slices: readonly EndpointSlice[], context: Partial<Context> = {}) => {
  const told: string[] = []
  const endpoints = endpointsOf(port, slices, makeContext({ zone: 'z1', ...context }), (problem) => told.push(problem))
  return { endpoints, told }
}
const one = (draft: Omit<EndpointDraft, 'address'>, context?: Partial<Context>) =>
  read([makeSlice([{ address: '10.1.0.2', ...draft }])], context).endpoints[0]

t.test('protocols that Kubernetes has', async (t) => {
  t.same(
    [{}, { protocol: 'TCP' }, { protocol: 'UDP' }, { protocol: 'SCTP' }, { protocol: 'ICMP' }, { protocol: 'tcp' }].map(
      (each) => protocolOf(each as { protocol?: 'TCP' }),
    ),
    ['tcp', 'tcp', 'udp', 'sctp', undefined, undefined],
  )
})

t.test('a text of the other family is nobody’s mistake', async (t) => {
  const told: string[] = []
  const tell = (problem: string) => void told.push(problem)
  t.equal(readFor('10.1.0.2', 'IPv4', parseAddress, tell)?.text, '10.1.0.2')
  t.equal(readFor('fd00::1', 'IPv4', parseAddress, tell), undefined)
  t.equal(readFor('10.1.0.2', 'IPv6', parseAddress, tell), undefined)
  t.same(told, [])
  t.equal(readFor('web', 'IPv6', parseAddress, tell), undefined)
  t.same(told, ['"web" makes no sense'])
  t.same(
    addressesOf(['fd00::2', '10.1.0.2', 'FD00:0::1', 'fd00::2', 'x'], 'IPv6', tell).map(({ text }) => text),
    ['fd00::2', 'fd00::1'],
    'each once, in their order',
  )
  t.equal(told.length, 2)
  t.same(addressesOf([], 'IPv4', tell), [])
})

t.test('what a slice leaves out is ready, and serves', async (t) => {
  t.match(one({}), { ready: true, serving: true, terminating: false, local: false, forNode: 'none', forZone: 'none' })
  t.match(one({ ready: false, serving: false, terminating: true, node: 'here' }), {
    ...{ ready: false, serving: false, terminating: true, local: true },
  })
  t.equal(one({ node: 'here' }, { nodeName: 'other' })?.local, false)
  const [slice] = [makeSlice([{ address: '10.1.0.2' }])]
  const bare = { ...slice, endpoints: [{ addresses: ['10.1.0.2'] }] } as EndpointSlice
  t.match(read([bare]).endpoints, [{ ready: true, serving: true, terminating: false }])
})

t.test('hints', async (t) => {
  t.match(one({ forZones: ['z1', 'z2'], forNodes: ['away'] }), { forZone: 'here', forNode: 'elsewhere' })
  t.match(one({ forZones: ['z2'], forNodes: ['away', 'here'] }), { forZone: 'elsewhere', forNode: 'here' })
  t.match(one({ forZones: [], forNodes: [] }), { forZone: 'none', forNode: 'none' })
  t.match(one({ forZones: ['z1'] }, { zone: undefined }), { forZone: 'elsewhere' })
})

t.test('of an endpoint the first address counts; one that is none is told, and the others stay', async (t) => {
  const [slice] = [makeSlice([{ address: '10.1.0.2' }])]
  const endpoints = [{ addresses: ['10.1.0.4', 'x'] }, { addresses: ['y', '10.1.0.5'] }, { addresses: [] }]
  const found = read([{ ...slice, endpoints } as EndpointSlice])
  t.match(found.endpoints, [{ address: { text: '10.1.0.4' } }])
  t.equal(found.endpoints.length, 1)
  t.same(found.told, ['"y" makes no sense'])
})

t.test('slices of the family, with a port of the name and protocol that is one', async (t) => {
  const count = (draft: SliceDraft, address = '10.1.0.2') => read([makeSlice([{ address }], draft)]).endpoints.length
  t.equal(count({}), 1)
  t.equal(count({ addressType: 'IPv6' }, 'fd00::2'), 0)
  t.equal(count({ addressType: 'FQDN' }, 'web.example.com'), 0)
  for (const ports of [
    [],
    [{ name: 'other', port: 80 }],
    [{ port: 80 }],
    [{ name: 'http', port: 80, protocol: 'UDP' as const }],
    [{ name: 'http' }],
    [{ name: 'http', port: 0 }],
    [{ name: 'http', port: 65_536 }],
  ])
    t.equal(count({ ports }), 0, JSON.stringify(ports))
  const { ports: _, ...without } = makeSlice([{ address: '10.1.0.2' }])
  t.equal(read([without as EndpointSlice]).endpoints.length, 0)
  const { endpoints: __, ...nobody } = makeSlice([])
  t.equal(read([nobody as EndpointSlice]).endpoints.length, 0)
})

t.test('sorted, each address and port once', async (t) => {
  const slices = [
    makeSlice([{ address: '10.1.0.9' }, { address: '10.1.0.2', ready: false }]),
    makeSlice([{ address: '10.1.0.2', node: 'here' }], { name: 'b' }),
    makeSlice([{ address: '10.1.0.2' }], { name: 'c', ports: [{ name: 'http', port: 9090 }] }),
  ]
  const wanted = ['10.1.0.2:8080', '10.1.0.2:9090', '10.1.0.9:8080']
  for (const order of [slices, slices.toReversed()])
    t.same(
      read(order).endpoints.map(({ address, port: number }) => `${address.text}:${number}`),
      wanted,
    )
  t.match(read(slices).endpoints[0], { ready: true, local: true })
})
