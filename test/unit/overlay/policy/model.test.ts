/** NetworkPolicies as they are read. */
import t from 'tap'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../../../src/api/types/index.ts'
import { type PolicyPeer, type PolicyPort, readPolicy } from '../../../../src/overlay/policy/model.ts'

const read = (spec: unknown, metadata: NetworkPolicy['metadata'] = { name: 'p', namespace: 'team' }) =>
  readPolicy({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata },
    spec: spec as NetworkPolicy['spec'],
  })
const ruleOf = (rule: {
  readonly ports?: readonly NetworkPolicyPort[]
  readonly from?: readonly NetworkPolicyPeer[]
}) => {
  const { ingress, problems } = read({ podSelector: {}, ingress: [rule] })
  return { ports: ingress?.[0]?.ports, peers: ingress?.[0]?.peers, problems }
}
const portOf = (port: NetworkPolicyPort): PolicyPort | string => {
  const { ports, problems } = ruleOf({ ports: [port] })
  return ports?.[0] ?? problems.join()
}

t.test('the directions that it speaks of', async (t) => {
  const directions = (spec: unknown) => {
    const { ingress, egress } = read(spec)
    return [ingress?.length, egress?.length]
  }
  t.same(directions({ podSelector: {} }), [0, undefined])
  t.same(directions({ podSelector: {}, egress: [] }), [0, undefined])
  t.same(directions({ podSelector: {}, egress: [{}] }), [0, 1])
  t.same(directions({ podSelector: {}, ingress: [{}, {}], egress: [{}] }), [2, 1])
  t.same(directions({ podSelector: {}, policyTypes: [], ingress: [{}] }), [1, undefined], 'as if it were missing')
  t.same(directions({ podSelector: {}, policyTypes: ['Egress'], ingress: [{}] }), [undefined, 0])
  t.same(directions({ podSelector: {}, policyTypes: ['Ingress'], egress: [{}] }), [0, undefined])
  t.same(directions({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] }), [0, 0])
  t.same(directions(undefined), [0, undefined])
})

t.test('the pods that it is for', async (t) => {
  const { key, namespace, selects } = read({ podSelector: { matchLabels: { app: 'web' } } })
  t.same([key, namespace], ['team/p', 'team'])
  t.same([selects({ app: 'web' }), selects({ app: 'db' }), selects(undefined)], [true, false, false])
  t.equal(read({}).selects({ any: 'label' }), true)
  t.same(read({}, { name: 'p' }).key, '/p')
})

t.test('ports', async (t) => {
  t.same(portOf({}), { protocol: 'TCP', from: 0, to: 65_535 })
  t.same(portOf({ protocol: 'SCTP' }), { protocol: 'SCTP', from: 0, to: 65_535 })
  t.same(portOf({ port: 80 }), { protocol: 'TCP', from: 80, to: 80 })
  t.same(portOf({ protocol: 'UDP', port: 1, endPort: 65_535 }), { protocol: 'UDP', from: 1, to: 65_535 })
  t.same(portOf({ port: 80, endPort: 80 }), { protocol: 'TCP', from: 80, to: 80 })
  t.same(portOf({ protocol: 'UDP', port: 'dns' }), { protocol: 'UDP', name: 'dns' })
  t.equal(portOf({ protocol: 'ICMP' as 'TCP', port: 80 }), 'unknown protocol "ICMP"')
  for (const [port, endPort] of [
    [0, 0],
    [-1, 80],
    [80, 79],
    [80, 65_536],
    [80.5, 90],
    [80, 90.5],
  ] as const)
    t.equal(portOf({ port, endPort }), `there are no ports ${port} to ${endPort}`)
})

t.test('without ports or peers all are meant; with none that can be read, none', async (t) => {
  t.same(ruleOf({}), { ports: undefined, peers: undefined, problems: [] })
  t.same(ruleOf({ ports: [], from: [] }), { ports: undefined, peers: undefined, problems: [] })
  t.same(ruleOf({ ports: [{ port: 0 }], from: [{ ipBlock: { cidr: 'here' } }] }), {
    ...{ ports: [], peers: [] },
    problems: ['there are no ports 0 to 0', 'the block here cannot be read'],
  })
  t.match(ruleOf({ ports: [{ port: 0 }, { port: 80 }], from: [{ ipBlock: { cidr: 'here' } }, { podSelector: {} }] }), {
    ports: [{ from: 80 }],
    peers: [{ kind: 'pods' }],
  })
})

