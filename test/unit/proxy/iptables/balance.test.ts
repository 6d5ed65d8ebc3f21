import t from 'tap'
import { chainName, rule } from '../../../../src/host/netfilter/rule.ts'
import { type Balanced, balance } from '../../../../src/proxy/iptables/balance.ts'

const targets = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    match: rule`-p tcp`,
    verdict: rule`-j ${chainName(`T${at}`)}`,
  }))

/** Counts as the kernel does: a rule with `--every n --packet 0` takes the first packet it sees of each n. */
const createWalker = ({ rules, groups }: Balanced) => {
  const seen = new Map<string, number>()
  const groupOf = new Map<string, readonly string[]>(groups.map(({ name, rules: inner }) => [name, inner]))
  const takes = (text: string, place: string): boolean => {
    const every = Number(/--every (\d+) --packet 0/.exec(text)?.[1] ?? 1)
    const count = seen.get(place) ?? 0
    seen.set(place, count + 1)
    return count % every === 0
  }
  const walk = (name: string, list: readonly string[]): { target: string; walked: number } => {
    const at = list.findIndex((text, index) => takes(text, `${name} ${index}`))
    const target = /-j (\S+)$/.exec(list[at] ?? '')?.[1]
    if (target === undefined) throw new Error(`nobody took the packet in ${name}`)
    const inner = groupOf.get(target)
    if (!inner) return { target, walked: at + 1 }
    const below = walk(target, inner)
    return { target: below.target, walked: below.walked + at + 1 }
  }
  return () => walk('', rules)
}

for (const count of [1, 2, 3, 4, 7, 15, 16, 17, 18, 19, 24, 25, 26, 63, 64, 65, 200, 257])
  t.test(`${count} targets take turns`, async (t) => {
    const next = createWalker(balance(targets(count), (index) => chainName(`G${index}`)))
    const shares = new Map(targets(count).map(({ verdict }) => [verdict.slice(3), 0]))
    let spread = 0
    let walked = 0
    for (let packet = 0; packet < count * 3 + 1; packet++) {
      const one = next()
      shares.set(one.target, (shares.get(one.target) ?? Number.NaN) + 1)
      const counts = [...shares.values()]
      spread = Math.max(spread, Math.max(...counts) - Math.min(...counts))
      walked = Math.max(walked, one.walked)
    }
    t.ok(spread <= 1, 'at any moment shares differ by at most one')
    t.ok(walked <= Math.max(16, 3 * Math.sqrt(count) + 1), `at most ${walked} rules`)
  })

t.test('the rules of three', async (t) => {
  t.same(balance(targets(3), () => chainName('G')).rules, [
    '-p tcp -m statistic --mode nth --every 3 --packet 0 -j T0',
    '-p tcp -m statistic --mode nth --every 2 --packet 0 -j T1',
    '-p tcp -j T2',
  ])
})

t.test('by chance: probabilities as iptables-save prints them', async (t) => {
  t.same(balance(targets(3), () => chainName('G'), 'random').rules, [
    '-p tcp -m statistic --mode random --probability 0.33333333349 -j T0',
    '-p tcp -m statistic --mode random --probability 0.50000000000 -j T1',
    '-p tcp -j T2',
  ])
})

t.test('up to sixteen targets are one list; more are groups of equal size, behind those left over', async (t) => {
  const shapeOf = (count: number) => {
    const { rules, groups } = balance(targets(count), (index) => chainName(`G${index}`))
    return [rules.length, ...groups.map((group) => group.rules.length)]
  }
  t.same(shapeOf(0), [0])
  t.same(shapeOf(1), [1])
  t.same(shapeOf(16), [16])
  t.same(shapeOf(17), [5, 4, 4, 4, 4])
  t.same(shapeOf(24), [4, 6, 6, 6, 6])
  t.same(shapeOf(25), [5, 5, 5, 5, 5, 5])
  t.same(shapeOf(27), [7, 5, 5, 5, 5, 5])
})
