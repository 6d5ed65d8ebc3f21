/** Any sequence of changes ends where a fresh start would, and the chains mean what the policies say. */
import t from 'tap'
import type { NetworkPolicy } from '../../../../src/api/types/index.ts'
import { parseSave } from '../../../../src/host/netfilter/tables.ts'
import { evaluate } from '../../../../src/overlay/policy/evaluate.ts'
import { readPolicy } from '../../../../src/overlay/policy/model.ts'
import { createPolicyCluster } from '../../../support/policy-changes.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import { createPolicyKernel } from './support.ts'

for (const family of ['IPv4', 'IPv6'] as const)
  for (let seed = seedOr(1), last = seed + rounds(4, 60); seed < last; seed++)
    t.test(`${family}, seed ${seed}`, async (t) => {
      const random = createSeededRandom(seed)
      const { chains, kernel, netfilter, passes } = createPolicyKernel(family)
      const { pods, namespaces, policies, change } = createPolicyCluster(random)
      await kernel.repair(chains.all())

      for (let round = 0; round < 25; round++) {
        for (let step = 0; step < 8; step++) change(chains)
        await kernel.advance(chains.takeChange())

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
          const at = family === 'IPv4' ? 0 : 1
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

t.test('a policy that cannot be read isolates the pods of its namespace', async (t) => {
  const metadata = { name: 'broken', namespace: 'x' }
  const spec = JSON.parse('{"podSelector":{"matchExpressions":[null]}}')
  const policy: NetworkPolicy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec }
  const read = readPolicy(policy)
  t.same([read.key, read.selects({ any: 'label' }), read.ingress, read.egress], ['x/broken', true, [], []])
  t.match(read.problems, [/cannot be read .*: all pods of namespace x are isolated/])
})
