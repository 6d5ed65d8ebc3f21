import t from 'tap'
import type { ContainerPort, Node, Pod, Service, ServiceSpec } from '../../../../../src/api/types/index.ts'
import {
  groupEndpoints,
  groupKey,
  isHeadless,
} from '../../../../../src/control/controllers/endpoints/service-endpoints.ts'

const service = (spec: Partial<ServiceSpec>): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default' } },
  spec: { selector: { app: 'web' }, clusterIP: '10.96.0.9', ...spec },
})

interface Draft {
  readonly ports?: readonly (readonly ContainerPort[])[]
  readonly ips?: readonly string[]
  readonly isReady?: boolean
  readonly phase?: 'Running' | 'Succeeded' | 'Failed'
  readonly isGoing?: boolean
  readonly node?: string
  readonly spec?: object
}

const pod = (name: string, draft: Draft = {}): Pod => {
  const { ports = [[]], ips = ['10.244.0.2'], isReady = true, phase = 'Running', isGoing, node = 'n1', spec } = draft
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name, namespace: 'default', uid: `uid-${name}` },
      ...(isGoing ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      ...{ containers: ports.map((list, at) => ({ name: `c${at}`, ports: list })), ...spec },
      ...(node === '' ? {} : { nodeName: node }),
    },
    status: {
      phase,
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    },
  }
}

const nodeOf = (name: string): Node | undefined =>
  name === 'n1'
    ? { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'topology.kubernetes.io/zone': 'z1' } } }
    : undefined

const portsOf = (found: Service, ...pods: readonly Pod[]) =>
  groupEndpoints(found, pods, nodeOf).map(({ ports, endpoints }) => [
    ports.map(({ port }) => port),
    endpoints.map(({ targetRef }) => targetRef?.name),
  ])

t.test('a target port by its name, in each pod for itself', async (t) => {
  const named = service({ ports: [{ port: 80, targetPort: 'http' }] })
  const http = (containerPort: number): ContainerPort => ({ name: 'http', containerPort })
  t.same(portsOf(named, pod('a', { ports: [[http(8080)]] })), [[[8080], ['a']]])
  t.same(
    portsOf(
      named,
      pod('a', { ports: [[http(8080)]] }),
      pod('b', { ports: [[http(9090)]] }),
      pod('c', { ports: [[http(8080)]] }),
    ),
    [
      [[8080], ['a', 'c']],
      [[9090], ['b']],
    ],
    'another number in another pod is another group',
  )
  t.same(portsOf(named, pod('a', { ports: [[], [{ name: 'x', containerPort: 1 }, http(8080)]] })), [[[8080], ['a']]])
  t.same(portsOf(named, pod('a', { ports: [[{ name: 'other', containerPort: 8080 }]] })), [], 'a pod without that name')
  t.same(portsOf(named, pod('a', { ports: [[{ ...http(53), protocol: 'UDP' }]] })), [], 'a name of another protocol')
  t.same(
    portsOf(named, pod('a', { ports: [[{ ...http(53), protocol: 'UDP' }, http(54)]] })),
    [[[54], ['a']]],
    'one name in two protocols',
  )
  const udp = service({ ports: [{ port: 53, protocol: 'UDP', targetPort: 'dns' }] })
  t.same(portsOf(udp, pod('a', { ports: [[{ name: 'dns', containerPort: 5353, protocol: 'UDP' }]] })), [
    [[5353], ['a']],
  ])
})

t.test('ports by number, and none', async (t) => {
  t.same(portsOf(service({ ports: [{ port: 80, targetPort: 8080 }] }), pod('a')), [[[8080], ['a']]])
  t.same(portsOf(service({ ports: [{ port: 80 }] }), pod('a')), [[[80], ['a']]], 'the port itself')
  t.same(portsOf(service({ ports: [] }), pod('a')), [[[], ['a']]], 'names only')
  const two = service({
    ports: [
      { name: 'http', port: 80, targetPort: 'http' },
      { name: 'admin', port: 81, targetPort: 9000, appProtocol: 'h2c' },
    ],
  })
  t.same(portsOf(two, pod('a')), [[[9000], ['a']]], 'what a pod lacks is left out for it alone')
  t.match(groupEndpoints(two, [pod('a')], nodeOf)[0]?.ports, [{ name: 'admin', protocol: 'TCP', appProtocol: 'h2c' }])
})

