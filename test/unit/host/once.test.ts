import t from 'tap'
import { once } from '../../../src/host/once.ts'

t.test('what was made is had by all who ask, and a failure is tried again', async (t) => {
  let tries = 0
  const ask = once(async () => {
    if (++tries === 1) throw new Error('not yet')
    return tries
  })
  await t.rejects(Promise.all([ask(), ask()]), { message: 'not yet' })
  t.equal(tries, 1, 'who asks meanwhile waits for the same')
  t.same(await Promise.all([ask(), ask()]), [2, 2])
  t.equal(await ask(), 2)
})
