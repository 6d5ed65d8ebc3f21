import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { toldWords } from '../../../src/host/told-words.ts'

const folder = mkdtempSync(join(tmpdir(), 'podway-told-'))
t.teardown(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'plain'), 'no program')
writeFileSync(join(folder, 'hello'), '#!/bin/sh\necho "hello $*"; exit 3\n')
writeFileSync(join(folder, 'orphan'), '#!/no/such/interpreter\n')
chmodSync(join(folder, 'hello'), 0o755)
chmodSync(join(folder, 'orphan'), 0o755)
symlinkSync('/nowhere', join(folder, 'dangling'))

const run = (...command: string[]) => {
  const [file = '', ...args] = toldWords(command)
  const { status, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    env: { PATH: `${folder}:/usr/bin:/bin`, EMPTY: '' },
  })
  return { status, stdout, stderr }
}

t.test('a command runs as it is', async (t) => {
  t.same(run('hello', 'a b', '*', ''), { status: 3, stdout: 'hello a b * \n', stderr: '' })
  t.same(run(join(folder, 'hello')), { status: 3, stdout: 'hello \n', stderr: '' })
  t.match(run('env').stdout, /^EMPTY=$/m)
  t.notMatch(run('env').stdout, /^(PWD|OLDPWD)=/m)
})

const refused: readonly {
  readonly name: string
  readonly word: string
  readonly says: string
  readonly code: number
}[] = [
  { name: 'a name', word: 'nosuch', says: 'command not found', code: 127 },
  { name: 'no name', word: '', says: 'command not found', code: 127 },
  { name: 'what only a shell has', word: 'cd', says: 'command not found', code: 127 },
  { name: 'a name that is an option', word: '-v', says: 'command not found', code: 127 },
  { name: 'a path', word: '/no/such', says: 'No such file or directory', code: 127 },
  { name: 'a link to nowhere', word: join(folder, 'dangling'), says: 'No such file or directory', code: 127 },
  { name: 'no program', word: join(folder, 'plain'), says: 'Permission denied', code: 126 },
  { name: 'no program, by its name', word: 'plain', says: 'Permission denied', code: 126 },
  { name: 'a folder', word: folder, says: 'Is a directory', code: 126 },
]
for (const { name, word, says, code } of refused)
  t.test(`refused: ${name}`, async (t) => {
    t.same(run(word), { status: code, stdout: '', stderr: `podway: ${word}: ${says}\n` })
  })

t.test('a program without its interpreter', async (t) => {
  const { status, stderr } = run('orphan')
  t.match(stderr, /^podway: .*orphan/)
  t.ok([126, 127].includes(status ?? 0))
})
