/** Endpoints that somebody wrote, over the real API and all controllers. */
import t from 'tap'
import { configMaps, endpointSlices, endpoints, events, services } from '../../../../../src/api/resources.ts'
import type { Endpoints } from '../../../../../src/api/types/index.ts'
import type { CreateController } from '../../../../../src/control/controllers/controller.ts'
import { createEndpointSliceController } from '../../../../../src/control/controllers/endpoints/endpoint-slices.ts'
import { mirrorOf } from '../../../../../src/control/controllers/endpoints/mirrored.ts'
import { startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

t.setTimeout(120_000)

const inDefault = (name: string) => ({ name, namespace: 'default' })
const serviceLabel = 'kubernetes.io/service-name'
const managerLabel = 'endpointslice.kubernetes.io/managed-by'
const manager = 'endpointslicemirroring-controller.k8s.io'
const ports = [{ name: 'http', port: 8080, protocol: 'TCP' as const }]
const at = (...ips: readonly string[]) => ips.map((ip) => ({ ip }))
const many = (count: number) => at(...Array.from({ length: count }, (_, n) => `10.9.${n >> 8}.${n & 255}`))

const start = async (
  t: Parameters<typeof startControlPlane>[0],
  more: Parameters<typeof startControlPlane>[1] = {},
) => {
  const plane = await startControlPlane(t, more)
  const { client } = plane
  // All controllers start in one moment, and then Endpoints without a Service go: those of the tests come later.
  await until(
    () =>
      client.get(configMaps, 'kube-root-ca.crt', 'default').then(
        () => true,
        () => false,
      ),
    'the controllers to run',
  )
  const mirrored = async (name = 'db') =>
    (
      await client.list(endpointSlices, { namespace: 'default', labelSelector: `${serviceLabel}=${name}` })
    ).items.filter(({ metadata }) => metadata.labels?.[managerLabel] === manager)
  return {
    ...{ client, mirrored },
    service: (name = 'db', spec: object = {}) =>
      client.create(services, { metadata: inDefault(name), spec: { ports: [{ port: 80 }], ...spec } }),
    write: (subsets: Endpoints['subsets'], metadata: object = {}) =>
      client.create(endpoints, { metadata: { ...inDefault('db'), ...metadata }, subsets: subsets ?? [] }),
    patch: (patch: object) => client.patch(endpoints, { metadata: inDefault('db') }, patch),
    addresses: async (name = 'db') =>
      (await mirrored(name)).flatMap((slice) => slice.endpoints.flatMap(({ addresses }) => addresses)).sort(),
    becomes: (question: () => Promise<unknown>, wanted: unknown, what: string) =>
      until(async () => JSON.stringify(await question()) === JSON.stringify(wanted), what),
  }
}

t.test('what becomes of Endpoints', async (t) => {
  const metadata = {
    ...{ name: 'db', namespace: 'default', labels: { team: 'a' } },
    annotations: {
      note: 'x',
      'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    },
  }
  const object = (subsets: Endpoints['subsets']): Endpoints => ({
    ...{ apiVersion: 'v1', kind: 'Endpoints', metadata, ...(subsets === undefined ? {} : { subsets }) },
  })
  const found = mirrorOf(
    object([{ addresses: at('10.9.0.1', 'fd00::1', 'no'), notReadyAddresses: at('10.9.0.2'), ports }]),
  )
  t.same(found.labels, { team: 'a', [serviceLabel]: 'db', [managerLabel]: manager })
  t.same(found.annotations, { note: 'x' })
  t.match(found, {
    ...{ invalid: 1, surplus: 0 },
    groups: [
      {
        addressType: 'IPv4',
        endpoints: [
          { addresses: ['10.9.0.1'], conditions: { ready: true } },
          { addresses: ['10.9.0.2'], conditions: { ready: false } },
        ],
      },
      { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] },
    ],
  })
  const twice = [
    { addresses: at('10.9.0.1'), ports },
    { addresses: at('10.9.0.2'), ports },
  ]
  t.equal(mirrorOf(object(twice)).groups.length, 1, 'two subsets with the same ports')
  const full = mirrorOf(object([{ addresses: many(999), notReadyAddresses: at('10.8.0.1', '10.8.0.2'), ports }]))
  t.same([full.groups[0]?.endpoints.length, full.surplus], [1000, 1])
  t.same(full.groups[0]?.endpoints.at(-1)?.addresses, ['10.8.0.1'], 'those that are ready come first')
  const apart = [
    { addresses: many(1000), ports },
    { addresses: at('10.8.0.1'), ports: [{ port: 1 }] },
  ]
  t.equal(mirrorOf(object(apart)).surplus, 0, 'each subset by itself')
  t.same(mirrorOf(object(undefined)).groups, [])
})

t.test('both families, labels and annotations, changes, and the end', async (t) => {
  const { client, service, write, patch, mirrored, addresses, becomes } = await start(t)
  await service()
  await write([{ addresses: at('10.9.0.1', 'fd00::1'), ports }], {
    ...{ labels: { team: 'a', old: 'x' }, annotations: { note: 'x' } },
  })
  await becomes(addresses, ['10.9.0.1', 'fd00::1'], 'a slice for each family')
  const [slice] = await mirrored()
  t.match(slice?.metadata, {
    labels: { team: 'a', [serviceLabel]: 'db', [managerLabel]: manager },
    annotations: { note: 'x' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name: 'db', controller: true }],
  })
  await patch({ subsets: [{ addresses: at('10.9.0.2'), ports }] })
  await becomes(addresses, ['10.9.0.2'], 'the new address alone')
  await patch({ metadata: { labels: { old: null, team: 'b' }, annotations: { note: null, more: 'y' } } })
  const marks = async () => {
    const { labels, annotations } = (await mirrored())[0]?.metadata ?? {}
    return [labels?.['team'], labels?.['old'] ?? '', annotations?.['note'] ?? '', annotations?.['more']]
  }
  await becomes(marks, ['b', '', '', 'y'], 'what was taken away is gone')
  await client.delete(endpoints, { metadata: inDefault('db') })
  await becomes(addresses, [], 'no slice')
  await write([{ addresses: at('10.9.0.3'), ports }])
  await becomes(addresses, ['10.9.0.3'], 'a slice again')
  await client.delete(services, { metadata: inDefault('db') })
  await becomes(addresses, [], 'no slice without the Service')
})