t.test('who is ready, serves and goes', async (t) => {
  const ports = [{ port: 80 }]
  const conditions = (spec: Partial<ServiceSpec>, draft: Draft) =>
    groupEndpoints(service({ ports, ...spec }), [pod('a', draft)], nodeOf)[0]?.endpoints[0]?.conditions
  t.same(conditions({}, {}), { ready: true, serving: true, terminating: false })
  t.same(conditions({}, { isReady: false }), { ready: false, serving: false, terminating: false })
  t.same(conditions({}, { isGoing: true }), { ready: false, serving: true, terminating: true })
  t.same(conditions({}, { isGoing: true, isReady: false }), { ready: false, serving: false, terminating: true })
  const publishNotReadyAddresses = true
  t.same(conditions({ publishNotReadyAddresses }, { isReady: false }), {
    ready: true,
    serving: true,
    terminating: false,
  })
  t.same(conditions({ publishNotReadyAddresses }, { isReady: false, isGoing: true }), {
    ...{ ready: true, serving: true, terminating: true },
  })
  t.same(conditions({}, { phase: 'Succeeded' }), undefined)
  t.same(conditions({}, { phase: 'Failed' }), undefined)
  t.same(conditions({}, { ips: [] }), undefined)
})

t.test('families, in the order of the Service', async (t) => {
  const both = pod('a', { ips: ['10.244.0.2', 'fd00::2'] })
  const addresses = (spec: Partial<ServiceSpec>, found: Pod) =>
    groupEndpoints(service({ ports: [{ port: 80 }], ...spec }), [found], nodeOf).map(({ addressType, endpoints }) => [
      ...[addressType, endpoints[0]?.addresses[0]],
    ])
  t.same(addresses({ ipFamilies: ['IPv6', 'IPv4'] }, both), [
    ['IPv6', 'fd00::2'],
    ['IPv4', '10.244.0.2'],
  ])
  t.same(addresses({ ipFamilies: ['IPv6'] }, both), [['IPv6', 'fd00::2']])
  t.same(addresses({}, both), [['IPv4', '10.244.0.2']])
  t.same(addresses({ ipFamilies: [] }, both), [['IPv4', '10.244.0.2']])
  t.same(addresses({ ipFamilies: ['IPv6'] }, pod('b')), [])
  const old: Pod = { ...both, status: { podIP: '10.244.0.7', conditions: [] } }
  t.same(addresses({}, old), [['IPv4', '10.244.0.7']], 'a status with one address')
})

t.test('node, zone, host name, and for whom it is near', async (t) => {
  const of = (spec: Partial<ServiceSpec>, draft: Draft) =>
    groupEndpoints(service({ ports: [{ port: 80 }], ...spec }), [pod('a', draft)], nodeOf)[0]?.endpoints[0]
  t.match(of({}, {}), { nodeName: 'n1', zone: 'z1', hints: undefined, hostname: undefined })
  t.match(of({}, {}), { targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' } })
  t.match(of({}, { node: 'n2' }), { nodeName: 'n2', zone: undefined })
  t.match(of({}, { node: '' }), { nodeName: undefined, zone: undefined })
  t.equal(of({}, { spec: { hostname: 'db', subdomain: 'web' } })?.hostname, 'db')
  t.equal(of({}, { spec: { hostname: 'db', subdomain: 'other' } })?.hostname, undefined)
  t.equal(of({}, { spec: { subdomain: 'web' } })?.hostname, undefined)
  const near = (trafficDistribution: string, draft: Draft = {}) => of({ trafficDistribution }, draft)?.hints
  t.same(near('PreferClose'), { forZones: [{ name: 'z1' }] })
  t.same(near('PreferSameNode'), { forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }] })
  t.same(near('PreferSameNode', { node: 'n2' }), { forNodes: [{ name: 'n2' }] }, 'a node without a zone')
  t.equal(near('PreferClose', { node: 'n2' }), undefined)
  t.equal(near('PreferClose', { isReady: false }), undefined)
})

t.test('what may share a slice', async (t) => {
  const a = { name: 'a', port: 1, protocol: 'TCP' as const }
  const b = { name: 'b', port: 2, protocol: 'TCP' as const }
  t.equal(groupKey('IPv4', [a, b]), groupKey('IPv4', [b, a]))
  t.equal(groupKey('IPv4', [{ port: 1 }]), groupKey('IPv4', [{ name: '', port: 1, protocol: 'TCP' }]))
  for (const other of [
    [a],
    [b],
    [{ ...a, port: 3 }, b],
    [{ ...a, protocol: 'UDP' as const }, b],
    [{ ...a, appProtocol: 'x' }, b],
  ])
    t.not(groupKey('IPv4', other), groupKey('IPv4', [a, b]))
  t.not(groupKey('IPv6', [a]), groupKey('IPv4', [a]))
  t.equal(groupKey('IPv4'), groupKey('IPv4', []))
  t.same([isHeadless(service({ clusterIP: 'None' })), isHeadless(service({}))], [true, false])
})
