import t from 'tap'
import { serviceOfSlice } from '../../../../src/api/slices.ts'
import type { EndpointSlice, Service } from '../../../../src/api/types/index.ts'
import { addressOf } from '../../../../src/ip/address.ts'
import { isSkipped, modelService } from '../../../../src/proxy/iptables/model.ts'
import { nothingReserved } from '../../../../src/proxy/iptables/reserved.ts'
import { makeService, makeSlice } from '../support/objects.ts'
import { makeContext } from '../support/rules.ts'

const model = (
  service: Service,
  slices: readonly EndpointSlice[] = [],
  family: 'IPv4' | 'IPv6' = 'IPv4',
  reserved = nothingReserved,
) =>
  modelService(service, slices, {
    family,
    nodeName: 'here',
    zone: 'z1',
    proxyName: undefined,
    reserved,
    relayed: false,
    nodeAddress: undefined,
  })

t.test('a plain Service', async (t) => {
  const slices = [makeSlice([{ address: '10.1.0.2', node: 'here' }, { address: '10.1.9.2' }])]
  const ready = { ready: true, serving: true, terminating: false, forNode: 'none', forZone: 'none' }
  t.same(model(makeService(), slices), {
    ports: [
      {
        key: 'default/web:http/tcp',
        protocol: 'tcp',
        port: 80,
        clusterIP: addressOf('10.96.0.10'),
        nodePort: undefined,
        externalIPs: [],
        loadBalancerIPs: [],
        sourceRanges: undefined,
        admitsNode: false,
        affinitySeconds: undefined,
        balancing: 'round-robin',
        relayed: false,
        internalPolicy: 'Cluster',
        externalPolicy: 'Cluster',
        endpoints: [
          { address: addressOf('10.1.0.2'), port: 8080, local: true, ...ready },
          { address: addressOf('10.1.9.2'), port: 8080, local: false, ...ready },
        ],
      },
    ],
    problems: [],
  })
})

t.test('Services that are not for us', async (t) => {
  const cases = {
    headless: { clusterIP: 'None' },
    'without an address yet': { clusterIP: '' },
    ExternalName: { type: 'ExternalName', externalName: 'example.com' },
    'of another proxy': { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } },
    'with the headless label': { labels: { 'service.kubernetes.io/headless': '' } },
    'served by the node itself': { annotations: { 'podway.dev/node-local': 'true' } },
    'of the other family': { clusterIP: 'fd00:96::1', clusterIPs: ['fd00:96::1'] },
  } as const
  for (const [name, draft] of Object.entries(cases))
    t.same(model(makeService(draft)), { ports: [], problems: [] }, name)
})

t.test('dual stack: each family takes its own', async (t) => {
  const service = makeService({
    clusterIPs: ['10.96.0.10', 'FD00:96:0::10'],
    type: 'LoadBalancer',
    externalIPs: ['203.0.113.5', '2001:db8::5'],
    ingress: [{ ip: '2001:DB8::6' }, { hostname: 'lb.example.com' }, { ip: '203.0.113.6', ipMode: 'Proxy' }],
    loadBalancerSourceRanges: ['10.0.0.0/8', '2001:db8::/32'],
  })
  const slices = [
    makeSlice([{ address: '10.1.0.2' }]),
    makeSlice([{ address: 'fd00:1::0:2' }], { addressType: 'IPv6' }),
  ]
  t.match(model(service, slices, 'IPv6').ports, [
    {
      clusterIP: { text: 'fd00:96::10' },
      externalIPs: [{ text: '2001:db8::5' }],
      loadBalancerIPs: [{ text: '2001:db8::6' }],
      sourceRanges: [{ text: '2001:db8::/32' }],
      endpoints: [{ address: { text: 'fd00:1::2' } }],
    },
  ])
  t.match(model(service, slices).ports, [
    {
      clusterIP: { text: '10.96.0.10' },
      externalIPs: [{ text: '203.0.113.5' }],
      loadBalancerIPs: [],
      endpoints: [{ address: { text: '10.1.0.2' } }],
    },
  ])
})