t.test('those that are not mirrored, and no longer', async (t) => {
  const { client, service, write, patch, addresses, becomes, mirrored } = await start(t)
  const subsets = [{ addresses: at('10.9.0.1'), ports }]
  const skip = (value: string | null) =>
    patch({ metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': value } } })
  const lead = (value: string | null) =>
    patch({ metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': value } } })
  await write(subsets)
  t.same(await mirrored(), [], 'there is no Service')
  await service()
  await becomes(addresses, ['10.9.0.1'], 'the Service that comes later')
  await skip('true')
  await becomes(addresses, [], 'the label')
  await skip('false')
  await becomes(addresses, ['10.9.0.1'], 'another value')
  await lead('{}')
  await becomes(addresses, [], 'a lock of leaders')
  await lead(null)
  await becomes(addresses, ['10.9.0.1'], 'no lock any longer')
  const select = (app: string | null) =>
    client.patch(services, { metadata: inDefault('db') }, { spec: { selector: { app } } })
  await select('x')
  await becomes(async () => (await mirrored()).length, 0, 'a selector: its slices are made of pods')
})

t.test('more than a thousand addresses of a subset: an Event says so', async (t) => {
  const { client, service, write, addresses, becomes } = await start(t)
  await service()
  await write([{ addresses: many(1002), ports }])
  await becomes(async () => (await addresses()).length, 1000, 'a thousand')
  const found = await until(
    async () =>
      (await client.list(events, { namespace: 'default' })).items.find(({ reason }) => /TooMany/.test(reason ?? '')),
    'the Event',
  )
  t.match(found, {
    ...{ type: 'Warning', reason: 'TooManyAddressesToMirror' },
    involvedObject: { kind: 'Endpoints', name: 'db' },
    message: 'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped',
  })
})

t.test('Endpoints whose Service went while nobody looked', async (t) => {
  let lives = 0
  let fail = (_: Error): void => undefined
  const create: CreateController = (context) => {
    lives++
    const { name, run } = createEndpointSliceController(context)
    const { promise, reject } = Promise.withResolvers<void>()
    fail = reject
    return { name, run: (signal) => Promise.race([run(signal), promise]) }
  }
  const { client, service, write } = await start(t, { more: [create], disabled: ['endpointslice-controller'] })
  const names = async () =>
    (await client.list(endpoints, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)
  const subsets = [{ addresses: at('10.9.0.1'), ports }]
  const leader = { 'control-plane.alpha.kubernetes.io/leader': '{}' }
  await write(subsets)
  await write(subsets, { name: 'lock', annotations: leader })
  await write(subsets, { name: 'kept' })
  await service('kept')
  t.same(await names(), ['db', 'kept', 'lock'], 'there may be Endpoints before their Service')
  fail(new Error('broken'))
  await until(() => lives === 2, 'the second life')
  await until(async () => !(await names()).includes('db'), 'the end of those without a Service')
  t.same(await names(), ['kept', 'lock'])
})
