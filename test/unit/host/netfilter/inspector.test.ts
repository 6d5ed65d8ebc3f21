import t from 'tap'
import { createFakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import { createInspector } from '../../../../src/host/netfilter/inspector.ts'
import type { Netfilter } from '../../../../src/host/netfilter/netfilter.ts'
import type { Jump } from '../../../../src/host/netfilter/owned.ts'
import { chainName, type Rule, rule, type SavedRule } from '../../../../src/host/netfilter/rule.ts'
import { createRuleKeeper } from '../../../../src/host/netfilter/rule-keeper.ts'
import type { SavedChain } from '../../../../src/host/netfilter/tables.ts'

const name = chainName('PODWAY-A')
const first = rule`-p ipv6-icmp -j RETURN`
const second = rule`-d fd00::/64 -j ACCEPT`
const jump: Jump = { table: 'filter', from: 'FORWARD', rule: rule`-j PODWAY-A`, at: 'last' }
const expected = [{ table: 'filter' as const, jumps: [jump], chains: [[name, [first, second]] as const] }]

const world = async (rules: readonly Rule[] = [first, second]) => {
  const netfilter = createFakeNetfilter('IPv6')
  const commands = [{ verb: '-A' as const, chain: chainName('FORWARD'), rule: jump.rule }]
  await netfilter.apply([{ table: 'filter', chains: [{ name, rules }], commands }])
  return netfilter
}

t.test('exactly these rules, in this order', async (t) => {
  const cases: readonly (readonly [why: string, rules: readonly Rule[], isExact: boolean])[] = [
    ['as they shall be', [first, second], true],
    ['one too many', [first, second, rule`-j ACCEPT`], false],
    ['one too few', [first], false],
    ['another order', [second, first], false],
    ['somebody else in its place', [first, rule`-j ACCEPT`], false],
    ['none', [], false],
  ]
  for (const [why, rules, isExact] of cases) {
    const netfilter = await world(rules)
    const writes = netfilter.applied
    t.equal(await createInspector(netfilter).isExact(expected), isExact, why)
    t.equal(netfilter.applied, writes, 'looking writes nothing')
  }
  t.equal(await createInspector(createFakeNetfilter('IPv6')).isExact(expected), false, 'no chain at all')
  const others = await world()
  await others.apply([{ table: 'filter', chains: [{ name: chainName('OTHER'), rules: [rule`-j PODWAY-A`] }] }])
  t.equal(await createInspector(others).isExact(expected), true, 'chains of others are theirs')
})

/** An iptables that prints some things in other words, and knows that they mean the same. */
const speaksOtherwise = (netfilter: Netfilter, counts: { checks: number }): Netfilter => ({
  ...netfilter,
  apply: (edits) => {
    if (edits.some(({ commands = [] }) => commands.some(({ verb }) => verb === '-C'))) counts.checks++
    return netfilter.apply(edits)
  },
  list: async (questions) =>
    (await netfilter.list(questions)).map(
      (chains) =>
        new Map(
          [...chains].map(([key, chain]): [string, SavedChain] => [
            key,
            { ...chain, rules: chain.rules.map((one) => one.replace('ipv6-icmp', 'icmpv6') as SavedRule) },
          ]),
        ),
    ),
})

t.test('other words for the same rule are asked about once', async (t) => {
  const counts = { checks: 0 }
  const netfilter = await world()
  const inspector = createInspector(speaksOtherwise(netfilter, counts))
  t.equal(await inspector.isExact(expected), true)
  t.equal(await inspector.isExact(expected), true)
  t.equal(counts.checks, 1)
  await netfilter.apply([{ table: 'filter', chains: [{ name, rules: [second, first] }] }])
  t.equal(await inspector.isExact(expected), false, 'another order is still another order')
  await netfilter.apply([{ table: 'filter', chains: [{ name, rules: [rule`-j DROP`, second] }] }])
  t.equal(await inspector.isExact(expected), false, 'and another rule another rule')
})

t.test('a keeper puts right what is missing and what is too much, and then leaves it alone', async (t) => {
  const tables = [{ table: 'filter' as const, chains: [{ name, rules: [first, second] }] }]
  const netfilter = await world([first, second, rule`-j ACCEPT`])
  const keeper = createRuleKeeper(netfilter, [jump])
  t.equal(await keeper.ensure(tables), true)
  t.equal(await keeper.ensure(tables), false)
  t.notMatch(netfilter.dump('filter'), /-A PODWAY-A -j ACCEPT/)
  t.equal(
    netfilter.dump('filter').match(/-A FORWARD -j PODWAY-A/g)?.length,
    1,
    'a jump that is there is not made again',
  )
  const fresh = createFakeNetfilter('IPv6')
  t.equal(await createRuleKeeper(fresh, [jump]).ensure(tables), true)
  t.match(fresh.dump('filter'), /-A FORWARD -j PODWAY-A\n(.*\n)*-A PODWAY-A -p ipv6-icmp/)
})
