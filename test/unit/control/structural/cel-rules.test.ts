/** CEL rules of schemas: what compiles, what objects break, and what a rule may cost. */
import t from 'tap'
import { compile, createEnvironment } from '../../../../src/control/cel/expression.ts'
import { brokenRules, compileRules } from '../../../../src/control/structural/cel-rules.ts'
import { readSchema } from '../../../../src/control/structural/schema.ts'

type Content = Readonly<Record<string, unknown>>

const objectWith = (properties: Content, rules: readonly Content[], more: Content = {}) => ({
  ...{ type: 'object', properties, 'x-kubernetes-validations': rules },
  ...more,
})

const specOf = (properties: Content, ...rules: readonly Content[]) => ({
  type: 'object',
  properties: { spec: objectWith(properties, rules) },
})

const text = { type: 'string' }
const int = { type: 'integer' }

/** What a rule of the spec says of a spec. */
const judge = (properties: Content, rule: string | Content, spec: unknown, old?: unknown): readonly string[] => {
  const root = readSchema(specOf(properties, typeof rule === 'string' ? { rule } : rule))
  const compiled = compileRules(root, 'schema')
  if (compiled.errors.length > 0) return compiled.errors.map(({ field, message }) => `${field}: ${message}`)
  return brokenRules(compiled, root, { spec }, old === undefined ? undefined : { spec: old }).map(
    ({ field, reason, message }) => `${field} ${reason}: ${message}`,
  )
}

t.test('a rule that does not hold is told', async (t) => {
  const properties = { min: int, max: int, name: text }
  t.strictSame(judge(properties, 'self.min <= self.max', { min: 1, max: 2 }), [])
  t.strictSame(judge(properties, 'self.min <= self.max', { min: 3, max: 2 }), [
    'spec FieldValueInvalid: Invalid value: "object": failed rule: self.min <= self.max',
  ])
  const told = { rule: 'self.min > 0', message: 'must have some', reason: 'FieldValueForbidden', fieldPath: '.min' }
  t.strictSame(judge(properties, told, { min: 0 }), ['spec.min FieldValueForbidden: Forbidden: must have some'])
  const made = { rule: 'self.min > 0', messageExpression: '"is " + string(self.min)' }
  t.strictSame(judge(properties, made, { min: 0 }), ['spec FieldValueInvalid: Invalid value: "object": is 0'])
  t.match(judge(properties, 'self.name == "a"', {}), [/rule evaluation error: No such key: name/])
  t.strictSame(judge(properties, '!has(self.name) || self.name == "a"', {}), [])
})

t.test('a rule that does not compile is refused at its place', async (t) => {
  const place = /^schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: /
  for (const rule of [
    'self.nosuch == 1',
    'self.size == "a"',
    'self.size',
    'self.size >',
    'other > 1',
    'self.size.nosuch()',
  ])
    t.match(judge({ size: int }, rule, {}), [place], rule)
  t.match(judge({ size: int }, '', {}), [/rule is not specified/])
  t.match(judge({ size: int }, { rule: 'true', reason: 'Because' }, {}), [/reason: Unsupported value/])
  t.match(judge({ size: int }, { rule: 'true', fieldPath: '.nosuch' }, {}), [/fieldPath must be a valid path/])
  t.match(judge({ size: int }, { rule: 'true', messageExpression: 'self.size' }, {}), [/must evaluate to string/])
})

