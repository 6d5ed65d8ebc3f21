/** Text becomes a regular expression in one place: what users write runs in linear time there, and nowhere else at all. */
import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '../../src')

/** Here expressions are put together from constants of the same file. */
const ofConstants: readonly string[] = [
  'api/names.ts',
  'control/resources/core/pod-defaults.ts',
  'control/streams/proxy/rewrite.ts',
  'proxy/iptables/names.ts',
]

t.test('no expression is made of text that is not a literal', async (t) => {
  const files = globSync(`${root}/**/*.ts`).map((file) => relative(root, file))
  t.ok(files.length > 300, 'finds the sources')
  const made = files.filter((file) => /\bRegExp\(/.test(readFileSync(join(root, file), 'utf8')))
  t.same(made.sort(), ofConstants)
})

t.test('the library that runs patterns of users is imported in one place', async (t) => {
  const files = globSync(`${root}/**/*.ts`)
  const importers = files.filter((file) => /from 're2js'/.test(readFileSync(file, 'utf8')))
  t.same(
    importers.map((file) => relative(root, file)),
    ['proxy/ingress/policy/pattern.ts'],
  )
})
