import t from 'tap'
import { createFakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import { chainName, rule } from '../../../../src/host/netfilter/rule.ts'

const [a, b] = [chainName('PODWAY-A'), chainName('PODWAY-B')]

t.test('-C fails when the rule is missing and does not count as a change', async (t) => {
  const netfilter = createFakeNetfilter()
  await netfilter.apply([{ table: 'nat', chains: [{ name: a, rules: [rule`-j RETURN`] }] }])
  await netfilter.apply([{ table: 'nat', chains: [], commands: [{ verb: '-C', chain: a, rule: rule`-j RETURN` }] }])
  t.equal(netfilter.applied, 1)
  await t.rejects(
    netfilter.apply([{ table: 'nat', chains: [], commands: [{ verb: '-C', chain: a, rule: rule`-j DROP` }] }]),
    {
      message: /Bad rule/,
    },
  )
  await t.rejects(
    netfilter.apply([{ table: 'nat', chains: [], commands: [{ verb: '-C', chain: b, rule: rule`-j DROP` }] }]),
    {
      message: /No chain/,
    },
  )
})
