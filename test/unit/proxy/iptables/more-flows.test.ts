/** Flows beside the matrix: options, affinity, hairpin, many endpoints, many Services. */

import t from 'tap'
import { type TracedPacket, tracePacket } from '../../../../src/host/netfilter/trace.ts'
import { parseMaskedCidr } from '../../../../src/ip/cidr.ts'
import { type EndpointDraft, makeService, makeSlice, type ServiceDraft } from '../support/objects.ts'
import { type Context, loadRules, makeContext, tracedTables } from '../support/rules.ts'

const host = { addresses: ['192.0.2.1', '198.51.100.77'] }
const here: EndpointDraft = { address: '10.1.0.2', node: 'here' }
const away: EndpointDraft = { address: '10.1.9.2', node: 'away' }

const range = (text: string) => [parseMaskedCidr(text, 'IPv4')].filter((found) => found !== undefined)

interface Setting {
  readonly service?: ServiceDraft
  readonly endpoints?: readonly EndpointDraft[]
  readonly context?: Partial<Context>
}

const land = async ({ service = {}, endpoints = [here], context = {} }: Setting, packet: TracedPacket) => {
  const objects = { service: makeService(service), slices: [makeSlice(endpoints)] }
  const tables = tracedTables(await loadRules([objects], makeContext(context)))
  return tracePacket(tables, packet, host).map(
    ({ verdict, to, port, masqueraded }) => `${verdict} ${to}:${port}${masqueraded ? '*' : ''}`,
  )
}

const zone1 = { forZones: ['z1'] }
const zone2 = { forZones: ['z2'] }
const inZone1: Partial<Context> = { zone: 'z1' }

const nodePort = { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] } as const
const fromPod = { from: '10.1.0.7', to: '10.96.0.10', port: 80 }
const fromOutside = { from: '203.0.113.9', to: '192.0.2.1', port: 30080 }
const loadBalancer = { type: 'LoadBalancer', ingress: [{ ip: '203.0.113.6' }] } as const
const narrow = { ...loadBalancer, loadBalancerSourceRanges: ['198.51.100.0/24', ' 10.1.0.0/24'] }

