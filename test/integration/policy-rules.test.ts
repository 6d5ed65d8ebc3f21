/** The kernel holds what was compiled, whatever changed before, in both rule stores and families. */
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { createKernelChains } from '../../src/host/netfilter/kernel-chains.ts'
import { createNetfilter } from '../../src/host/netfilter/netfilter.ts'
import { parseSave } from '../../src/host/netfilter/tables.ts'
import { cleanupPolicies, policyRoom } from '../../src/overlay/policy/enforcer.ts'
import { isPolicyChain } from '../../src/overlay/policy/names.ts'
import { createPolicyChains, policyJumps } from '../../src/overlay/policy/policy-chains.ts'
import { createPolicyCluster } from '../support/policy-changes.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const rounds = 12

for (const [family, backend] of [
  ['IPv4', 'nft'],
  ['IPv4', 'legacy'],
  ['IPv6', 'nft'],
  ['IPv6', 'legacy'],
] as const)
  t.test(`${family} in the ${backend} store`, async (t) => {
    const netfilter = createNetfilter(createCommandRunner(), family, backend)
    const chains = createPolicyChains({ family, nodeName: 'here', podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] })
    const kernel = createKernelChains(netfilter, policyJumps, policyRoom)
    const { change } = createPolicyCluster(createSeededRandom(7))
    await kernel.repair(chains.all())
    for (let round = 0; round < rounds; round++) {
      for (let step = 0; step < 10; step++) change(chains)
      await kernel.advance(chains.takeChange())
      const saved = [...parseSave(await netfilter.save('mangle')).values()].filter(({ name }) => isPolicyChain(name))
      const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
      const plain = saved.map(({ name, rules }) => ({ name, rules }))
      t.same(plain.sort(byName), [...chains.all().mangle].sort(byName), `round ${round}`)
      t.ok(await kernel.isIntact())
    }
    t.equal((await kernel.repair(chains.all())).restores, 0, 'nothing to repair')
    await cleanupPolicies(netfilter)
    t.notMatch(await netfilter.save('mangle'), /PODWAY/)
  })
