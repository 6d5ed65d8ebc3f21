/** A copy may be of an object that is gone, and of whose name there is another one by now: that one stays. */
import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '../../../../src/control')

/** Everything of a kind goes, whatever there is by now: its namespace or its definition goes, too. */
const byName = ['controllers/custom-kinds/custom-kinds.ts', 'controllers/namespace-deletion.ts']

t.test('controllers delete the object that they have seen, not its namesake', (t) => {
  const found: string[] = []
  let count = 0
  for (const file of globSync(`${root}/{controllers,scheduler}/**/*.ts`)) {
    const text = readFileSync(file, 'utf8')
    for (const { index } of text.matchAll(/client\.delete\(/g)) {
      count++
      const call = text.slice(index, index + 160)
      if (!/^[^;]*?preconditions: \{[^}]*uid/s.test(call)) found.push(relative(root, file))
    }
  }
  t.ok(count > 15, 'finds the deletions')
  t.same(found.sort(), byName)
  t.end()
})