const cases: readonly (Setting & { name: string; packet: TracedPacket; lands: readonly string[] })[] = [
  {
    name: 'another port of the address is none of ours',
    packet: { ...fromPod, port: 81 },
    lands: ['accept 10.96.0.10:81'],
  },
  {
    name: 'another protocol is none of ours',
    packet: { ...fromPod, protocol: 'udp' },
    lands: ['accept 10.96.0.10:80'],
  },
  {
    name: 'a pod that reaches itself is masqueraded',
    packet: { ...fromPod, from: '10.1.0.2' },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'a pod that reaches itself or another is masqueraded only towards itself',
    endpoints: [here, away],
    packet: { ...fromPod, from: '10.1.0.2' },
    lands: ['accept 10.1.0.2:8080*', 'accept 10.1.9.2:8080'],
  },
  {
    name: 'hairpin by address when nobody said which node the endpoint is on',
    endpoints: [{ address: '10.1.0.2' }],
    packet: { ...fromPod, from: '10.1.0.2' },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'a pod that reaches itself by node port under policy Local',
    service: { ...nodePort, externalTrafficPolicy: 'Local' },
    packet: { ...fromOutside, from: '10.1.0.2' },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'nothing is foreign when the pod range is unknown',
    context: { podRanges: [] },
    packet: { ...fromPod, from: '203.0.113.9' },
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'several pod ranges',
    context: { podRanges: [...range('10.1.0.0/24'), ...range('10.7.0.0/16')] },
    packet: { ...fromPod, from: '10.7.1.1' },
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'masqueradeAll',
    context: { masqueradeAll: true, podRanges: [] },
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'another mark',
    context: { masqueradeMark: 0x100 },
    packet: { ...fromPod, from: '203.0.113.9' },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'internal policy Local does not touch the node port',
    service: { ...nodePort, internalTrafficPolicy: 'Local' },
    endpoints: [away],
    packet: fromOutside,
    lands: ['accept 10.1.9.2:8080*'],
  },
  {
    name: 'internal policy Local drops although the node port has endpoints',
    service: { ...nodePort, internalTrafficPolicy: 'Local' },
    endpoints: [away],
    packet: fromPod,
    lands: ['drop 10.96.0.10:80'],
  },
  {
    name: 'external policy Local does not touch the cluster address',
    service: { ...nodePort, externalTrafficPolicy: 'Local' },
    endpoints: [away],
    packet: fromPod,
    lands: ['accept 10.1.9.2:8080'],
  },
  {
    name: 'an outsider keeps its address under external policy Local with internal policy Local',
    service: { ...nodePort, externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
    packet: fromOutside,
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'affinity: the one from before, or any',
    service: { sessionAffinity: 'ClientIP' },
    endpoints: [here, away],
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080', 'accept 10.1.9.2:8080'],
  },
  {
    name: 'affinity through a node port under policy Local stays on this node',
    service: { ...nodePort, sessionAffinity: 'ClientIP', externalTrafficPolicy: 'Local' },
    endpoints: [here, away],
    packet: fromOutside,
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'a node port is not one at an address of others',
    service: nodePort,
    packet: { ...fromOutside, to: '192.0.2.9' },
    lands: ['accept 192.0.2.9:30080'],
  },
  {
    name: 'a node port at every address of the node',
    service: nodePort,
    packet: { ...fromOutside, to: '198.51.100.77' },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'a node port at chosen addresses only',
    service: nodePort,
    context: { nodePortRanges: range('198.51.100.0/24') },
    packet: fromOutside,
    lands: ['accept 192.0.2.1:30080'],
  },
  {
    name: 'a node port at a chosen address',
    service: nodePort,
    context: { nodePortRanges: range('198.51.100.0/24') },
    packet: { ...fromOutside, to: '198.51.100.77' },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'a node port without endpoints is refused at the chosen address',
    service: nodePort,
    endpoints: [],
    context: { nodePortRanges: range('198.51.100.0/24') },
    packet: { ...fromOutside, to: '198.51.100.77' },
    lands: ['reject 198.51.100.77:30080'],
  },
  {
    name: 'no node port at loopback by default',
    service: nodePort,
    packet: { from: '127.0.0.1', to: '127.0.0.1', port: 30080, origin: 'process' },
    lands: ['accept 127.0.0.1:30080'],
  },
  {
    name: 'a node port at loopback when asked for',
    service: nodePort,
    context: { localhostNodePorts: true },
    packet: { from: '127.0.0.1', to: '127.0.0.1', port: 30080, origin: 'process' },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'then outsiders are kept from loopback',
    context: { localhostNodePorts: true },
    packet: { from: '203.0.113.9', to: '127.0.0.1', port: 22 },
    lands: ['drop 127.0.0.1:22'],
  },
  {
    name: 'an external address that is the node leaves other node ports reachable',
    service: { ...nodePort, externalIPs: ['192.0.2.1'] },
    packet: fromOutside,
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'a load balancer address for a source it allows',
    service: narrow,
    packet: { from: '198.51.100.3', to: '203.0.113.6', port: 80 },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'a load balancer address for any other source',
    service: narrow,
    packet: { from: '203.0.113.9', to: '203.0.113.6', port: 80 },
    lands: ['drop 203.0.113.6:80'],
  },
  {
    name: 'without endpoints only allowed sources get an answer',
    service: narrow,
    endpoints: [],
    packet: { from: '198.51.100.3', to: '203.0.113.6', port: 80 },
    lands: ['reject 203.0.113.6:80'],
  },
  {
    name: 'without endpoints other sources still get none',
    service: narrow,
    endpoints: [],
    packet: { from: '203.0.113.9', to: '203.0.113.6', port: 80 },
    lands: ['drop 203.0.113.6:80'],
  },
  {
    name: 'source ranges of the other family admit nobody of this one',
    service: { ...loadBalancer, loadBalancerSourceRanges: ['2001:db8::/32'] },
    packet: { from: '203.0.113.9', to: '203.0.113.6', port: 80 },
    lands: ['drop 203.0.113.6:80'],
  },
  {
    name: 'source ranges do not bind the cluster address',
    service: narrow,
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'a range that is everything',
    service: { ...loadBalancer, loadBalancerSourceRanges: ['0.0.0.0/0'] },
    packet: { from: '203.0.113.9', to: '203.0.113.6', port: 80 },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'a load balancer that translates itself (ipMode Proxy) gets no rule',
    service: { ...loadBalancer, ingress: [{ ip: '203.0.113.6', ipMode: 'Proxy' }] },
    packet: { from: '203.0.113.9', to: '203.0.113.6', port: 80 },
    lands: ['accept 203.0.113.6:80'],
  },
  {
    name: 'chance instead of turns, by annotation',
    service: { annotations: { 'podway.dev/load-balancing': 'random' } },
    endpoints: [here, away],
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080', 'accept 10.1.9.2:8080'],
  },
  {
    name: 'a zone keeps its traffic',
    context: inZone1,
    endpoints: [
      { ...here, ...zone2 },
      { ...away, ...zone1 },
    ],
    packet: fromPod,
    lands: ['accept 10.1.9.2:8080'],
  },
  {
    name: 'a zone without endpoints uses all',
    context: { zone: 'z3' },
    endpoints: [
      { ...here, ...zone2 },
      { ...away, ...zone1 },
    ],
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080', 'accept 10.1.9.2:8080'],
  },
  {
    name: 'hints do not count while one endpoint has none',
    context: inZone1,
    endpoints: [here, { ...away, ...zone1 }],
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080', 'accept 10.1.9.2:8080'],
  },
  {
    name: 'hints of an endpoint that is not ready do not count',
    context: inZone1,
    endpoints: [{ ...here, ready: false, serving: true, terminating: true, ...zone1 }, away],
    packet: fromPod,
    lands: ['accept 10.1.9.2:8080'],
  },
  {
    name: 'a node of no zone heeds none',
    endpoints: [
      { ...here, ...zone2 },
      { ...away, ...zone1 },
    ],
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080', 'accept 10.1.9.2:8080'],
  },
  {
    name: 'the node comes before its zone',
    context: inZone1,
    endpoints: [
      { ...here, ...zone1, forNodes: ['here'] },
      { ...away, ...zone1, forNodes: ['away'] },
    ],
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'a node without endpoints of its own uses those of its zone',
    context: inZone1,
    endpoints: [
      { address: '10.1.9.3', node: 'third', ...zone2, forNodes: ['third'] },
      { ...away, ...zone1, forNodes: ['away'] },
    ],
    packet: fromPod,
    lands: ['accept 10.1.9.2:8080'],
  },
  {
    name: 'policy Local knows no zones',
    service: { internalTrafficPolicy: 'Local' },
    context: inZone1,
    endpoints: [
      { ...here, ...zone2 },
      { ...away, ...zone1 },
    ],
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'a Service for the proxy of this name',
    service: { labels: { 'service.kubernetes.io/service-proxy-name': 'edge' } },
    context: { proxyName: 'edge' },
    packet: fromPod,
    lands: ['accept 10.1.0.2:8080'],
  },
  {
    name: 'a proxy with a name leaves the other Services alone',
    context: { proxyName: 'edge' },
    packet: fromPod,
    lands: ['accept 10.96.0.10:80'],
  },
  {
    name: 'where the node may come in, it may do so as the load balancer address, too',
    service: narrow,
    context: { nodeAddress: '198.51.100.77' },
    packet: { from: '203.0.113.6', to: '203.0.113.6', port: 80 },
    lands: ['accept 10.1.0.2:8080*'],
  },
  {
    name: 'where the node may not, neither may that address',
    service: narrow,
    context: { nodeAddress: '192.0.2.1' },
    packet: { from: '203.0.113.6', to: '203.0.113.6', port: 80 },
    lands: ['drop 203.0.113.6:80'],
  },
  {
    name: 'source ranges in the old annotation',
    service: {
      ...loadBalancer,
      annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '198.51.100.0/24,10.0.0.0/8' },
    },
    packet: { from: '203.0.113.9', to: '203.0.113.6', port: 80 },
    lands: ['drop 203.0.113.6:80'],
  },
]