t.test('blocks', async (t) => {
  const blockOf = (cidr: string, except?: readonly string[]) => {
    const { peers, problems } = ruleOf({ from: [{ ipBlock: { cidr, ...(except ? { except } : {}) } }] })
    const [peer] = peers ?? []
    return peer?.kind === 'block'
      ? [peer.family, peer.cidr.text, ...peer.except.map(({ text }) => text)]
      : problems.join()
  }
  t.same(blockOf('10.1.2.3/8'), ['IPv4', '10.0.0.0/8'])
  t.same(blockOf('FD00::1/16', ['fd00:1::/32']), ['IPv6', 'fd00::/16', 'fd00:1::/32'])
  t.same(blockOf('0.0.0.0/0', ['10.0.0.0/8', '192.168.0.0/16']), ['IPv4', '0.0.0.0/0', '10.0.0.0/8', '192.168.0.0/16'])
  t.equal(blockOf('10.0.0.0/33'), 'the block 10.0.0.0/33 cannot be read')
  t.equal(blockOf('10.0.0.0/8', ['fd00::/16']), 'the block 10.0.0.0/8 except fd00::/16 cannot be read')
  t.equal(
    blockOf('10.0.0.0/8', ['x', '10.1.0.0/16']),
    'the block 10.0.0.0/8 except x except 10.1.0.0/16 cannot be read',
  )
})

t.test('pods: of its own namespace, of those that are selected, of both', async (t) => {
  const podsOf = (peer: NetworkPolicyPeer) => {
    const [found] = ruleOf({ from: [peer] }).peers ?? []
    if (found?.kind !== 'pods') throw new Error('no pods')
    return found
  }
  const web = { matchLabels: { app: 'web' } }
  const blue = { matchLabels: { color: 'blue' } }
  const own = podsOf({ podSelector: web })
  t.same([own.namespace, own.matches({ app: 'web' }), own.matches({})], ['team', true, false])
  const all = podsOf({ namespaceSelector: blue })
  t.same([all.namespace, all.matches({})], [undefined, true])
  t.same([all.inNamespace({ color: 'blue' }), all.inNamespace({}), all.inNamespace(undefined)], [true, false, false])
  const both = podsOf({ namespaceSelector: blue, podSelector: web })
  t.same([both.namespace, both.matches({}), both.inNamespace({})], [undefined, false, false])

  const ids = (...peers: readonly NetworkPolicyPeer[]) => new Set(peers.map((peer) => podsOf(peer).id)).size
  t.equal(ids({ podSelector: web }, { namespaceSelector: web }, { podSelector: {} }, { namespaceSelector: {} }), 4)
  t.equal(ids({ podSelector: web, namespaceSelector: blue }, { podSelector: blue, namespaceSelector: web }), 2)
  t.equal(
    ids(
      { podSelector: { matchLabels: { a: '1', b: '2' } } },
      { podSelector: { matchLabels: { b: '2', a: '1' }, matchExpressions: [] } },
    ),
    1,
    'however it is written',
  )
  const asks = (operator: 'In' | 'NotIn' | 'Exists', ...values: string[]) => ({
    podSelector: { matchExpressions: [{ key: 'a', operator, ...(values.length > 0 ? { values } : {}) }] },
  })
  t.equal(ids(asks('In', '1'), asks('NotIn', '1'), asks('In', '2'), asks('In', '1', '2'), asks('Exists')), 5)
  const other = (namespace: string) =>
    read({ ingress: [{ from: [{ podSelector: web }] }] }, { name: 'p', namespace }).ingress?.[0]?.peers?.[0]
  const idOf = (peer: PolicyPeer | undefined) => (peer?.kind === 'pods' ? peer.id : undefined)
  t.not(idOf(other('team')), idOf(other('rest')), 'pods of another namespace are others')
})

t.test('a peer that names nothing is nobody', async (t) => {
  t.same(ruleOf({ from: [{}] }), { ports: undefined, peers: [], problems: ['a peer names neither pods nor a block'] })
})

t.test('what cannot be read at all isolates, in both directions', async (t) => {
  const broken = read({ podSelector: { matchExpressions: [null] } }, { name: 'p' })
  t.same([broken.key, broken.namespace, broken.selects({}), broken.ingress, broken.egress], ['/p', '', true, [], []])
  t.equal(read({ podSelector: {}, ingress: [{ from: 'all' }] }).egress?.length, 0)
})
