import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { removeTree } from '../../../src/host/remove-tree.ts'
import { makeDeepFolders } from '../../support/deep-folders.ts'

t.test('whatever is in it, and however deep', async (t) => {
  const folder = makeDeepFolders(t, 30)
  const outside = t.testdir({ kept: 'x' })
  symlinkSync(outside, join(folder, 'link'))
  await removeTree(folder)
  t.notOk(existsSync(folder))
  t.ok(existsSync(join(outside, 'kept')))
})

t.test('what is not there, and what is a file', async (t) => {
  const folder = t.testdir({})
  mkdirSync(join(folder, 'a'))
  writeFileSync(join(folder, 'file'), '')
  for (const name of ['a', 'file', 'none']) await removeTree(join(folder, name))
  t.notOk(existsSync(join(folder, 'a')) || existsSync(join(folder, 'file')))
})
