/** Regular expressions of users: what they match, what is refused, and what they may cost. */
import t from 'tap'
import {
  groupsOf,
  literally,
  literalStart,
  type PatternKind,
  patternOf,
  patternProblem,
} from '../../../src/proxy/ingress/policy/pattern.ts'

t.test('how each kind is looked for', async (t) => {
  const cases: readonly (readonly [PatternKind, string, string, boolean])[] = [
    ['start-caseless', '/foo', '/FOO/bar', true],
    ['start-caseless', '^/foo', '/fOo', true],
    ['start-caseless', '/foo', '/x/foo', false],
    ['start-caseless', '/a|/b', '/B', true],
    ['start-caseless', '/ab*', '/A', true],
    ['start-caseless', '/(?:a|b)/c$', '/b/C', true],
    ['start-caseless', '/x/.*$', '/x/a\nb', true],
    ['start-caseless', '/caf\xc3\xa9', '/CAF\xc3\xa9', true],
    ['start-caseless', '/caf\xc3\xa9', '/caf\xe3\xa9', false],
    ['start-caseless', '/caf\xc3\xa9*x', '/caf\xc3x', true],
    ['start', '/foo', '/foobar', true],
    ['start', '/foo', '/Foo', false],
    ['whole', 'v[0-9]+', 'v12', true],
    ['whole', 'v[0-9]+', 'v12b', false],
    ['whole', 'a|b', 'ab', false],
    ['part', 'b', 'abc', true],
    ['part', '^b', 'abc', false],
  ]
  for (const [kind, pattern, text, fits] of cases)
    t.equal(patternOf(pattern, kind).test(text), fits, `${kind} ${pattern} of ${JSON.stringify(text)}`)
})

t.test('groups', async (t) => {
  const groups = (pattern: string, text: string) =>
    patternOf(pattern, 'start-caseless')
      .exec(text)
      ?.map(({ start, end }) => text.slice(start, end))
  t.same(groups('/x(/|$)(.*)', '/X/a/b'), ['/X/a/b', '/', 'a/b'])
  t.same(groups('/(a)|/(b)', '/b'), ['/b', '', 'b'], 'empty where one took no part')
  t.equal(patternOf('/x', 'start-caseless').exec('/a/x'), undefined)
  t.equal(groupsOf('/(a)(?:b)(c)'), 2)
})

t.test('what cannot be served is refused, and never thrown for but where it is run', async (t) => {
  const unserved = [
    ...['/(a', '/[z-a]', '/**', '/a)', '[', '*', '/(a+)+(x)?\\2$', '(?<n>a)\\k<n>', 'a(?=b)', 'a(?!b)', '(?<=a)b'],
    ...['(?<!a)b', '(?>a)', 'a++', '\\Q[\\E(a){1000}', '\\p{L}', 'a'.repeat(513), 'x{1001}', '(((a{50}){50}){50})'],
    ...['([(]aaaaaaaaaaaa[)]bbbbbbbbbbbbb[(]){100}', '[^/]{900}[^/]{900}', '\0{2000}', '(?:)**'],
  ]
  for (const pattern of unserved) {
    t.type(patternProblem(pattern), 'string', pattern.slice(0, 40))
    t.throws(() => patternOf(pattern, 'start'), pattern.slice(0, 40))
  }
  for (const pattern of [
    '/a.*',
    '\\(\\?=',
    '[(?=]',
    '(?<name>a)',
    '\\d{1,3}',
    '/[[:alpha:]]',
    '/[]a]',
    'a'.repeat(512),
  ])
    t.equal(patternProblem(pattern), undefined, pattern.slice(0, 40))
  const uuid = '/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
  t.equal(patternProblem(uuid), undefined, 'counts beside each other do not multiply')
})

t.test('what a pattern costs grows with the text, and with nothing else', async (t) => {
  const worst = [
    '/(a+)+(x)?$',
    '/(a|aa)+$',
    '/(.*a){20}$',
    '(?:.*a){100}c',
    '.*a.{900}c',
    '(.*)(.*)(.*)(.*)(.*)(.*)(.*)c',
  ]
  const text = `/${'ab'.repeat(4_000)}a!`
  for (const pattern of worst) {
    t.equal(patternProblem(pattern), undefined, pattern)
    const began = performance.now()
    patternOf(pattern, 'start-caseless').test(text)
    patternOf(pattern, 'start-caseless').exec(text)
    t.ok(performance.now() - began < 10_000, `${pattern} ends`)
  }
})

t.test('who matches is told of the steps beforehand', async (t) => {
  const steps: number[] = []
  const pattern = patternOf('/a[0-9]{100}', 'start')
  pattern.test('/b', (count) => steps.push(count))
  t.same(steps, [], 'plain beginnings cost nothing')
  pattern.test('/a1', (count) => steps.push(count))
  t.ok((steps[0] ?? 0) >= 300, 'instructions times characters')
  t.throws(
    () =>
      patternOf('/a.*', 'start').test('/a', () => {
        throw new Error('enough')
      }),
    /enough/,
  )
})

t.test('the plain start of a pattern', async (t) => {
  const starts: Readonly<Record<string, string>> = {
    ...{ '/admin(.*': '/admin', '/(a': '/', '/[z-a]': '/', '/**': '', '/a|/b': '', '/(a|b)': '/', '^/x/y$': '/x/y' },
    ...{
      '/ab?c': '/a',
      '/ab{2}': '/a',
      '/ab+': '/ab',
      '/a.b': '/a',
      '/ab(c)|/x': '',
      '(?i)/a': '',
      '/a\\.b': '/a',
      '/[|]': '/',
    },
  }
  for (const [pattern, start] of Object.entries(starts)) t.equal(literalStart(pattern), start, pattern)
  t.ok(patternOf(literally('/a.b(c'), 'whole').test('/a.b(c'))
  t.notOk(patternOf(literally('/a.b'), 'whole').test('/axb'))
})
