import t from 'tap'
import type { Endpoint, EndpointSlice } from '../../../../../src/api/types/index.ts'
import type { EndpointGroup } from '../../../../../src/control/controllers/endpoints/service-endpoints.ts'
import { planSlices, sliceSize } from '../../../../../src/control/controllers/endpoints/slice-plan.ts'

const endpoint = (n: number, ready = true, uid = `uid-${n}`): Endpoint => ({
  ...{ addresses: [`10.1.${n >> 8}.${n & 255}`], conditions: { ready } },
  targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${n}`, uid },
})
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => endpoint(from + at))

const ports = [{ name: '', port: 80, protocol: 'TCP' as const }]
const group = (endpoints: readonly Endpoint[], more: Partial<EndpointGroup> = {}): EndpointGroup => ({
  ...{ addressType: 'IPv4', ports, endpoints, ...more },
})
const slice = (name: string, endpoints: readonly Endpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice => ({
  ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name, namespace: 'default' } },
  ...{ addressType: 'IPv4', ports, endpoints: [...endpoints], ...more },
})

/** What is done, by the names of slices and the numbers of endpoints. */
const plan = (groups: readonly EndpointGroup[], slices: readonly EndpointSlice[]) => {
  const { create, update, remove } = planSlices(groups, slices)
  return {
    create: create.map(({ endpoints }) => endpoints.length),
    update: Object.fromEntries(update.map(({ slice, endpoints }) => [slice.metadata.name, endpoints.length])),
    remove: remove.map(({ metadata }) => metadata.name),
  }
}

const nothing = { create: [], update: {}, remove: [] }

t.test('from nothing', async (t) => {
  t.same(plan([group(range(0, 3))], []), { ...nothing, create: [3] })
  t.same(plan([group(range(0, 2 * sliceSize + 1))], []), { ...nothing, create: [sliceSize, sliceSize, 1] })
  t.same(plan([], []), { ...nothing, create: [0] }, 'something is always left to see')
})

t.test('what is right stays untouched', async (t) => {
  t.same(plan([group(range(0, 3))], [slice('a', range(0, 3))]), nothing)
  t.same(plan([group(range(0, 150))], [slice('a', range(0, 100)), slice('b', range(100, 150))]), nothing)
  t.same(plan([], [slice('a', [])]), nothing)
})

t.test('a change touches one slice', async (t) => {
  const slices = [slice('a', range(0, 100)), slice('b', range(100, 150))]
  t.same(plan([group(range(0, 151))], slices), { ...nothing, update: { b: 51 } }, 'one more')
  t.same(plan([group(range(1, 150))], slices), { ...nothing, update: { a: 99 } }, 'one less')
  t.same(plan([group(range(1, 151))], slices), { ...nothing, update: { a: 100 } }, 'one for another')
  t.same(
    plan([group([endpoint(0, false), ...range(1, 150)])], slices),
    { ...nothing, update: { a: 100 } },
    'another state',
  )
  t.same(
    plan([group([endpoint(0, true, 'reborn'), ...range(1, 150)])], slices),
    { ...nothing, update: { a: 100 } },
    'another pod at the same address',
  )
})

t.test('newcomers fill up the fullest', async (t) => {
  const slices = [slice('small', range(0, 10)), slice('large', range(10, 90))]
  t.same(plan([group(range(0, 95))], slices), { ...nothing, update: { large: 85 } })
  t.same(plan([group(range(0, 115))], slices), { ...nothing, update: { large: 100, small: 15 } })
  t.same(plan([group(range(0, 201))], slices), { ...nothing, update: { large: 100, small: 100 }, create: [1] })
})

t.test('slices that hold nothing any longer go', async (t) => {
  t.same(plan([group(range(0, 5))], [slice('a', range(0, 5)), slice('b', range(5, 8))]), { ...nothing, remove: ['b'] })
  t.same(plan([], [slice('a', range(0, 5)), slice('b', range(5, 8))]), { ...nothing, update: { a: 0 }, remove: ['b'] })
  const other = slice('other', range(0, 2), { ports: [{ name: '', port: 81, protocol: 'TCP' }] })
  t.same(plan([group(range(0, 2))], [other]), { ...nothing, create: [2], remove: ['other'] }, 'other ports')
  const ipv6 = slice('v6', [], { addressType: 'IPv6' })
  t.same(plan([group(range(0, 2))], [ipv6]), { ...nothing, create: [2], remove: ['v6'] }, 'another family')
})

t.test('groups do not share slices', async (t) => {
  const other = [{ name: '', port: 81, protocol: 'TCP' as const }]
  const groups = [group(range(0, 2)), group(range(2, 5), { ports: other })]
  t.same(plan(groups, []), { ...nothing, create: [2, 3] })
  t.same(plan(groups, [slice('a', range(0, 2))]), { ...nothing, create: [3] })
})
