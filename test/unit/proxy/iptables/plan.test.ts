import t from 'tap'
import type { Change } from '../../../../src/host/netfilter/restores.ts'
import type { Chain } from '../../../../src/host/netfilter/tables.ts'
import { planRestores } from '../../../../src/proxy/iptables/plan.ts'

const nothing: Change<'nat' | 'filter'> = {
  written: { nat: [], filter: [] },
  gone: { nat: [], filter: [] },
  commands: { nat: [], filter: [] },
}
const chains = (count: number): Chain[] =>
  Array.from({ length: count }, (_, at) => ({ name: `C${at}`, rules: ['-j A'] }))
const known = (nat: readonly Chain[] = [], filter: readonly Chain[] = []) => ({
  nat: new Map(nat.map(({ name, rules }) => [name, rules])),
  filter: new Map(filter.map(({ name, rules }) => [name, rules])),
})

t.test('nothing to do is no restore', async (t) => {
  const same = chains(3)
  t.same(planRestores(known(same), { ...nothing, written: { nat: same, filter: [] } }), [])
  t.same(planRestores(known(), { ...nothing, gone: { nat: ['C1'], filter: [] } }), [], 'what is not there cannot go')
})

t.test('a small change of both tables is one restore', async (t) => {
  const [first, second] = chains(2)
  if (!first || !second) throw new Error('no chains')
  const plan = planRestores(known([second]), {
    written: { nat: [first], filter: [{ name: 'R', rules: ['-j DROP'] }] },
    gone: { nat: [second.name], filter: [] },
    commands: { nat: ['-A OUTPUT -j C0'], filter: [] },
  })
  t.same(plan, [
    [
      { table: 'filter', chains: [{ name: 'R', rules: ['-j DROP'] }] },
      { table: 'nat', chains: [first, { name: 'C1', rules: [] }], commands: ['-A OUTPUT -j C0', '-X C1'] },
    ],
  ])
})

t.test('a refusal comes before the way is closed, and goes after it is open', async (t) => {
  const plan = planRestores(known([], [{ name: 'R', rules: ['old'] }]), {
    ...nothing,
    written: { nat: chains(1), filter: [{ name: 'R', rules: ['new'] }] },
  })
  t.same(
    plan.map((edits) => edits.map(({ table, chains: [chain] }) => `${table} ${chain?.name} ${chain?.rules.join('+')}`)),
    [['filter R new+old', 'nat C0 -j A'], ['filter R new']],
  )
})

t.test('a large change is several restores, in order, with jumps after chains and deletions last', async (t) => {
  const written = chains(4_500)
  const gone = chains(2_500).map(({ name }) => `OLD${name}`)
  const before = known(gone.map((name) => ({ name, rules: ['-j B'] })))
  const change = {
    written: { nat: written, filter: [] },
    gone: { nat: gone, filter: [] },
    commands: { nat: ['-A OUTPUT -j C4499'], filter: [] },
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
  t.same(commands, ['-A OUTPUT -j C4499', ...gone.map((name) => `-X ${name}`)])
  const lastWritten = edits.findLastIndex(({ chains: part }) => part.length > 0)
  const firstDeleted = edits.findIndex(({ commands: part = [] }) => part.some((line) => line.startsWith('-X')))
  t.ok(firstDeleted >= lastWritten, 'all are emptied before one is deleted')
})

t.test('a chain longer than the limit is a restore of its own', async (t) => {
  const rules = Array.from({ length: 30 }, (_, at) => `-s 10.0.0.${at}/32 -j A`)
  const written = [
    { name: 'SMALL', rules: ['-j A'] },
    { name: 'LONG', rules },
    { name: 'LAST', rules: ['-j A'] },
  ]
  const plan = planRestores(known(), { ...nothing, written: { nat: written, filter: [] } }, 10)
  t.same(
    plan.map((edits) => edits.flatMap((edit) => edit.chains.map(({ name }) => name))),
    [['SMALL'], ['LONG'], ['LAST']],
  )
})
