/** Selectors that cannot be read are told in the words of Kubernetes, and what stands in them ends no line. */
import t from 'tap'
import { goQuote } from '../../../src/api/go-quote.ts'
import { parseFieldSelector, parseLabelSelector } from '../../../src/api/selectors.ts'

const unparsed = 'unable to parse requirement: '
const operators = ", expected: '=', '!=', '==', 'in', notin'"
const start = ", expected: !, identifier, or 'end of string'"

t.test('label selectors', async (t) => {
  for (const [text, message] of [
    ['=', `found '='${start}`],
    [',', `found ','${start}`],
    ['(a)', `found '('${start}`],
    ['a,', "found '', expected: identifier after ','"],
    ['a,,b', "found ',', expected: identifier after ','"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['a b', `${unparsed}found 'b'${operators}`],
    ['a!', `${unparsed}found '!'${operators}`],
    ['a in b', `${unparsed}found 'b' expected: '('`],
    ['a in (b', `${unparsed}found '', expected: ',' or ')'`],
    ['a in (=', `${unparsed}found '=', expected: ',', ')' or identifier`],
    ['a in (b,=)', `${unparsed}found '=', expected: ',', or identifier`],
    ['a=(b)', `${unparsed}found '(', expected: identifier`],
    ['!!a', `${unparsed}found '!', expected: identifier`],
    ['a>b', `${unparsed}for 'Gt', 'Lt' operators, the value must be an integer`],
    ['/a', `${unparsed}invalid label key "/a": prefix part must be non-empty`],
    [
      `a=${'b'.repeat(64)}`,
      `${unparsed}invalid label value: "${'b'.repeat(64)}": at key: "a": must be no more than 63 characters`,
    ],
  ] as const)
    t.throws(() => parseLabelSelector(text), { code: 400, message }, text)
  const labels = { a: 'b', n: '5', in: 'x', empty: '' }
  for (const [text, holds] of [
    ['a in (,b)', true],
    ['a in ()', false],
    ['empty in ()', true],
    ['empty in (a,)', true],
    ['in in (x)', true],
    ['in', true],
    ['notin', false],
    ['n>4,n<6', true],
    [' a\t==\nb ', true],
    ['a=', false],
    ['empty=,a', true],
    ['! missing', true],
  ] as const)
    t.equal(parseLabelSelector(text)(labels), holds, JSON.stringify(text))
})

t.test('field selectors', async (t) => {
  for (const [text, message] of [
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
  ] as const)
    t.throws(() => parseFieldSelector(text), { code: 400, message }, text)
  t.same(parseFieldSelector('a\\=b=c\\=\\\\,=,d!='), [
    { field: 'a\\=b', negated: false, value: 'c=\\' },
    { field: '', negated: false, value: '' },
    { field: 'd', negated: true, value: '' },
  ])
})

t.test('texts in quotes, as Go writes them', (t) => {
  t.equal(goQuote('a"b\\c\n\u0000\u0007\u007f\u001b'), '"a\\"b\\\\c\\n\\x00\\a\\x7f\\x1b"')
  t.end()
})
