import t from 'tap'
import type { Change } from '../../../../src/host/netfilter/restores.ts'
import { argument, chainName, rule } from '../../../../src/host/netfilter/rule.ts'
import type { Chain, Command } from '../../../../src/host/netfilter/tables.ts'
import { planRestores } from '../../../../src/proxy/iptables/plan.ts'

const toA = rule`-j A`
const drop = rule`-j DROP`
const refuse = chainName('R')

const nothing: Change<'nat' | 'filter'> = {
  written: { nat: [], filter: [] },
  gone: { nat: [], filter: [] },
  commands: { nat: [], filter: [] },
}
const chains = (count: number): Chain[] =>
  Array.from({ length: count }, (_, at) => ({ name: chainName(`C${at}`), rules: [toA] }))
const known = (nat: readonly Chain[] = [], filter: readonly Chain[] = []) => ({
  nat: new Map(nat.map(({ name, rules }) => [name, rules])),
  filter: new Map(filter.map(({ name, rules }) => [name, rules])),
})

t.test('nothing to do is no restore', async (t) => {
  const same = chains(3)
  t.same(planRestores(known(same), { ...nothing, written: { nat: same, filter: [] } }), [])
  t.same(
    planRestores(known(), { ...nothing, gone: { nat: [chainName('C1')], filter: [] } }),
    [],
    'what is not there cannot go',
  )
})

t.test('a small change of both tables is one restore', async (t) => {
  const [first, second] = chains(2)
  if (!first || !second) throw new Error('no chains')
  const jump: Command = { verb: '-A', chain: chainName('OUTPUT'), rule: rule`-j C0` }
  const plan = planRestores(known([second]), {
    written: { nat: [first], filter: [{ name: refuse, rules: [drop] }] },
    gone: { nat: [second.name], filter: [] },
    commands: { nat: [jump], filter: [] },
  })
  t.same(plan, [
    [
      { table: 'filter', chains: [{ name: refuse, rules: [drop] }] },
      { table: 'nat', chains: [first, { name: 'C1', rules: [] }], commands: [jump, { verb: '-X', chain: 'C1' }] },
    ],
  ])
})

t.test('a refusal comes before the way is closed, and goes after it is open', async (t) => {
  const plan = planRestores(known([], [{ name: refuse, rules: [rule`-j OLD`] }]), {
    ...nothing,
    written: { nat: chains(1), filter: [{ name: refuse, rules: [drop] }] },
  })
  t.same(plan, [
    [
      { table: 'filter', chains: [], commands: [{ verb: '-I', chain: refuse, rule: drop }] },
      { table: 'nat', chains: chains(1) },
    ],
    [{ table: 'filter', chains: [{ name: refuse, rules: [drop] }] }],
  ])
})

t.test('a large change is several restores, in order, with jumps after chains and deletions last', async (t) => {
  const written = chains(4_500)
  const gone = chains(2_500).map(({ name }) => chainName(`OLD${name}`))
  const before = known(gone.map((name) => ({ name, rules: [rule`-j B`] })))
  const jump: Command = { verb: '-A', chain: chainName('OUTPUT'), rule: rule`-j C4499` }
  const change = {
    written: { nat: written, filter: [] },
    gone: { nat: gone, filter: [] },
    commands: { nat: [jump], filter: [] },
  }
  const plan = planRestores(before, change, 2_000)
  t.ok(plan.length >= 7)
  const edits = plan.flat()
  for (const { chains: part, commands: words = [] } of edits)
    t.ok(part.reduce((sum, { rules }) => sum + 1 + rules.length, words.length) <= 2_000, 'within the limit')
  t.same(
    edits.flatMap(({ chains: part }) => part).map(({ name }) => name),
    [...written.map(({ name }) => name), ...gone],
  )
  const commands = edits.flatMap(({ commands: part = [] }) => part)
  t.same(commands, [jump, ...gone.map((chain) => ({ verb: '-X', chain }))])
  const lastWritten = edits.findLastIndex(({ chains: part }) => part.length > 0)
  const firstDeleted = edits.findIndex(({ commands: part = [] }) => part.some(({ verb }) => verb === '-X'))
  t.ok(firstDeleted >= lastWritten, 'all are emptied before one is deleted')
})

t.test('a chain longer than the limit is a restore of its own', async (t) => {
  const rules = Array.from({ length: 30 }, (_, at) => rule`-s ${argument(`10.0.0.${at}/32`)} -j A`)
  const written = [
    { name: chainName('SMALL'), rules: [toA] },
    { name: chainName('LONG'), rules },
    { name: chainName('LAST'), rules: [toA] },
  ]
  const plan = planRestores(known(), { ...nothing, written: { nat: written, filter: [] } }, 10)
  t.same(
    plan.map((edits) => edits.flatMap((edit) => edit.chains.map(({ name }) => name))),
    [['SMALL'], ['LONG'], ['LAST']],
  )
})
