/** Patterns that ignore case without the flag that V8 cannot match in linear time. */
import t from 'tap'
import { caseless } from '../../../src/proxy/ingress/routes/caseless.ts'
import { expression } from '../../../src/proxy/ingress/routes/match.ts'

const patterns: readonly string[] = [
  ...[
    '/foo',
    '/Foo(/|$)(.*)',
    '/[a-z]+',
    '/[A-Z0-9_-]+',
    '/[^a]+',
    '/[^a-cX]',
    '/[a-]',
    '/[-a]',
    '/[a\\]b]',
    '/[]a]',
    '/[^]',
  ],
  ...[
    '\\w+\\d\\S',
    '/\\x41',
    '/\\u0062',
    '/[\\x61-c]',
    '/[\\d-z]',
    '/[+--]',
    '/(?<name>a)',
    '/(?:ab){1,3}',
    '/a\\.b',
    '/\\/a',
  ],
  ...['/[Y-b]', '/[!-~]', '/[\\w.]', '\\cJ', '/a|B|c', '(a+)+$', '/\\[a', '/[[a]', '/[\\b]'],
]
const texts: readonly string[] = [
  ...[
    '/foo',
    '/FOO',
    '/fOo/Bar',
    '/a',
    '/A',
    '/b',
    '/B',
    '/x',
    '/X',
    '/z]',
    '/-',
    '/_',
    '/[a',
    '/[A',
    '/ab',
    '/AbAB',
    '/a.B',
  ],
  ...['aa', 'AA', 'a1-', '/c', '/C', '/,', '/Y', '/y', '/`', '/~', '/]', '/A]', '\n', '/\b', '/1', '//A', '/D', '/W'],
]

t.test('they match what the flag matches', async (t) => {
  for (const pattern of patterns) {
    const flagged = new RegExp(`^(?:${pattern})`, 'i')
    const ours = new RegExp(`^(?:${caseless(pattern)})`)
    for (const text of texts)
      t.same(ours.exec(text)?.slice(), flagged.exec(text)?.slice(), `${pattern} of ${JSON.stringify(text)}`)
  }
})

t.test('the bytes of a letter beyond ASCII have no case', async (t) => {
  t.notOk(new RegExp(caseless('/caf\xc3\xa9')).test('/caf\xe3\xa9'))
})

t.test('routes and rewrites never use the flag', async (t) => {
  const made = expression('^(?:/Foo)', 'is')
  t.equal(made.flags, 's')
  t.ok(made.test('/fOO'))
})
