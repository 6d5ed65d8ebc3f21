import t from 'tap'
import { askTogether } from '../../../../src/host/netfilter/netfilter.ts'
import { chainName } from '../../../../src/host/netfilter/rule.ts'
import type { TableChains } from '../../../../src/host/netfilter/tables.ts'

const question = (name: string): readonly TableChains[] => [{ table: 'filter', chains: [chainName(name)] }]

/** A program that knows all chains but GONE. */
const start = () => {
  const asked: string[] = []
  const ask = askTogether(async (questions) => {
    const names = questions.flatMap(({ chains }) => chains)
    asked.push(names.join(' '))
    await new Promise((resolve) => setImmediate(resolve))
    if (names.includes(chainName('GONE'))) throw new Error('no such chain')
    return questions.map(({ chains }) => new Map(chains.map((name) => [name, { name, policy: undefined, rules: [] }])))
  })
  const names = async (...questions: readonly TableChains[]): Promise<string> =>
    (await ask(questions)).map((answer) => [...answer.keys()].join(' ')).join(', ')
  return { asked, names }
}

t.test('what is asked at one time is asked by one program, and each gets its answers', async (t) => {
  const { asked, names } = start()
  t.same(await Promise.all([names(...question('A'), ...question('B')), names(), names(...question('C'))]), [
    'A, B',
    '',
    'C',
  ])
  t.same(asked, ['A B C'])
})

t.test('what is asked while the program runs is asked afterwards', async (t) => {
  const { asked, names } = start()
  const first = names(...question('A'))
  await new Promise((resolve) => setImmediate(resolve))
  const more = [names(...question('B')), names(...question('C'))]
  t.same(await Promise.all([first, ...more]), ['A', 'B', 'C'])
  t.same(asked, ['A', 'B C'])
})

t.test('a chain that is not there spoils no other answer', async (t) => {
  const { asked, names } = start()
  const [a, gone, c] = await Promise.allSettled(['A', 'GONE', 'C'].map((name) => names(...question(name))))
  t.match([a, gone, c], [{ value: 'A' }, { status: 'rejected', reason: /no such chain/ }, { value: 'C' }])
  t.same(asked, ['A GONE C', 'A', 'GONE', 'C'])
  t.equal(await names(...question('D')), 'D')
})