t.test('ports join slices by name and protocol', async (t) => {
  const service = makeService({
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53 },
      { name: 'metrics', port: 9153 },
    ],
  })
  const slices = [
    makeSlice([{ address: '10.1.0.2' }], {
      ports: [{ name: 'dns', port: 5353, protocol: 'UDP' }, { name: 'dns-tcp', port: 5354 }, { name: 'metrics' }],
    }),
    makeSlice([{ address: '10.1.0.3' }], { ports: [{ name: 'dns', port: 5355, protocol: 'UDP' }] }),
    makeSlice([{ address: '10.1.0.4' }], { ports: [{ name: 'dns', port: 5356, protocol: 'TCP' }] }),
  ]
  t.same(
    model(service, slices).ports.map(({ key, endpoints }) => [
      key,
      endpoints.map(({ address, port }) => `${address.text}:${port}`),
    ]),
    [
      ['default/web:dns/udp', ['10.1.0.2:5353', '10.1.0.3:5355']],
      ['default/web:dns-tcp/tcp', ['10.1.0.2:5354']],
      ['default/web:metrics/tcp', []],
    ],
  )
})

t.test('what nodes serve themselves is no place of a Service', async (t) => {
  const nodes = ['172.30.0.11', 'fd00:30::11']
  const reserved = {
    ports: new Set(['tcp 10250', 'tcp 80']),
    places: new Set(['172.30.0.2 6443']),
    isNodeAddress: (address: string) => nodes.includes(address),
  }
  const addresses = ['172.30.0.11', '172.30.0.2', '203.0.113.5']
  const service = makeService({
    type: 'LoadBalancer',
    externalIPs: addresses,
    ingress: addresses.map((ip) => ({ ip })),
    ports: [
      { name: 'a', port: 10_250, nodePort: 80 },
      { name: 'b', port: 10_250, protocol: 'UDP', nodePort: 30_080 },
      { name: 'c', port: 6443 },
    ],
  })
  const { ports, problems } = model(service, [], 'IPv4', reserved)
  t.same(
    ports.map(({ externalIPs, loadBalancerIPs, nodePort }) => [
      externalIPs.map(({ text }) => text),
      loadBalancerIPs.map(({ text }) => text),
      nodePort,
    ]),
    [
      [['172.30.0.2', '203.0.113.5'], ['172.30.0.2', '203.0.113.5'], undefined],
      [addresses, addresses, 30_080],
      [['172.30.0.11', '203.0.113.5'], ['172.30.0.11', '203.0.113.5'], undefined],
    ],
  )
  t.match(problems.join('\n'), /port 10250\/TCP at 172.30.0.11 is served by the node itself/)
  t.match(problems.join('\n'), /node port 80 is served by the node itself/)
})

t.test('a port without a name', async (t) => {
  const service = makeService({ ports: [{ port: 80 }] })
  const slices = [makeSlice([{ address: '10.1.0.2' }], { ports: [{ port: 8080 }] })]
  t.match(model(service, slices).ports, [{ key: 'default/web/tcp', endpoints: [{ port: 8080 }] }])
})

t.test('an endpoint in two slices is one, whichever comes first', async (t) => {
  const slices = [
    makeSlice([{ address: '10.1.0.2', ready: false, serving: false }]),
    makeSlice([{ address: '10.1.0.2', node: 'here', terminating: true }]),
  ]
  const merged = [{ local: true, ready: true, serving: true, terminating: false }]
  for (const order of [slices, slices.toReversed()]) {
    const [port] = model(makeService(), order).ports
    t.match(port?.endpoints, merged)
    t.equal(port?.endpoints.length, 1)
  }
})

t.test('node ports only where the type has them', async (t) => {
  const ports = [{ port: 80, nodePort: 30_080 }]
  const of = (type: 'ClusterIP' | 'NodePort' | 'LoadBalancer') => model(makeService({ type, ports })).ports[0]?.nodePort
  t.same([of('ClusterIP'), of('NodePort'), of('LoadBalancer')], [undefined, 30_080, 30_080])
})

