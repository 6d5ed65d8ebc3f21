import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { renderEnvFile } from '../../../../src/agent/runtime/process/env-file.ts'

t.test('plain names are exported, odd ones stand in front of the command', async (t) => {
  t.equal(renderEnvFile({ A: '1', B_2: 'x y' }), "export A='1'\nexport B_2='x y'\n")
  t.equal(renderEnvFile({ A: '1', 'b.c': "it's" }), "export A='1'\nset -- 'b.c=it'\\''s' \"$@\"\n")
  t.equal(renderEnvFile({}), '\n')
})

t.test('a shell reads back exactly what was written', async (t) => {
  const env = {
    PATH: '/usr/bin:/bin',
    QUOTES: `'"\`$(exit 3)\\`,
    LINES: 'one\n\ntwo\n',
    EMPTY: '',
    UNICODE: 'grüße 🚢',
    'dotted.name': '$HOME',
    'dashed-name': '*',
    IFS: ':',
    OPTIND: 'abc',
    PPID: '1',
  }
  const file = join(t.testdir(), 'env')
  writeFileSync(file, renderEnvFile(env))
  // A second, empty environment: the test runner puts variables of its own into whatever is started.
  const script = 'exec /usr/bin/env -i /bin/sh -c \'. "$0"; exec /usr/bin/env -u PWD "$@" /usr/bin/env -0\' "$0"'
  const said = execFileSync('sh', ['-c', script, file], { env: {}, encoding: 'utf8' })
  const read = said.split('\0').filter(Boolean).sort()
  const wanted = Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
  t.same(read, wanted)
})
