import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { countTap } from '../../../scripts/test/count.ts'

t.test('assertions are counted, subtests are not', async (t) => {
  const { counts } = countTap(
    [
      ...[
        'TAP version 14',
        '# Subtest: a',
        '    ok 1 - x',
        '    not ok 2 - y',
        '      ---',
        '      at: z',
        '      ...',
      ],
      ...['    1..2', 'not ok 1 - a # time=1ms', '1..1'],
    ].join('\n'),
  )
  t.same(counts, { passed: 1, failed: 1, skipped: 0 })
})

t.test('a skip has its reason, on whichever side it stands', async (t) => {
  const { counts, reasons } = countTap(
    ['ok 1 - the demo # SKIP needs root', 'ok 2 - needs a kernel # SKIP', 'ok 3 # skip', '1..3'].join('\n'),
  )
  t.same(counts, { passed: 0, failed: 0, skipped: 3 })
  t.same(reasons, ['needs root', 'needs a kernel', ''])
})

t.test('nothing that is left out says that it passed', async (t) => {
  const root = join(import.meta.dirname, '../..')
  const files = globSync(`${root}/**/*.test.ts`)
  t.ok(files.length > 100)
  t.same(
    files
      .filter((file) => /return t\.pass\(|t\.pass\([^)]*skip:/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(root, file)),
    [],
  )
})
