import t from 'tap'
import type { Endpoint } from '../../../../../src/api/types/index.ts'
import { toSubsets } from '../../../../../src/control/controllers/endpoints/endpoints-object.ts'
import type { EndpointGroup } from '../../../../../src/control/controllers/endpoints/service-endpoints.ts'

const endpoint = (
  address: string,
  conditions: Endpoint['conditions'] = { ready: true },
  more: object = {},
): Endpoint => ({
  ...{ addresses: [address], ...(conditions ? { conditions } : {}), ...more },
})
const group = (endpoints: readonly Endpoint[], more: Partial<EndpointGroup> = {}): EndpointGroup => ({
  ...{ addressType: 'IPv4', ports: [{ name: '', port: 80, protocol: 'TCP' }], endpoints, ...more },
})

t.test('addresses by their state, in order', async (t) => {
  const { subsets, isTruncated } = toSubsets([
    group([
      endpoint('10.0.0.3'),
      endpoint('10.0.0.1', undefined),
      endpoint('10.0.0.2', { ready: false }),
      endpoint('10.0.0.4', { ready: false, terminating: true }),
      endpoint('10.0.0.5', { ready: true, terminating: true }),
    ]),
  ])
  t.same(
    subsets.map(({ addresses, notReadyAddresses }) => [
      addresses?.map(({ ip }) => ip),
      notReadyAddresses?.map(({ ip }) => ip),
    ]),
    [[['10.0.0.1', '10.0.0.3', '10.0.0.5'], ['10.0.0.2']]],
  )
  t.equal(isTruncated, false)
})

t.test('what an address and a port bring along', async (t) => {
  const targetRef = { kind: 'Pod', namespace: 'default', name: 'p', uid: 'u' }
  const named = [{ name: 'http', port: 80, protocol: 'TCP' as const, appProtocol: 'h2c' }, { name: '' }]
  const { subsets } = toSubsets([
    group([endpoint('10.0.0.1', { ready: true }, { hostname: 'h', nodeName: 'n', targetRef })], { ports: named }),
  ])
  t.same(subsets, [
    {
      addresses: [{ ip: '10.0.0.1', hostname: 'h', nodeName: 'n', targetRef }],
      ports: [{ name: 'http', port: 80, protocol: 'TCP', appProtocol: 'h2c' }, { port: 0 }],
    },
  ])
  t.same(toSubsets([group([endpoint('10.0.0.1')])]).subsets, [
    { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] },
  ])
})

t.test('groups of the first family, those that hold something', async (t) => {
  const groups = [
    group([endpoint('fd00::1')], { addressType: 'IPv6' }),
    group([endpoint('10.0.0.1')]),
    group([endpoint('fd00::2', { ready: false })], { addressType: 'IPv6' }),
    group([endpoint('fd00::3', { ready: false, terminating: true })], { addressType: 'IPv6' }),
  ]
  t.match(toSubsets(groups).subsets, [
    { addresses: [{ ip: 'fd00::1' }], notReadyAddresses: undefined },
    { addresses: undefined, notReadyAddresses: [{ ip: 'fd00::2' }] },
  ])
  t.equal(toSubsets(groups).subsets.length, 2)
  t.same(toSubsets([]), { subsets: [], isTruncated: false })
})

t.test('a thousand addresses, those that are ready first', async (t) => {
  const many = (count: number, ready: boolean) =>
    Array.from({ length: count }, (_, n) => endpoint(`10.${ready ? 1 : 2}.${n >> 8}.${n & 255}`, { ready }))
  const counts = (...groups: readonly EndpointGroup[]) => {
    const { subsets, isTruncated } = toSubsets(groups)
    return [
      subsets.map(({ addresses = [], notReadyAddresses = [] }) => [addresses.length, notReadyAddresses.length]),
      isTruncated,
    ]
  }
  t.same(counts(group(many(1000, true))), [[[1000, 0]], false])
  t.same(counts(group(many(1001, true))), [[[1000, 0]], true])
  t.same(counts(group([...many(999, true), ...many(5, false)])), [[[999, 1]], true])
  t.same(counts(group(many(600, true)), group(many(600, true))), [
    [
      [600, 0],
      [400, 0],
    ],
    true,
  ])
})
