/** Callers whose tokens and passwords stand in files. */
import t from 'tap'
import { passwordUsers, readTokenUsers, tokenUsers } from '../../../../src/control/auth/credential-files.ts'
import { parseCsv } from '../../../../src/control/auth/csv.ts'

t.test('rows of fields', (t) => {
  t.same(parseCsv('a,b\nc,"d, ""e"""\r\n\n f , g\nh,\ni'), [['a', 'b'], ['c', 'd, "e"'], ['f', 'g'], ['h', ''], ['i']])
  t.same(parseCsv(''), [])
  t.throws(() => parseCsv('a,b"c'), /row 1: a quote/)
  t.throws(() => parseCsv('a\n"b'), /row 2: a quote/)
  t.end()
})

t.test('tokens', async (t) => {
  const known = tokenUsers('# ours\nsecret,alice,u1,"dev,ops"\nother,bob,u2\n')
  const by = async (authorization: string) => known({ authorization })
  t.strictSame(await by('Bearer secret'), { name: 'alice', groups: ['dev', 'ops'], uid: 'u1' })
  t.strictSame(await by('bearer other'), { name: 'bob', groups: [], uid: 'u2' })
  for (const wrong of ['Bearer secre', 'Bearer secrets', 'Basic secret', 'secret', 'Bearer '])
    t.equal(await by(wrong), undefined, wrong)
  t.throws(() => tokenUsers('secret,alice'), {
    message: /must have at least 3 columns \(token, user name, user uid\), found 2 in row 1/,
  })
  t.throws(() => tokenUsers(',alice,u1'), /row 1 has an empty token/)
  t.throws(() => tokenUsers('secret,,u1'), /row 1 has an empty user name/)
  await t.rejects(readTokenUsers('/nonexistent'), /token file \/nonexistent: ENOENT/)
})

t.test('passwords', async (t) => {
  const known = passwordUsers('pass:word,alice,u1,"dev"\n')
  const by = async (text: string) => known({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  t.strictSame(await by('alice:pass:word'), { name: 'alice', groups: ['dev'], uid: 'u1' })
  for (const wrong of ['alice:pass', 'alice:', 'bob:pass:word', 'alice', '', ':pass:word', '__proto__:x'])
    t.equal(await by(wrong), undefined, JSON.stringify(wrong))
  t.equal(await known({ authorization: 'Bearer pass:word' }), undefined)
})
