import t from 'tap'
import { createFakeNetfilter } from '../../../../src/host/netfilter/fake.ts'

t.test('-C fails when the rule is missing and does not count as a change', async (t) => {
  const netfilter = createFakeNetfilter()
  await netfilter.apply([{ table: 'nat', chains: [{ name: 'PODWAY-A', rules: ['-j RETURN'] }] }])
  await netfilter.apply([{ table: 'nat', chains: [], commands: ['-C PODWAY-A -j RETURN'] }])
  t.equal(netfilter.applied, 1)
  await t.rejects(netfilter.apply([{ table: 'nat', chains: [], commands: ['-C PODWAY-A -j DROP'] }]), {
    message: /Bad rule/,
  })
  await t.rejects(netfilter.apply([{ table: 'nat', chains: [], commands: ['-C PODWAY-B -j DROP'] }]), {
    message: /No chain/,
  })
})
