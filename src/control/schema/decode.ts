/** Untrusted JSON in, an object of a known type out: wrong types are refused, unknown fields dropped and reported. */
import { badRequest } from '../../api/errors.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { type FieldType, fieldsOf, type Scalar } from './types.ts'

export interface Decoded {
  readonly value: Readonly<Record<string, unknown>>
  /** Paths of fields the type does not have: `spec.containers[0].imag`. */
  readonly unknown: readonly string[]
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const nameOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value

const goNames: Partial<Readonly<Record<Scalar, string>>> = { boolean: 'bool', number: 'float64', any: 'object' }

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const int32Max = 2 ** 31

const isInteger = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value)

const isTime = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 64 && rfc3339.test(value) && !Number.isNaN(Date.parse(value))

/** Long numbers are slow to read, and mean nothing that is measured. */
const isQuantity = (text: string): boolean => text.length <= 64 && parseQuantity(text) !== undefined

/** Whether a value has the scalar's JSON type. */
const fits: Readonly<Record<Scalar, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => Number.isFinite(value),
  int64: isInteger,
  int32: (value) => isInteger(value) && value >= -int32Max && value < int32Max,
  time: isTime,
  microtime: isTime,
  quantity: (value) => (typeof value === 'string' || typeof value === 'number') && isQuantity(String(value)),
  intOrString: (value) => isInteger(value) || typeof value === 'string',
  bytes: (value) => typeof value === 'string' && base64.test(value.replaceAll(/[\r\n]/g, '')),
  any: () => true,
}

/** Values that carry no information on the wire and are left out of the result. */
const isNothing = (value: unknown): boolean => value === null || value === undefined

/** What a field holds that nobody sets, in the real server: whoever checks it need not ask whether it is there. */
const zeroOf = (type: FieldType): unknown => {
  switch (type.kind) {
    case 'scalar':
      return type.scalar === 'string' ? '' : undefined
    case 'list':
      return []
    case 'object':
    case 'map':
      return {}
  }
}

/**
 * Checks a body against a type of the schema. `null` fields count as missing. Throws BadRequest in the words the API
 * server passes on from its decoder; `kind` names the object in them.
 */
export const decode = (body: unknown, kind: string, type: string): Decoded => {
  const unknown: string[] = []

  const refuse = (path: string, value: unknown, wanted: string): never => {
    throw badRequest(
      `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal ${nameOf(value)} into Go struct field ${kind}.${path} of type ${wanted}`,
    )
  }

  const decodeScalar = (value: unknown, scalar: Scalar, path: string): unknown => {
    if (!fits[scalar](value)) return refuse(path, value, goNames[scalar] ?? scalar)
    return scalar === 'quantity' ? String(value) : value
  }

  const decodeValue = (value: unknown, of: FieldType, path: string): unknown => {
    switch (of.kind) {
      case 'scalar':
        return decodeScalar(value, of.scalar, path)
      case 'object':
        return decodeObject(value, of.type, path)
      case 'list':
        if (!Array.isArray(value)) return refuse(path, value, 'slice')
        return value.map((item, at) => decodeValue(item, of.of, `${path}[${at}]`))
      case 'map':
        if (!isObject(value)) return refuse(path, value, 'map')
        return Object.fromEntries(
          Object.entries(value).flatMap(([key, item]) =>
            isNothing(item) ? [] : [[key, decodeValue(item, of.of, `${path}[${key}]`)]],
          ),
        )
    }
  }

  const decodeObject = (value: unknown, typeName: string, path: string): Readonly<Record<string, unknown>> => {
    if (!isObject(value)) return refuse(path, value, typeName)
    const fields = fieldsOf(typeName)
    const result: Record<string, unknown> = {}
    for (const [name, item] of Object.entries(value)) {
      const field = fields.get(name)
      const at = path === '' ? name : `${path}.${name}`
      if (!field) unknown.push(at)
      else if (!isNothing(item)) result[name] = decodeValue(item, field.type, at)
    }
    for (const [name, { type: of, required }] of fields) {
      const zero = required && result[name] === undefined ? zeroOf(of) : undefined
      if (zero !== undefined) result[name] = of.kind === 'object' ? decodeObject(zero, of.type, path) : zero
    }
    return result
  }

  return { value: decodeObject(body, type, ''), unknown }
}
