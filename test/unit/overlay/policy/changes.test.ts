/** Any sequence of changes ends where a fresh start would, and the chains mean what the policies say. */
import t from 'tap'
import type { NetworkPolicy } from '../../../../src/api/types/index.ts'
import { parseSave } from '../../../../src/host/netfilter/tables.ts'
import { type Connection, evaluate } from '../../../../src/overlay/policy/evaluate.ts'
import { readPolicy } from '../../../../src/overlay/policy/model.ts'
import { createPolicyCluster } from '../../../support/policy-changes.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import { caseNamespace, casePod, casePods, createPolicyKernel } from './support.ts'

const ingressPolicy = (spec: NetworkPolicy['spec']): NetworkPolicy => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'a', namespace: 'x' }, spec },
})
const allowY = ingressPolicy({
  podSelector: {},
  ingress: [{ from: [{ namespaceSelector: { matchLabels: { ns: 'y' } } }] }],
})
const ingressOf = (at: string) => ingressPolicy({ podSelector: { matchLabels: { at } }, policyTypes: ['Ingress'] })

for (const family of ['IPv4', 'IPv6'] as const)
  for (let seed = seedOr(1), last = seed + rounds(4, 60); seed < last; seed++)
    t.test(`${family}, seed ${seed}`, async (t) => {
      const random = createSeededRandom(seed)
      const { chains, kernel, netfilter, passes } = createPolicyKernel(family)
      const { pods, namespaces, policies, change } = createPolicyCluster(random)
      await kernel.repair(chains.all())

      const at = family === 'IPv4' ? 0 : 1
      /** The local ends of a connection that forbid it, by key; undefined for those of which an end is gone. */
      const forbidding = (fromKey: string, toKey: string, flow: Pick<Connection, 'protocol' | 'port'>) => {
        const [from, to] = [pods.get(fromKey), pods.get(toKey)]
        if (!from || !to) return undefined
        const [source = '', destination = ''] = [from.addresses[at], to.addresses[at]]
        const verdicts = evaluate(
          { ...flow, from: { address: source, pod: from }, to: { address: destination, pod: to } },
          { pods, namespaces, policies: [...policies.values()] },
        )
        return verdicts
          .filter(({ isAllowed, direction }) => !isAllowed && (direction === 'egress' ? from : to).node === 'here')
          .map(({ direction }) => (direction === 'egress' ? fromKey : toKey))
      }
      const somePairs = () => {
        const keys = [...pods.keys()]
        return Array.from({ length: keys.length > 1 ? 150 : 0 }, () => ({
          from: keys[random.below(keys.length)] ?? '',
          to: keys[random.below(keys.length)] ?? '',
          flow: {
            protocol: random.pick(['TCP', 'UDP', 'SCTP', undefined] as const),
            port: random.pick([80, 8080, 8500, 22]),
          },
        })).filter(({ from, to }) => from !== to)
      }

      for (let round = 0; round < 25; round++) {
        const allowed = somePairs().filter(({ from, to, flow }) => forbidding(from, to, flow)?.length === 0)
        for (let step = 0; step < 8; step++) change(chains)
        await kernel.advance(chains.takeChange())
        const narrowed = chains.takeNarrowed()
        for (const { from, to, flow } of allowed)
          for (const key of forbidding(from, to, flow) ?? [])
            if (!narrowed.has(key)) t.fail(`${from} to ${to} ended by ${key}: nobody was told`)
        chains.takeChange()
        t.equal(chains.takeNarrowed().size, 0, 'nothing has changed')

        const fresh = createPolicyKernel(family)
        for (const [key, pod] of pods) fresh.chains.setPod(key, pod)
        for (const [key, labels] of namespaces) fresh.chains.setNamespace(key, labels)
        for (const [key, policy] of policies) fresh.chains.setPolicy(key, policy)
        await fresh.kernel.repair(fresh.chains.all())
        const sorted = (text: string) => [...parseSave(text)].sort(([a], [b]) => (a < b ? -1 : 1))
        t.same(sorted(netfilter.dump('mangle')), sorted(fresh.netfilter.dump('mangle')), `round ${round}`)

        const all = [...pods.values()]
        for (let attempt = 0; attempt < 40 && all.length > 1; attempt++) {
          const from = all[random.below(all.length)]
          const to = all[random.below(all.length)]
          if (!from || !to || from === to) continue
          const flow = {
            protocol: random.pick(['TCP', 'UDP', 'SCTP'] as const),
            port: random.pick([80, 8080, 8500, 22]),
          }
          const [source = '', destination = ''] = [from.addresses[at], to.addresses[at]]
          const verdicts = evaluate(
            { ...flow, from: { address: source, pod: from }, to: { address: destination, pod: to } },
            { pods, namespaces, policies: [...policies.values()] },
          )
          const ours = verdicts.filter(({ direction }) => (direction === 'egress' ? from : to).node === 'here')
          const wanted = ours.every(({ isAllowed }) => isAllowed)
          if (passes({ ...flow, from: source, to: destination }) !== wanted)
            t.fail(`${source} to ${destination} ${flow.protocol} ${flow.port}: wanted ${wanted}`)
        }
      }
    })

