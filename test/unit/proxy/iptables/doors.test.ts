/** The ways to a service port, and who is turned away there. */
import t from 'tap'
import { chainName } from '../../../../src/host/netfilter/rule.ts'
import type { IpFamily } from '../../../../src/ip/address.ts'
import { admission, doorsOf, refusal, type Shut } from '../../../../src/proxy/iptables/doors.ts'
import { modelService } from '../../../../src/proxy/iptables/model.ts'
import { makeService, type ServiceDraft } from '../support/objects.ts'
import { type Context, makeContext } from '../support/rules.ts'

const viewOf = (draft: ServiceDraft, context: Partial<Context> = {}) => {
  const [view] = modelService(makeService(draft), [], makeContext(context)).ports
  if (!view) throw new Error('no port')
  return view
}
const everyWay: ServiceDraft = {
  ...{ type: 'LoadBalancer', externalIPs: ['203.0.113.5'], ingress: [{ ip: '203.0.113.6' }, { ip: '203.0.113.7' }] },
  ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
}
const port80 = '-p tcp -m tcp --dport 80'

t.test('cluster address, external addresses, those of load balancers, node port', async (t) => {
  t.same(
    doorsOf(viewOf(everyWay)).map(({ kind, key, match, sources }) => [kind, key, match, sources]),
    [
      ['cluster', '0a60000a', `-d 10.96.0.10/32 ${port80}`, undefined],
      ['external', 'cb007105', `-d 203.0.113.5/32 ${port80}`, undefined],
      ['loadBalancer', 'cb007106', `-d 203.0.113.6/32 ${port80}`, undefined],
      ['loadBalancer', 'cb007107', `-d 203.0.113.7/32 ${port80}`, undefined],
      ['nodePort', 't7580', '-p tcp -m tcp --dport 30080', undefined],
    ],
  )
  t.same(
    doorsOf(viewOf({})).map(({ kind }) => kind),
    ['cluster'],
  )
})

const sourcesBy = (draft: ServiceDraft, context: Partial<Context> = {}) =>
  doorsOf(viewOf({ ...everyWay, ...draft }, context)).map(
    ({ kind, sources }) => `${kind} ${sources?.map(({ text }) => text) ?? 'everybody'}`,
  )

t.test('source ranges bind load balancers alone; a node that they hold may come by the address itself', async (t) => {
  const ranges = ['10.0.0.0/8', '192.0.2.0/24']
  t.same(sourcesBy({ loadBalancerSourceRanges: ranges }), [
    ...['cluster everybody', 'external everybody'],
    ...['loadBalancer 10.0.0.0/8,192.0.2.0/24', 'loadBalancer 10.0.0.0/8,192.0.2.0/24', 'nodePort everybody'],
  ])
  t.same(sourcesBy({ loadBalancerSourceRanges: ranges }, { nodeAddress: '192.0.2.1' }).slice(2, 4), [
    'loadBalancer 10.0.0.0/8,192.0.2.0/24,203.0.113.6/32',
    'loadBalancer 10.0.0.0/8,192.0.2.0/24,203.0.113.7/32',
  ])
  t.same(sourcesBy({}, { nodeAddress: '192.0.2.1' })[2], 'loadBalancer everybody')
  t.same(sourcesBy({ loadBalancerSourceRanges: ['2001:db8::/32'] })[2], 'loadBalancer ', 'nobody of this family')
})

t.test('who may come in does so by one rule for each range', async (t) => {
  const view = viewOf({ ...everyWay, loadBalancerSourceRanges: ['10.0.0.0/8', '192.0.2.0/24'] })
  const admitted = doorsOf(view).map((door) => admission(view, door, chainName('TO')))
  const to = '-m comment --comment "default/web:http/tcp" -j TO'
  t.same(
    admitted.map(({ tree, item }) => [tree, item.id, item.rules]),
    [
      ['services', 'default/web:http/tcp cluster', [`-d 10.96.0.10/32 ${port80} ${to}`]],
      ['services', 'default/web:http/tcp external', [`-d 203.0.113.5/32 ${port80} ${to}`]],
      ...['203.0.113.6/32', '203.0.113.7/32'].map((address) => [
        ...['services', 'default/web:http/tcp loadBalancer'],
        [`-s 10.0.0.0/8 -d ${address} ${port80} ${to}`, `-s 192.0.2.0/24 -d ${address} ${port80} ${to}`],
      ]),
      ['nodePorts', 'default/web:http/tcp nodePort', [`-p tcp -m tcp --dport 30080 ${to}`]],
    ],
  )
})

t.test('who is turned away: refused where nobody serves, dropped where others do or the source is none', async (t) => {
  const rulesOf = (draft: ServiceDraft, at: number, shut: Shut | undefined, family: IpFamily = 'IPv4') => {
    const view = viewOf(draft)
    const door = doorsOf(view)[at]
    if (!door) throw new Error('no door')
    const entry = refusal(view, door, shut, family)
    return entry && [entry.tree, ...entry.item.rules.map((rule) => rule.replace(/^.*? -m comment --comment /, ''))]
  }
  const none = '"default/web:http/tcp has no endpoints"'
  t.equal(rulesOf(everyWay, 0, undefined), undefined)
  t.same(rulesOf(everyWay, 0, 'no endpoints'), ['refuse', `${none} -j REJECT --reject-with tcp-reset`])
  t.same(rulesOf(everyWay, 4, 'no endpoints'), ['refuseNodePorts', `${none} -j REJECT --reject-with tcp-reset`])
  t.same(rulesOf(everyWay, 0, 'no local endpoints'), [
    'refuse',
    '"default/web:http/tcp has no local endpoints" -j DROP',
  ])
  const narrow = { ...everyWay, loadBalancerSourceRanges: ['10.0.0.0/8'] }
  const strangers = '"default/web:http/tcp is not for this source" -j DROP'
  t.same(rulesOf(narrow, 2, undefined), ['refuse', strangers])
  t.same(rulesOf(narrow, 2, 'no endpoints'), ['refuse', `${none} -j REJECT --reject-with tcp-reset`, strangers])
  const udp: ServiceDraft = { ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] }
  for (const [family, answer] of [
    ['IPv4', 'icmp-port-unreachable'],
    ['IPv6', 'icmp6-port-unreachable'],
  ] as const)
    t.same(rulesOf(udp, 0, 'no endpoints', family), [
      'refuse',
      `"default/web:dns/udp has no endpoints" -j REJECT --reject-with ${answer}`,
    ])
})
