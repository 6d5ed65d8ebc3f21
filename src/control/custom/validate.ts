/** Everything that is wrong with an object of a kind that a CustomResourceDefinition defines. Pure. */
import { type FieldError, invalidValue } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { newErrors } from '../registry/validate.ts'
import { brokenRules, type CompiledRules, compileRules } from '../structural/cel-rules.ts'
import { validateLists } from '../structural/lists.ts'
import type { Structural } from '../structural/schema.ts'
import { validateValue } from '../structural/validate.ts'

const compiled = new WeakMap<Structural, CompiledRules>()

const rulesOf = (schema: Structural): CompiledRules => {
  const known = compiled.get(schema) ?? compileRules(schema)
  compiled.set(schema, known)
  return known
}

/** Values that are not even what their types say, or too many: no rule is asked about such an object. */
const blocking: readonly string[] = [
  ...['FieldValueTypeInvalid', 'FieldValueRequired', 'FieldValueNotSupported', 'FieldValueTooLong'],
  'FieldValueTooMany',
]

const notChecked = invalidValue(
  '<nil>',
  'null',
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
)

const valueErrors = (schema: Structural, object: KubeObject, old?: KubeObject): readonly FieldError[] => {
  const wrong = [...validateValue(object, schema, ''), ...validateLists(object, schema, '')]
  const rules = rulesOf(schema)
  if (rules.nodes.size === 0) return wrong
  return wrong.some(({ reason }) => blocking.includes(reason))
    ? [...wrong, notChecked]
    : [...wrong, ...brokenRules(rules, schema, object, old)]
}

/** What was wrong before may stay as it is, so that the object can still be changed. */
export const errorsOf = (
  schema: Structural,
  object: KubeObject,
  old: KubeObject | undefined,
): readonly FieldError[] => {
  const errors = valueErrors(schema, object, old)
  return old ? newErrors(errors, () => valueErrors(schema, old)) : errors
}
