import t from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { ApiError } from '../../../src/api/errors.ts'
import { createSliceInformer, serviceOfSlice } from '../../../src/api/slices.ts'
import type { ApiRequest, ApiTransport } from '../../../src/api/transport.ts'
import type { EndpointSlice } from '../../../src/api/types/index.ts'
import { until } from '../../support/until.ts'

const metadata = { name: 'web', namespace: 'default', resourceVersion: '5' }
const labels = { 'kubernetes.io/service-name': 'web' }

/** A server that has `group` in these versions, and lists `items`. */
const serverWith = (versions: readonly string[], items: readonly object[]): ApiTransport & { asked: string[] } => {
  const asked: string[] = []
  return {
    asked,
    request: async ({ path }: ApiRequest) => {
      asked.push(path)
      if (path !== '/apis/discovery.k8s.io') return { metadata: { resourceVersion: '5' }, items }
      if (versions.length === 0) throw new ApiError(404, 'NotFound', 'no such path')
      return { kind: 'APIGroup', versions: versions.map((version) => ({ version })) }
    },
    async *watch(_request, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    },
  }
}

const read = async (server: ApiTransport): Promise<{ source: string; slices: readonly EndpointSlice[] }> => {
  const { slices, source } = await createSliceInformer(createClient(server), { indexes: { service: serviceOfSlice } })
  const stop = new AbortController()
  const changed: string[] = []
  slices.onChange((key) => changed.push(key))
  const running = slices.run(stop.signal)
  await slices.synced
  await until(() => changed.length > 0, 'the first change')
  stop.abort()
  await running
  return { source, slices: slices.by('service', 'default/web') }
}

t.test('a server of now: nothing is null', async (t) => {
  const { source, slices } = await read(
    serverWith(
      ['v1', 'v1beta1'],
      [{ metadata: { ...metadata, labels }, addressType: 'IPv4', endpoints: null, ports: null }],
    ),
  )
  t.equal(source, 'discovery.k8s.io/v1')
  t.match(slices, [{ endpoints: [], ports: [] }])
})

t.test('v1beta1: the place of an endpoint was in its topology', async (t) => {
  const topology = { 'kubernetes.io/hostname': 'n1', 'topology.kubernetes.io/zone': 'z1' }
  const slice = {
    metadata: { ...metadata, labels },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.2'], conditions: { ready: true }, topology }],
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  }
  const server = serverWith(['v1beta1'], [slice])
  const { source, slices } = await read(server)
  t.equal(source, 'discovery.k8s.io/v1beta1')
  t.ok(server.asked.includes('/apis/discovery.k8s.io/v1beta1/endpointslices'))
  t.match(slices, [{ apiVersion: 'discovery.k8s.io/v1', endpoints: [{ nodeName: 'n1', zone: 'z1' }] }])
})

t.test('no slices at all: Endpoints, one slice for each subset and family', async (t) => {
  const endpoints = {
    metadata,
    subsets: [
      {
        addresses: [{ ip: '10.1.0.2', nodeName: 'n1' }, { ip: 'fd00::2' }],
        notReadyAddresses: [{ ip: '10.1.0.3' }],
        ports: [{ port: 8080 }],
      },
      { addresses: [{ ip: '10.1.0.4' }], ports: [{ name: 'admin', port: 9000 }] },
      { addresses: null, ports: null },
    ],
  }
  const { source, slices } = await read(serverWith([], [endpoints]))
  t.equal(source, 'Endpoints')
  t.same(
    slices.map(({ addressType, endpoints: all, ports }) => [
      addressType,
      all.map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`),
      ports?.map(({ name, port }) => `${name}:${port}`),
    ]),
    [
      ['IPv4', ['10.1.0.2 true', '10.1.0.3 false'], [':8080']],
      ['IPv6', ['fd00::2 true'], [':8080']],
      ['IPv4', ['10.1.0.4 true'], ['admin:9000']],
    ],
  )
})
