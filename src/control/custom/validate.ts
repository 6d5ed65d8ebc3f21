/** Everything that is wrong with an object of a kind that a CustomResourceDefinition defines. Pure. */
import type { FieldError } from '../../api/errors.ts'
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

/** Rules are asked about values that are what their types say. */
const valueErrors = (schema: Structural, object: KubeObject, old?: KubeObject): readonly FieldError[] => {
  const wrong = validateValue(object, schema, '')
  if (wrong.length > 0) return wrong
  return [...validateLists(object, schema, ''), ...brokenRules(rulesOf(schema), schema, object, old)]
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
