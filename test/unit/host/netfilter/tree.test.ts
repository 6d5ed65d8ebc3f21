import t from 'tap'
import { argument, rule } from '../../../../src/host/netfilter/rule.ts'
import { emptyTree, type Item, insert, itemsOf, remove, type Tree } from '../../../../src/host/netfilter/tree.ts'
import { createRandom } from '../../proxy/support/random.ts'

const item = (key: string, id = 'x'): Item => ({
  key,
  id,
  rules: [rule`-m comment --comment ${argument(`${key}-${id}`)}`],
})
const plant = (items: readonly Item[]): Tree => items.reduce(insert, emptyTree)
const hex = (value: number, width = 8): string => value.toString(16).padStart(width, '0')

const depthOf = (tree: Tree): number =>
  tree.kind === 'leaf' ? 0 : 1 + Math.max(...tree.children.map((child) => depthOf(child)))

const widest = (tree: Tree): number =>
  tree.kind === 'leaf' ? tree.items.length : Math.max(tree.children.length, ...tree.children.map(widest))

t.test('few items are one list', async (t) => {
  const tree = plant([item('0a600002'), item('0a600001', 'b'), item('0a600001', 'a')])
  t.equal(tree.kind, 'leaf')
  t.same(
    itemsOf(tree).map(({ key, id }) => `${key} ${id}`),
    ['0a600001 a', '0a600001 b', '0a600002 x'],
  )
})

t.test('the same item again replaces it', async (t) => {
  const tree = insert(plant([item('0a600001')]), { key: '0a600001', id: 'x', rules: [rule`-j NEW`] })
  t.same(
    itemsOf(tree).map(({ rules }) => rules),
    [['-j NEW']],
  )
})

t.test('10,000 items are a few levels of narrow nodes', async (t) => {
  const tree = plant(Array.from({ length: 10_000 }, (_, at) => item(hex(0x0a600000 + ((at * 7919) % 65_536)))))
  t.equal(itemsOf(tree).length, 10_000)
  t.ok(depthOf(tree) <= 4, `depth ${depthOf(tree)}`)
  t.ok(widest(tree) <= 32, `widest ${widest(tree)}`)
})

t.test('many items under one key stay one list', async (t) => {
  const same = Array.from({ length: 40 }, (_, at) => item('0a600001', `${at}`))
  t.equal(plant(same).kind, 'leaf')
  const tree = plant([...same, item('0a700001')])
  t.same([tree.kind, depthOf(tree)], ['branch', 1])
})

t.test('no choice of addresses makes it deep', async (t) => {
  const nested = Array.from({ length: 32 }, (_, at) => item(`${'0'.repeat(at)}1${'0'.repeat(31 - at)}`))
  const bottom = Array.from({ length: 64 }, (_, at) => item(hex(at, 32)))
  t.ok(depthOf(plant([...nested, ...bottom])) <= 6)
})

t.test('the shape does not depend on how it came to be', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = createRandom(seed)
    const present = new Map<string, Item>()
    let tree: Tree = emptyTree
    for (let step = 0; step < 600; step++) {
      const base = random.pick([0x0a600000, 0x0a600000, 0x0a61ff00, 0xc0a80000])
      const one = item(hex(base + random.below(seed % 2 ? 256 : 3_000)), random.pick(['a', 'b']))
      const name = `${one.key} ${one.id}`
      if (random.chance(step < 300 ? 0.7 : 0.3)) {
        tree = insert(tree, one)
        present.set(name, one)
      } else {
        tree = remove(tree, one)
        present.delete(name)
      }
    }
    const sorted = [...present.values()].sort((a, b) => (`${a.key} ${a.id}` < `${b.key} ${b.id}` ? -1 : 1))
    t.same(tree, plant(sorted), `seed ${seed}`)
  }
})

t.test('a change shares what it did not touch', async (t) => {
  const before = plant(Array.from({ length: 2_000 }, (_, at) => item(hex(0x0a600000 + at * 17))))
  const after = insert(before, item('0a600003'))
  const nodes = (tree: Tree): readonly Tree[] =>
    tree.kind === 'leaf' ? [tree] : [tree, ...tree.children.flatMap(nodes)]
  const old = new Set(nodes(before))
  const fresh = nodes(after).filter((node) => !old.has(node))
  t.ok(nodes(after).length > 100)
  t.ok(fresh.length <= 20, `${fresh.length} nodes are new`)
  t.equal(remove(after, item('0a600004')), after, 'removing what is not there changes nothing')
})
