/** The CEL rules of a schema (`x-kubernetes-validations`): compiled once, and what objects break of them. */
import { errorText, type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import {
  compile,
  createEnvironment,
  type Environment,
  type Expression,
  optionalOf,
  ownWords,
} from '../cel/expression.ts'
import { widthOf } from '../cel/functions/values.ts'
import { type CelType, type CelTypes, createCelTypes } from './cel-types.ts'
import { type Rule, type Structural, schemaOfField } from './schema.ts'

interface CompiledRule {
  readonly rule: Rule
  readonly expression: Expression
  readonly message: Expression | undefined
}

interface CompiledNode {
  readonly rules: readonly CompiledRule[]
  readonly type: CelType
}

export interface CompiledRules {
  readonly nodes: ReadonlyMap<Structural, CompiledNode>
  /** Schemas with a rule in them or below. */
  readonly holders: ReadonlySet<Structural>
  readonly errors: readonly FieldError[]
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

/** Schemas within a schema that describe parts of its values, with their places. `isKept`: old values can be told there. */
const partsOf = (
  schema: Structural,
  path: string,
  isKept: boolean,
): readonly { readonly schema: Structural; readonly path: string; readonly isKept: boolean }[] => [
  ...[...schema.properties].map(([name, each]) => ({ schema: each, path: `${path}.properties[${name}]`, isKept })),
  ...(schema.items
    ? [{ schema: schema.items, path: `${path}.items`, isKept: isKept && schema.listType === 'map' }]
    : []),
  ...(schema.additional !== undefined && schema.additional !== true
    ? [{ schema: schema.additional, path: `${path}.additionalProperties`, isKept }]
    : []),
]

const findHolders = (schema: Structural, found: Set<Structural>): boolean => {
  const inner = partsOf(schema, '', true).map((part) => findHolders(part.schema, found))
  const holds = schema.rules.length > 0 || inner.includes(true)
  if (holds) found.add(schema)
  return holds
}

/** `.spec.size` or `['a.b']`, below the schema that has the rule. */
const isFieldPath = (path: string, schema: Structural): boolean => {
  const steps = [...path.matchAll(/\.([^.[\]]+)|\['([^']+)'\]/g)].map(([, name, quoted]) => name ?? quoted ?? '')
  if (steps.length === 0 || !/^(?:\.[^.[\]]+|\['[^']+'\])+$/.test(path)) return false
  return steps.reduce<Structural | undefined>((at, name) => at && schemaOfField(at, name), schema) !== undefined
}

const compileRule = (
  env: Environment,
  rule: Rule,
  schema: Structural,
  place: { readonly path: string; readonly isKept: boolean },
  errors: FieldError[],
): readonly CompiledRule[] => {
  const { path } = place
  if (/[\r\n]/.test(rule.message))
    errors.push(invalidValue(`${path}.message`, rule.message, 'message must not contain line breaks'))
  if (/[\r\n]/.test(rule.rule) && rule.message === '')
    errors.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'))
  if (rule.reason !== '' && !reasons.includes(rule.reason))
    errors.push(notSupported(`${path}.reason`, rule.reason, reasons))
  if (rule.fieldPath !== '' && !isFieldPath(rule.fieldPath, schema))
    errors.push(invalidValue(`${path}.fieldPath`, rule.fieldPath, 'fieldPath must be a valid path'))
  let message: Expression | undefined
  try {
    message = rule.messageExpression === '' ? undefined : compile(env, rule.messageExpression, 'string')
  } catch (error) {
    errors.push(
      invalidValue(
        `${path}.messageExpression`,
        rule.messageExpression,
        `messageExpression compilation failed: ${errorText(error)}`,
      ),
    )
  }
  if (rule.rule.trim() === '') {
    errors.push(required(`${path}.rule`, 'rule is not specified'))
    return []
  }
  try {
    const expression = compile(env, rule.rule, 'bool')
    if (expression.uses('oldSelf') && !place.isKept)
      errors.push(
        invalidValue(`${path}.rule`, rule.rule, 'oldSelf cannot be used on the uncorrelatable portion of the schema'),
      )
    if (rule.optionalOldSelf && !expression.uses('oldSelf'))
      errors.push(invalidValue(`${path}.optionalOldSelf`, true, 'may not be set if oldSelf is not used in rule'))
    return [{ rule, expression, message }]
  } catch (error) {
    errors.push(invalidValue(`${path}.rule`, rule.rule, `compilation failed: ERROR: ${errorText(error)}`))
    return []
  }
}

/** `path`: where the schema stands, for the errors of its rules. */
export const compileRules = (root: Structural, path = ''): CompiledRules => {
  const holders = new Set<Structural>()
  const nodes = new Map<Structural, CompiledNode>()
  const errors: FieldError[] = []
  if (!findHolders(root, holders)) return { nodes, holders, errors }

  const shared = createEnvironment()
  const types: CelTypes = createCelTypes(shared)
  const typed = new Map<Structural, CelType>()
  for (const schema of holders) if (schema.rules.length > 0) typed.set(schema, types.typeOf(schema, schema === root))

  const visit = (schema: Structural, at: string, isKept: boolean): void => {
    if (!holders.has(schema)) return
    const type = typed.get(schema)
    if (type) {
      const env = shared.clone().registerVariable('self', type.name).registerVariable('oldSelf', type.name)
      const optional = shared
        .clone()
        .registerVariable('self', type.name)
        .registerVariable('oldSelf', `optional<${type.name}>`)
      const rules = schema.rules.flatMap((rule, index) => {
        const place = { path: `${at}.x-kubernetes-validations[${index}]`, isKept }
        return compileRule(rule.optionalOldSelf ? optional : env, rule, schema, place, errors)
      })
      nodes.set(schema, { rules, type })
    }
    for (const part of partsOf(schema, at, isKept)) visit(part.schema, part.path, part.isKept)
  }
  visit(root, path, true)
  return { nodes, holders, errors }
}

/** For all rules of one object: what they may cost together. */
const budget = 5_000_000

const exhausted = 'validation failed due to running out of cost budget, no further validation rules will be run'

const errorFor = ({ reason, fieldPath }: Rule, schema: Structural, path: string, message: string): FieldError => {
  const field = `${path}${fieldPath}`.replace(/^\./, '')
  const type = schema.type ?? ''
  switch (reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, message)
    case 'FieldValueRequired':
      return required(field, message)
    case 'FieldValueDuplicate':
      return { reason, field, message: `Duplicate value: ${JSON.stringify(type)}` }
    default:
      return invalidValue(field, type, message)
  }
}

const messageOf = ({ rule, message }: CompiledRule, values: Readonly<Record<string, unknown>>): string =>
  ownWords(message, values, rule.message.trim() || `failed rule: ${rule.rule.trim()}`)

const keyOf = (item: unknown, { listKeys }: Structural): string =>
  JSON.stringify(listKeys.map((key) => (isJsonObject(item) ? (item[key] ?? null) : null)))

/** What was at the place of an item before; undefined where that cannot be told. */
const olderItem = (old: unknown, schema: Structural): ((item: unknown) => unknown) => {
  if (schema.listType !== 'map' || !Array.isArray(old)) return () => undefined
  const items = new Map(old.map((item) => [keyOf(item, schema), item as unknown]))
  return (item) => items.get(keyOf(item, schema))
}

/** What all rules of one value are asked about. */
interface Known {
  readonly width: number
  readonly self: unknown
  /** What it replaces; undefined where there was nothing, or that cannot be told. */
  readonly older: unknown
}

/** What a value breaks of the rules. `old`: what it replaces. */
export const brokenRules = (
  { nodes, holders }: CompiledRules,
  root: Structural,
  object: unknown,
  old: unknown,
): readonly FieldError[] => {
  const errors: FieldError[] = []
  let left = budget

  const evaluate = (compiled: CompiledRule, schema: Structural, { width, self, older }: Known, path: string): void => {
    const { rule, expression } = compiled
    const isTransition = expression.uses('oldSelf')
    if (isTransition && older === undefined && !rule.optionalOldSelf) return
    left -= expression.cost(width)
    if (left < 0) {
      errors.push(invalidValue(path.replace(/^\./, ''), schema.type ?? '', exhausted))
      return
    }
    const values = { self, oldSelf: rule.optionalOldSelf ? optionalOf(older) : older }
    try {
      if (expression.evaluate(values) !== true) errors.push(errorFor(rule, schema, path, messageOf(compiled, values)))
    } catch (error) {
      const told = `rule evaluation error: ${errorText(error)} evaluating rule: ${rule.message || rule.rule}`
      errors.push(invalidValue(path.replace(/^\./, ''), schema.type ?? '', told))
    }
  }

  const walk = (value: unknown, before: unknown, schema: Structural, path: string): void => {
    if (left < 0 || !holders.has(schema) || value === undefined || value === null) return
    const node = nodes.get(schema)
    if (node) {
      const { convert } = node.type
      const older = before === undefined ? undefined : convert(before)
      const known = { width: widthOf(value), self: convert(value), older }
      for (const compiled of node.rules) if (left >= 0) evaluate(compiled, schema, known, path)
    }
    const { items } = schema
    if (Array.isArray(value) && items) {
      const older = olderItem(before, schema)
      for (const [at, item] of value.entries()) walk(item, older(item), items, `${path}[${at}]`)
    } else if (isJsonObject(value))
      for (const [name, item] of Object.entries(value)) {
        const field = schemaOfField(schema, name)
        const own = isJsonObject(before) ? before[name] : undefined
        if (field) walk(item, own ?? undefined, field, `${path}.${name}`)
      }
  }

  walk(object, old ?? undefined, root, '')
  return errors
}