for (const { name, packet, lands, ...setting } of cases)
  t.test(name, async (t) => t.same(await land(setting, packet), lands))

t.test('UDP and TCP on the same port are two service ports', async (t) => {
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP' as const },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' as const },
  ]
  const slice = makeSlice([here], {
    ports: [
      { name: 'dns', port: 5353, protocol: 'UDP' },
      { name: 'dns-tcp', port: 5354, protocol: 'TCP' },
    ],
  })
  const tables = tracedTables(await loadRules([{ service: makeService({ ports }), slices: [slice] }]))
  for (const [protocol, port] of [
    ['udp', 5353],
    ['tcp', 5354],
  ] as const)
    t.match(tracePacket(tables, { ...fromPod, port: 53, protocol }, host), [{ to: '10.1.0.2', port }])
})

const manyEndpoints = (count: number): EndpointDraft[] =>
  Array.from({ length: count }, (_, at) => ({ address: `10.1.9.${at}`, node: 'away' }))

t.test('200 endpoints are not 200 rules', async (t) => {
  const objects = { service: makeService(), slices: [makeSlice(manyEndpoints(200))] }
  const landings = tracePacket(tracedTables(await loadRules([objects])), fromPod, host)
  t.equal(landings.length, 200)
  t.ok(Math.max(...landings.map(({ rules }) => rules)) < 50)
})