t.test('affinity', async (t) => {
  const seconds = (timeoutSeconds?: number) =>
    model(
      makeService({
        sessionAffinity: 'ClientIP',
        ...(timeoutSeconds === undefined ? {} : { sessionAffinityConfig: { clientIP: { timeoutSeconds } } }),
      }),
    )
  t.equal(seconds().ports[0]?.affinitySeconds, 10_800)
  t.equal(seconds(5).ports[0]?.affinitySeconds, 5)
  t.match(seconds(0.5), { ports: [{ affinitySeconds: 10_800 }], problems: [/0.5 s makes no sense/] })
})

t.test('load balancing by annotation', async (t) => {
  const balancing = (value: string) => {
    const { ports, problems } = model(makeService({ annotations: { 'podway.dev/load-balancing': value } }))
    return [ports[0]?.balancing, ports[0]?.affinitySeconds, problems.length]
  }
  t.same(balancing('random'), ['random', undefined, 0])
  t.same(balancing('RoundRobin'), ['round-robin', undefined, 0])
  t.same(balancing('ClientIP'), ['round-robin', 10_800, 0])
  t.same(balancing('least-loaded'), ['round-robin', undefined, 1])
})

t.test(
  'source ranges: of the field, else of the annotation that was there before it; without any, everybody',
  async (t) => {
    const annotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'
    const ranges = (field: readonly string[] | undefined, annotated?: string) => {
      const { ports, problems } = model(
        makeService({
          ...(field ? { loadBalancerSourceRanges: field } : {}),
          ...(annotated === undefined ? {} : { annotations: { [annotation]: annotated } }),
        }),
      )
      return [ports[0]?.sourceRanges?.map(({ text }) => text) ?? 'everybody', problems.length]
    }
    t.same(ranges(undefined), ['everybody', 0])
    t.same(ranges([]), ['everybody', 0])
    t.same(ranges(undefined, ''), ['everybody', 0])
    t.same(ranges(undefined, ' , '), ['everybody', 0])
    t.same(ranges([' 10.0.0.0/8 ', '192.0.2.1/24']), [['10.0.0.0/8', '192.0.2.0/24'], 0])
    t.same(ranges(undefined, '10.0.0.0/8, ,192.0.2.0/24'), [['10.0.0.0/8', '192.0.2.0/24'], 0])
    t.same(ranges([], '10.0.0.0/8'), [['10.0.0.0/8'], 0], 'an empty list opens nothing that the annotation closes')
    t.same(ranges(['192.0.2.0/24'], '10.0.0.0/8'), [['192.0.2.0/24'], 0])
    t.same(ranges(['anywhere']), [[], 1], 'what makes no sense admits nobody')
  },
)

t.test('whether the node itself is within the source ranges', async (t) => {
  const admits = (nodeAddress: string | undefined, ranges?: readonly string[]) =>
    modelService(makeService(ranges ? { loadBalancerSourceRanges: ranges } : {}), [], makeContext({ nodeAddress }))
      .ports[0]?.admitsNode
  t.equal(admits('192.0.2.1', ['10.0.0.0/8', '192.0.2.0/24']), true)
  t.equal(admits('198.51.100.1', ['10.0.0.0/8', '192.0.2.0/24']), false)
  t.equal(admits(undefined, ['0.0.0.0/0']), false)
  t.equal(admits('fd00::1', ['0.0.0.0/0']), false)
  t.equal(admits('192.0.2.1'), false)
})

t.test('who relays: what the Service says, else what the node does', async (t) => {
  const relayed = (isDefault: boolean, mode?: string) => {
    const service = makeService(mode === undefined ? {} : { annotations: { 'podway.dev/proxy-mode': mode } })
    const { ports, problems } = modelService(service, [], makeContext({ relayed: isDefault }))
    return [ports[0]?.relayed, problems.length]
  }
  t.same(
    [relayed(false), relayed(true)],
    [
      [false, 0],
      [true, 0],
    ],
  )
  t.same(
    [relayed(false, 'userspace'), relayed(true, 'iptables')],
    [
      [true, 0],
      [false, 0],
    ],
  )
  t.same(
    [relayed(false, 'ipvs'), relayed(true, 'ipvs')],
    [
      [false, 1],
      [false, 1],
    ],
  )
})

