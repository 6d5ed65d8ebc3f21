import t from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { ApiError } from '../../../src/api/errors.ts'
import { createSliceInformer, serviceOfSlice } from '../../../src/api/slices.ts'
import type { ApiRequest, ApiTransport } from '../../../src/api/transport.ts'
import type { EndpointSlice } from '../../../src/api/types/index.ts'
import { until } from '../../support/until.ts'

const metadata = { name: 'web', namespace: 'default', resourceVersion: '5' }
const labels = { 'kubernetes.io/service-name': 'web' }

/** A server that has slices in these versions, and lists `items`; of other paths it says 404 in plain text, as a real one. */
const serverWith = (versions: readonly string[], items: readonly object[]): ApiTransport & { asked: string[] } => {
  const asked: string[] = []
  const groups = versions.map((version) => ({ name: 'discovery.k8s.io', groupVersion: `discovery.k8s.io/${version}` }))
  const answerTo = (path: string): unknown => {
    if (path === '/apis') return { kind: 'APIGroupList', groups: [{ name: 'discovery.k8s.io', versions: groups }] }
    const [, version = '', plural] = /^\/apis\/discovery\.k8s\.io\/(\w+)(?:\/(\w+))?$/.exec(path) ?? []
    if (path !== '/api/v1/endpoints' && !versions.includes(version)) return undefined
    if (version !== '' && plural === undefined)
      return { kind: 'APIResourceList', resources: [{ name: 'endpointslices' }] }
    return { metadata: { resourceVersion: '5' }, items }
  }
  return {
    asked,
    request: async ({ path }: ApiRequest) => {
      asked.push(path)
      const answer = answerTo(path)
      if (answer === undefined) throw new ApiError(404, '', 'the server answered 404: 404 page not found')
      return answer
    },
    async *watch(_request, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    },
  }
}

const read = async (server: ApiTransport): Promise<readonly EndpointSlice[]> => {
  const slices = createSliceInformer(createClient(server), { indexes: { service: serviceOfSlice } })
  const stop = new AbortController()
  const changed: string[] = []
  slices.onChange((key) => changed.push(key))
  const running = slices.run(stop.signal)
  await slices.synced
  await until(() => changed.length > 0, 'the first change')
  stop.abort()
  await running
  return slices.by('service', 'default/web')
}

t.test('a server of now: nothing is null', async (t) => {
  const server = serverWith(
    ['v1', 'v1beta1'],
    [{ metadata: { ...metadata, labels }, addressType: 'IPv4', endpoints: null, ports: null }],
  )
  const slices = await read(server)
  t.same(server.asked, ['/apis/discovery.k8s.io/v1/endpointslices'], 'nothing else is asked')
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
  const slices = await read(server)
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
  const slices = await read(serverWith([], [endpoints]))
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