t.test('one more peer takes nothing from anybody; one less does', async (t) => {
  const { chains } = createPolicyKernel()
  for (const name of ['x', 'y']) chains.setNamespace(name, caseNamespace(name))
  for (const [key, pod] of casePods) chains.setPod(key, pod)
  chains.setPolicy('x/a', readPolicy(allowY))
  chains.takeChange()
  t.same([...chains.takeNarrowed()].sort(), ['x/a', 'x/b', 'x/c'], 'pods that it selects, on this node')
  const more = { ...casePod('y/a'), uid: 'more', addresses: ['10.244.1.77'] }
  for (const [pod, wanted] of [
    [more, []],
    [undefined, ['x/a', 'x/b', 'x/c']],
  ] as const) {
    chains.setPod('y/more', pod)
    chains.takeChange()
    t.same([...chains.takeNarrowed()].sort(), wanted)
  }
  chains.setPolicy('x/a', undefined)
  chains.takeChange()
  t.same([...chains.takeNarrowed()], [], 'what is free needs no look')
})

t.test(
  'nothing is taken up in its middle, either way, by pods that a policy applies to; others pay nothing',
  async (t) => {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const { chains } = createPolicyKernel(family)
      const addresses = { IPv4: ['10.244.1.2', '10.244.1.3'], IPv6: ['fd00:1::2', 'fd00:1::3'] }[family]
      for (const [at, address] of addresses.entries())
        chains.setPod(`x/${at}`, { ...casePod('x/a'), labels: { at: `${at}` }, addresses: [address] })
      chains.setPolicy('x/a', readPolicy(ingressOf('0')))
      chains.takeChange()
      const all = new Map(chains.all().mangle.map(({ name, rules }) => [name as string, rules as readonly string[]]))
      const refuses = '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW'
      for (const [root, end] of [
        ['PODWAY-NP-EGRESS', undefined],
        ['PODWAY-NP-INGRESS', 'DROP'],
      ] as const) {
        const rules = all.get(root) ?? []
        t.equal(rules.length, 1, `${root} leads one pod on`)
        const group = all.get(rules[0]?.split(' ').at(-1) ?? '') ?? []
        t.ok(group[0]?.startsWith(refuses) && group[0].endsWith('-j DROP'))
        t.equal(group.length, end ? 2 : 1)
      }
    }
  },
)

t.test('a policy that cannot be read isolates the pods of its namespace', async (t) => {
  const metadata = { name: 'broken', namespace: 'x' }
  const spec = JSON.parse('{"podSelector":{"matchExpressions":[null]}}')
  const policy: NetworkPolicy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec }
  const read = readPolicy(policy)
  t.same([read.key, read.selects({ any: 'label' }), read.ingress, read.egress], ['x/broken', true, [], []])
  t.match(read.problems, [/cannot be read .*: all pods of namespace x are isolated/])
})