t.test('an unknown traffic policy is told, and is Cluster', async (t) => {
  const { ports, problems } = model(
    makeService({ internalTrafficPolicy: 'Near' as 'Local', externalTrafficPolicy: 'Local' }),
  )
  t.match(ports, [{ internalPolicy: 'Cluster', externalPolicy: 'Local' }])
  t.same(problems, ['Service default/web: unknown internalTrafficPolicy "Near": taking Cluster'])
})

t.test('ports that are none', async (t) => {
  const nodePort = (number: number) =>
    model(makeService({ type: 'NodePort', ports: [{ port: 80, nodePort: number }] })).ports[0]?.nodePort
  t.same([0, 1, 65_535, 65_536, -1].map(nodePort), [undefined, 1, 65_535, undefined, undefined])
  const count = (port: number, name = 'http') => model(makeService({ ports: [{ name, port }] })).ports.length
  t.same(
    [0, 1, 65_535, 65_536, 80.5].map((port) => count(port)),
    [0, 1, 1, 0, 0],
  )
  t.equal(count(80, 'a'.repeat(184)), 1)
  t.equal(count(80, 'a'.repeat(185)), 0, 'a key that is too long for a comment')
  t.same(model(makeService({ name: 'x', ports: [] })).ports, [])
  const { ports: _, ...spec } = makeService().spec
  t.same(model({ ...makeService(), spec }).ports, [])
})

t.test('the labels of proxies', async (t) => {
  const isFor = (label: string | undefined, proxyName: string | undefined) =>
    !isSkipped(
      makeService(label === undefined ? {} : { labels: { 'service.kubernetes.io/service-proxy-name': label } }),
      proxyName,
    )
  t.same([isFor(undefined, undefined), isFor('edge', 'edge')], [true, true])
  t.same([isFor(undefined, 'edge'), isFor('edge', undefined), isFor('edge', 'core')], [false, false, false])
  const { labels: _, annotations: __, ...metadata } = makeService().metadata
  t.equal(isSkipped({ ...makeService(), metadata }, undefined), false)
  t.equal(isSkipped(makeService({ annotations: { 'podway.dev/node-local': 'false' } }), undefined), false)
})

t.test('what makes no sense is left out and told, and can never become a rule', async (t) => {
  const service = makeService({
    type: 'LoadBalancer',
    externalIPs: ['1.2.3.4 -j ACCEPT', 'fd00::1', '203.0.113.5', '203.0.113.5'],
    loadBalancerSourceRanges: ['10.0.0.0/8', 'anywhere'],
    ports: [
      { port: 80 },
      { port: 70_000 },
      { name: 'a" -j ACCEPT', port: 82 },
      { port: 81, protocol: 'constructor' as 'TCP' },
    ],
  })
  const slices = [makeSlice([{ address: '10.1.0.2\n*filter' }, { address: '10.1.0.3' }], { ports: [{ port: 8080 }] })]
  const { ports, problems } = model(service, slices)
  t.match(ports, [{ externalIPs: [{ text: '203.0.113.5' }], sourceRanges: [{ text: '10.0.0.0/8' }] }])
  t.equal(ports.length, 1)
  t.same(
    ports[0]?.endpoints.map(({ address }) => address.text),
    ['10.1.0.3'],
  )
  t.same(problems, [
    'Service default/web: "anywhere" makes no sense',
    'Service default/web: "1.2.3.4 -j ACCEPT" makes no sense',
    'Service default/web: "10.1.0.2\n*filter" makes no sense',
    'Service default/web: port 70000/undefined makes no sense',
    'Service default/web: port 82/undefined makes no sense',
    'Service default/web: port 81/constructor makes no sense',
  ])
})

t.test('a slice knows its Service', async (t) => {
  t.same(serviceOfSlice(makeSlice([])), ['default/web'])
  const orphan = makeSlice([])
  t.same(serviceOfSlice({ ...orphan, metadata: { ...orphan.metadata, labels: {} } }), [])
})