t.test('transitions see what was there', async (t) => {
  const properties = { size: int }
  const rule = 'self.size >= oldSelf.size'
  t.strictSame(judge(properties, rule, { size: 1 }), [], 'a new object has none')
  t.strictSame(judge(properties, rule, { size: 2 }, { size: 1 }), [])
  t.match(judge(properties, rule, { size: 1 }, { size: 2 }), [/failed rule/])
  const optional = { rule: 'oldSelf.hasValue() || self.size == 0', optionalOldSelf: true }
  t.strictSame(judge(properties, optional, { size: 0 }), [])
  t.match(judge(properties, optional, { size: 1 }), [/failed rule/])
  t.strictSame(judge(properties, optional, { size: 1 }, { size: 0 }), [])
  const items = (listType: string) => ({
    list: {
      ...{ type: 'array', 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': ['name'] },
      items: objectWith({ name: text, size: int }, [{ rule: 'self.size >= oldSelf.size' }]),
    },
  })
  t.match(judge(items('atomic'), 'true', {}), [/oldSelf cannot be used on the uncorrelatable portion/])
  const [a, b] = [
    { name: 'a', size: 1 },
    { name: 'b', size: 5 },
  ]
  t.strictSame(judge(items('map'), 'true', { list: [b, { ...a, size: 2 }] }, { list: [a, b] }), [])
  t.match(judge(items('map'), 'true', { list: [{ ...b, size: 1 }] }, { list: [a, b] }), [/^spec\.list\[0\] /])
})

const cases: Readonly<Record<string, readonly string[]>> = {
  lists: [
    '[1, 2].sum() == 3',
    '[3, 1].min() == 1',
    '[1, 3].max() == 3',
    '[1, 2].isSorted()',
    '!["b", "a"].isSorted()',
    '[1, 2, 1].lastIndexOf(1) == 2',
    '["a"].indexOf("b") == -1',
  ],
  sets: ['sets.contains([1, 2], [1])', 'sets.equivalent([1, 2], [2, 1])', '!sets.intersects([1], [2])'],
  texts: [
    '"abc".matches("^a.c$")',
    '"a-b".replace("-", "+") == "a+b"',
    '"abc".charAt(1) == "b"',
    '"a1b22".findAll("[0-9]+") == ["1", "22"]',
    '"abc1".find("[0-9]") == "1"',
    '"%s is %d".format(["a", 1]) == "a is 1"',
    '"AbC".lowerAscii() == "abc"',
    '"a,b".split(",").size() == 2',
  ],
  urls: [
    'isURL("https://example.com:8080/a?b=c")',
    '!isURL("no url")',
    'url("https://example.com:8080/a").getPort() == "8080"',
    'url("https://example.com:8080/a").getHostname() == "example.com"',
    'url("/a/b").getEscapedPath() == "/a/b"',
    'url("https://e.com/?k=a&k=b").getQuery()["k"] == ["a", "b"]',
    'url("https://e.com").getScheme() == "https"',
  ],
  addresses: [
    'isIP("10.0.0.1") && !isIP("10.0.0.256")',
    'ip("::1").family() == 6',
    'ip("127.0.0.1").isLoopback()',
    'ip.isCanonical("::1")',
    '!ip.isCanonical("0:0::1")',
    'isCIDR("10.0.0.0/8")',
    'cidr("10.0.0.0/8").containsIP("10.1.2.3")',
    'cidr("10.0.0.0/8").prefixLength() == 8',
    'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")',
    'cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8")',
    'ip("8.8.8.8").isGlobalUnicast()',
  ],
  quantities: [
    'isQuantity("500m") && !isQuantity("x")',
    'quantity("1Gi").isGreaterThan(quantity("1G"))',
    'quantity("2").add(quantity("1")).asInteger() == 3',
    'quantity("1").compareTo(quantity("1000m")) == 0',
    'quantity("-1").sign() == -1',
    'quantity("1.5").asApproximateFloat() > 1.4',
  ],
  formats: ['!format.dns1123Label().validate("a-b").hasValue()', 'format.dns1123Label().validate("A").hasValue()'],
  times: ['timestamp("2026-01-01T00:00:00Z") < timestamp("2026-01-02T00:00:00Z")', 'duration("90m") > duration("1h")'],
  has: ['has(self.list[0].name) && !has(self.list[0].other)', 'has(self.list.filter(i, i.name == "a")[0].name)'],
}

t.test('it has the functions of Kubernetes', async (t) => {
  const items = { type: 'object', properties: { name: text, other: text } }
  const properties = { list: { type: 'array', items } }
  for (const [name, rules] of Object.entries(cases))
    for (const rule of rules) t.strictSame(judge(properties, rule, { list: [{ name: 'a' }] }), [], `${name}: ${rule}`)
})

t.test('values are what their schema says', async (t) => {
  const properties = {
    either: { 'x-kubernetes-int-or-string': true },
    when: { type: 'string', format: 'date-time' },
    wait: { type: 'string', format: 'duration' },
    map: { type: 'object', additionalProperties: int },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    maybe: { ...text, nullable: true },
    namespace: text,
    'x-y': text,
    ratio: { type: 'number' },
  }
  const spec = {
    ...{ either: 5, when: '2026-01-01T00:00:00Z', wait: '90s', map: { a: 1, constructor: 2 } },
    ...{ free: { any: [1, { b: true }] }, maybe: null, namespace: 'n', 'x-y': 'z', ratio: 1 },
  }
  for (const rule of [
    'self.either == 5',
    'type(self.either) == int',
    'self.when < timestamp("2027-01-01T00:00:00Z")',
    'self.wait > duration("1m")',
    'self.map.all(k, self.map[k] > 0)',
    '"constructor" in self.map',
    'self.free.any[1].b',
    'self.maybe == null',
    'self.__namespace__ == "n"',
    'self.x__dash__y == "z"',
    'self.ratio == 1.0',
    'self == self',
  ])
    t.strictSame(judge(properties, rule, spec), [], rule)
})

t.test('a rule that would take too long is not run, and the object is refused', async (t) => {
  const properties = { list: { type: 'array', items: int } }
  const list = Array.from({ length: 2_000 }, (_, at) => at)
  const rule = 'self.list.all(a, self.list.all(b, self.list.all(c, a + b + c > -1)))'
  const before = performance.now()
  t.match(judge(properties, rule, { list }), [/running out of cost budget/])
  t.ok(performance.now() - before < 1_000)
  t.strictSame(judge(properties, rule, { list: list.slice(0, 10) }), [])
  const backtracking = { rule: 'self.matches("^(a+)+$")' }
  const root = readSchema({
    type: 'object',
    properties: { spec: { ...text, 'x-kubernetes-validations': [backtracking] } },
  })
  t.equal(brokenRules(compileRules(root), root, { spec: `${'a'.repeat(50_000)}!` }, undefined).length, 1)
  t.match(judge({ size: int }, `${'('.repeat(500)}true${')'.repeat(500)}`, {}), [/rule: Invalid value/])
})

t.test('what a rule costs grows with every list that is walked within another', async (t) => {
  const env = createEnvironment().registerVariable('self', 'list<list<int>>')
  const costs = (text: string) => [1, 10, 100].map((width) => compile(env, text, 'bool').cost(width))
  const [once, ten, hundred] = costs('self.size() > 1')
  t.equal(once, ten, 'no list is walked')
  t.equal(ten, hundred)
  const [a = 0, b = 0, c = 0] = costs('self.all(x, x.size() > 1)')
  t.equal((c - b) / (b - a), 10, 'one is')
  const [d = 0, e = 0, f = 0] = costs('self.all(x, x.exists(y, y > 1))')
  t.ok((f - e) / (e - d) > 50, 'two are')
  t.equal(compile(env, 'self.all(x, x.size() > 1)', 'bool').cost(0), a, 'an empty list is as one of one item')
})
