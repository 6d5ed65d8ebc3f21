/** Checks that the kinds of the Gateway API share, with the limits of its CRDs. */
import { type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { isPort, portRange } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

export const atMost = (limit: number, items: readonly unknown[] | undefined, field: string): FieldError[] =>
  (items?.length ?? 0) > limit
    ? [{ reason: 'FieldValueTooMany', field, message: `Too many: ${items?.length}: must have at most ${limit} items` }]
    : []

/** A text that has to match; `undefined` is nothing to complain about. */
export const matching = (
  pattern: RegExp,
  longest: number,
  value: string | undefined,
  field: string,
  what = `should match '${pattern.source}'`,
): FieldError[] => {
  if (value === undefined) return []
  if (value.length > longest)
    return [{ reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${longest} bytes` }]
  return pattern.test(value) ? [] : [invalidValue(field, value, what)]
}

export const oneOf = (values: readonly string[], value: string | undefined, field: string): FieldError[] =>
  value === undefined || values.includes(value) ? [] : [notSupported(field, value, values)]

export const present = (value: unknown, field: string): FieldError[] =>
  value === undefined || value === '' ? [required(field)] : []

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const wholeSubdomain = new RegExp(`^${subdomain}$`)

/** `*.` may stand in front. */
export const checkHostname = (value: string | undefined, field: string): FieldError[] =>
  matching(new RegExp(`^(\\*\\.)?${subdomain}$`), 253, value, field)

export const checkPreciseHostname = (value: string | undefined, field: string): FieldError[] =>
  matching(wholeSubdomain, 253, value, field)

export const checkSectionName = checkPreciseHostname

const group = new RegExp(`^$|^${subdomain}$`)
const kind = /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/

export const checkPort = (value: number | undefined, field: string): FieldError[] =>
  value === undefined || isPort(value) ? [] : [invalidValue(field, value, portRange)]

interface Reference {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name?: string
}

/** A reference to an object, defaults filled. */
export const checkReference = (reference: Reference, field: string): FieldError[] => [
  ...matching(group, 253, reference.group, `${field}.group`),
  ...present(reference.kind, `${field}.kind`),
  ...matching(kind, 63, reference.kind, `${field}.kind`),
  ...matching(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 63, reference.namespace, `${field}.namespace`),
  ...present(reference.name, `${field}.name`),
  ...matching(/./s, 253, reference.name, `${field}.name`),
]

/** For each item whose key stands before it, an error. */
export const distinct = <T>(
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
  field: string,
  message: string,
): FieldError[] => {
  return repeatedAt(items.map(keyOf)).length > 0
    ? [{ reason: 'FieldValueInvalid', field, message: `Invalid value: "array": ${message}` }]
    : []
}
