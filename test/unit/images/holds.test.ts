import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { digestOf } from '../../../src/images/digest.ts'
import { createHolds } from '../../../src/images/store/holds.ts'
import { storePaths } from '../../../src/images/store/store-paths.ts'

t.test('who begins to hold an image while another one lets go of it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pw-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const paths = storePaths(folder)
  mkdirSync(paths.holds, { recursive: true })
  const holds = createHolds(paths)
  const image = digestOf(Buffer.from('image'))
  for (let round = 0; round < 200; round++) {
    const users = ['a', 'b', 'c', 'd']
    await Promise.all(users.map((user) => holds.set(image, user)))
    await Promise.all([
      ...users.map((user) => holds.remove(image, user)),
      holds.set(image, 'stays'),
      holds.set(image, 'x'),
    ])
    const held = await holds.of(image)
    if (held.join() !== 'stays,x') t.fail(`round ${round}: ${held}`)
    await Promise.all(['stays', 'x'].map((user) => holds.remove(image, user)))
  }
  t.same(await holds.list(), [])
})

t.test('a store that is gone is told', async (t) => {
  const holds = createHolds(storePaths('/dev/null'))
  await t.rejects(holds.set(digestOf(Buffer.from('image')), 'a'), { code: 'ENOTDIR' })
})
