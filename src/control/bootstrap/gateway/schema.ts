/** The words by which the schemas of this folder are written. Each takes first what the field is, for people. Pure. */
import type { JSONSchemaProps as Schema, ValidationRule } from '../../../api/types/kubernetes/apiextensions-v1.ts'

export type { Schema }

/** What must be true of a value (`rule`, in CEL), and what whoever breaks it is told. */
export const rule = (message: string, expression: string): ValidationRule => ({ rule: expression, message })

/** Two rules: the field is there for this `type`, and for no other. */
export const fieldOfType = (field: string, type: string): readonly ValidationRule[] => [
  rule(`${field} is required for type ${type}`, `self.type != '${type}' || has(self.${field})`),
  rule(`${field} is for type ${type} alone`, `self.type == '${type}' || !has(self.${field})`),
]

const withRules = (rules: readonly ValidationRule[]): Schema =>
  rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }

/** More of a schema than its type says. */
type Facts = Omit<Schema, 'description' | 'type'>

export const object = <Name extends string>(
  description: string,
  properties: Readonly<Record<Name, Schema>>,
  required: readonly NoInfer<Name>[] = [],
  rules: readonly ValidationRule[] = [],
): Schema => ({
  ...{ description, type: 'object', properties },
  ...(required.length === 0 ? {} : { required }),
  ...withRules(rules),
})

export const map = (
  description: string,
  entries: Schema,
  facts: Facts = {},
  rules: readonly ValidationRule[] = [],
): Schema => ({ description, type: 'object', additionalProperties: entries, ...facts, ...withRules(rules) })

const list =
  (type: 'atomic' | 'set') =>
  (description: string, items: Schema, facts: Facts = {}, rules: readonly ValidationRule[] = []): Schema => ({
    ...{ description, type: 'array', items, 'x-kubernetes-list-type': type },
    ...facts,
    ...withRules(rules),
  })

/** Whoever applies it owns all of it. */
export const atomicList = list('atomic')

export const set = list('set')

/** Of items that are told apart by one field. */
export const listBy = (
  key: string,
  description: string,
  items: Schema,
  facts: Facts = {},
  rules: readonly ValidationRule[] = [],
): Schema => ({
  ...{ description, type: 'array', items },
  ...{ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] },
  ...facts,
  ...withRules(rules),
})

export const text = (description: string, facts: Facts = {}): Schema => ({ description, type: 'string', ...facts })

export const oneOf = (description: string, values: readonly string[], given?: string): Schema =>
  text(description, { enum: values, ...(given === undefined ? {} : { default: given }) })

export const integer = (description: string, facts: Facts = {}): Schema => ({ description, type: 'integer', ...facts })

export const int32 = (description: string, facts: Facts = {}): Schema =>
  integer(description, { format: 'int32', ...facts })

export const flag = (description: string): Schema => ({ description, type: 'boolean' })

const everyObject: Readonly<Record<string, Schema>> = {
  apiVersion: text('The group and the version of this form of the object.'),
  kind: text('What the object is.'),
  metadata: { description: 'Name, namespace, labels and the like.', type: 'object' },
}

/** A whole kind. */
export const kind = (description: string, spec: Schema, status?: Schema): Schema =>
  object<string>(description, { ...everyObject, spec, ...(status ? { status } : {}) }, ['spec'])
