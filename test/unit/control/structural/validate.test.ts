/** What is told of values that fit none of several schemas. */
import t from 'tap'
import { readSchema } from '../../../../src/control/structural/schema.ts'
import { validateValue } from '../../../../src/control/structural/validate.ts'

const judge = (schema: unknown, value: unknown): readonly string[] =>
  validateValue(value, readSchema(schema), 'spec').map(({ field, message }) => `${field}: ${message}`)

t.test('of alternatives that all fail, the one that says most of the value is told', async (t) => {
  const address = {
    type: 'object',
    properties: { type: { type: 'string' }, value: { type: 'string' } },
    oneOf: [
      { properties: { type: { not: { enum: ['IP'] } } } },
      { properties: { type: { enum: ['IP'] }, value: { anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] } } },
    ],
  }
  t.strictSame(judge(address, { type: 'IP', value: '10.0.0.1' }), [])
  t.strictSame(judge(address, { type: 'Name', value: 'x' }), [])
  t.strictSame(judge(address, { type: 'IP', value: 'x' }), [
    'spec: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid',
    'spec.value: Invalid value: "": "spec.value" must validate at least one schema (anyOf)',
    'spec.value: Invalid value: "x": spec.value in body must be of type ipv4: "x"',
  ])
})

t.test('two that both fit are one too many where only one may', async (t) => {
  const one = { type: 'string', oneOf: [{ minLength: 1 }, { minLength: 2 }] }
  t.strictSame(judge(one, 'a'), [])
  t.strictSame(judge(one, 'ab'), [
    'spec: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ])
})
