import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createRotatingFile } from '../../../src/host/rotating-file.ts'
import { soon } from '../../support/until.ts'

const setUp = (t: Test, limits: { readonly maxBytes?: number; readonly maxBackups?: number } = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'pw-'))
  const path = join(folder, 'pods.json')
  let now = Date.UTC(2026, 0, 2, 3, 4, 5)
  const open = () =>
    createRotatingFile({ path, maxBytes: 1e9, maxBackups: 2, maxAgeDays: 0, ...limits }, () => {
      now += 1_000
      return now
    })
  t.teardown(() => rmSync(folder, { recursive: true }))
  return { folder, path, open }
}

t.test('it is set aside at its size, and so many are kept', async (t) => {
  const { folder, path, open } = setUp(t, { maxBytes: 10 })
  const file = open()
  for (const line of ['one\n', 'two\n', 'three\n', 'four-and-five\n', 'six\n']) await file.append(line)
  await file.close()
  t.equal(readFileSync(path, 'utf8'), 'six\n')
  const names = readdirSync(folder).filter((name) => name !== 'pods.json')
  t.match(names, [/^pods-2026-01-02T03-04-\d\d\.000\.json$/, /^pods-/])
  t.same(
    names.map((name) => readFileSync(join(folder, name), 'utf8')),
    ['three\n', 'four-and-five\n'],
  )
})

t.test('half of a line, left by one that was killed, does not stand before the next', async (t) => {
  const { path, open } = setUp(t)
  for (const [before, after] of [
    ['one\n{"ha', 'one\nnext\n'],
    ['one\n', 'one\nnext\n'],
    ['', 'next\n'],
    ['no lines at all', 'no lines at allnext\n'],
  ] as const) {
    writeFileSync(path, before)
    const file = open()
    await file.append('next\n', true)
    await file.close()
    t.equal(readFileSync(path, 'utf8'), after, JSON.stringify(before))
  }
})

t.test('what is no file is refused, and holds nobody up', async (t) => {
  const { path, open } = setUp(t)
  execFileSync('mkfifo', [path])
  await t.rejects(soon(open().append('x\n'), 'an answer'), /pods\.json is no file/)
})

t.test('it is tried again when it could not be written', async (t) => {
  const { folder, path, open } = setUp(t)
  rmSync(folder, { recursive: true })
  const file = open()
  await t.rejects(file.append('x\n'), { code: 'ENOENT' })
  execFileSync('mkdir', [folder])
  await file.append('y\n')
  await file.close()
  t.equal(readFileSync(path, 'utf8'), 'y\n')
})
