/** Passwords against lines of htpasswd. */
import t from 'tap'
import { isKnownHash, parseHtpasswd, verifyPassword } from '../../../../src/proxy/ingress/auth/htpasswd.ts'

/** Hashes by other programs. */
const known: readonly (readonly [password: string, hash: string])[] = [
  ['correct horse', '$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/'],
  ['', '$apr1$xy$43..WIhbfuznGvwoCyUek/'],
  ['a very long password indeed, longer than sixteen bytes ü', '$apr1$zzzzzzzz$I.5p9RhZueS58YPSb.RNW1'],
  ['test', '{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M='],
  ['plain: text', '{PLAIN}plain: text'],
]

const noBcrypt = async (): Promise<boolean> => {
  throw new Error('bcrypt was not expected')
}

t.test('right and wrong passwords', async (t) => {
  for (const [password, hash] of known) {
    t.equal(await verifyPassword(password, hash, noBcrypt), true, hash)
    t.equal(await verifyPassword(`${password}x`, hash, noBcrypt), false, hash)
  }
})

t.test('bcrypt is asked for its own', async (t) => {
  const hash = `$2y$05$${'a'.repeat(53)}`
  const asked: string[][] = []
  const bcrypt = async (...words: string[]): Promise<boolean> => asked.push(words) > 0
  t.equal(await verifyPassword('secret', hash, bcrypt), true)
  t.same(asked, [['secret', hash]])
})

t.test('other hashes match nothing', async (t) => {
  for (const hash of ['', 'secret', '$1$abc$def', '$apr1$abc', '{SSHA}abc', '$2y$05$short'])
    t.equal(await verifyPassword('secret', hash, noBcrypt), false, hash)
})

t.test('lines', async (t) => {
  const sha = '{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M='
  const text = `# people\r\n\r\nann:${sha}\nbob:{PLAIN}a:b\nann:{PLAIN}later\ncarl:$1$x$y\n:x\n__proto__:${sha}:comment\n`
  const { users, problems } = parseHtpasswd(text)
  t.same(Object.entries(users), [
    ['ann', sha],
    ['bob', '{PLAIN}a:b'],
    ['__proto__', sha],
  ])
  t.match(problems, [/line 7 is not/, /"ann" is there twice/, /user "carl"/])
})

t.test('hashes that would take for ever are refused', async (t) => {
  const rest = `$${'a'.repeat(53)}`
  for (const cost of ['04', '12', '14']) t.ok(isKnownHash(`$2y$${cost}${rest}`), cost)
  for (const cost of ['00', '03', '15', '31', '99']) t.notOk(isKnownHash(`$2y$${cost}${rest}`), cost)
})
