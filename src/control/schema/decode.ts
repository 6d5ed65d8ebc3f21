/**
 * Untrusted JSON in, an object of a known type out, as Go's decoder would have it: wrong types are refused, unknown fields
 * dropped and reported, and what Go cannot tell from nothing (an empty text, a zero, `null`) is nothing, so that defaults,
 * validation, comparison and generation see one form of each object.
 */

import { formatTime, parseTime } from '../../api/clock.ts'
import { badRequest } from '../../api/errors.ts'
import { type Integer, isJsonObject } from '../../api/json.ts'
import { formatQuantity, parseQuantity } from '../../api/quantity.ts'
import { type Field, type FieldType, fieldsOf, type Scalar } from './types.ts'

export interface Decoded {
  readonly value: Readonly<Record<string, unknown>>
  /** Paths of fields the type does not have: `spec.containers[0].imag`. */
  readonly unknown: readonly string[]
}

const isNumber = (value: unknown): value is Integer => typeof value === 'number' || typeof value === 'bigint'

/** `number 1.5` where a whole one was wanted. */
const nameOf = (value: unknown, wanted: string): string => {
  if (Array.isArray(value)) return 'array'
  if (isNumber(value)) return wanted.startsWith('int') ? `number ${value}` : 'number'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

const goNames: Partial<Readonly<Record<Scalar, string>>> = { boolean: 'bool', number: 'float64', any: 'object' }

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const int32Max = 2 ** 31

const isInteger = (value: unknown): value is Integer => typeof value === 'bigint' || Number.isSafeInteger(value)

const isTime = (value: unknown): boolean => typeof value === 'string' && parseTime(value) !== undefined

const canonicalTime = (value: unknown, withFraction: boolean): unknown => {
  const time = parseTime(String(value))
  if (!time) return value
  const seconds = formatTime(time.ms)
  return withFraction ? seconds.replace('Z', `.${time.micros}Z`) : seconds
}

/** Long numbers are slow to read, and mean nothing that is measured. */
const isQuantity = (text: string): boolean => text.length <= 64 && parseQuantity(text) !== undefined

/** Whether a value has the scalar's JSON type. */
const fits: Readonly<Record<Scalar, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => isNumber(value) && Number.isFinite(Number(value)),
  int64: isInteger,
  int32: (value) => isInteger(value) && value >= -int32Max && value < int32Max,
  time: isTime,
  microtime: isTime,
  quantity: (value) => (typeof value === 'string' || isNumber(value)) && isQuantity(String(value)),
  intOrString: (value) => fits.int32(value) || typeof value === 'string',
  bytes: (value) => typeof value === 'string' && base64.test(value.replaceAll(/[\r\n]/g, '')),
  any: () => true,
}

/** `null` is what was not said. */
const isNothing = (value: unknown): boolean => value === null || value === undefined

/** A value in the one form that it is kept in: Kubernetes decodes and encodes what it is sent. */
const canonical: Partial<Readonly<Record<Scalar, (value: unknown) => unknown>>> = {
  quantity: (value) => formatQuantity(String(value)),
  number: Number,
  time: (value) => canonicalTime(value, false),
  microtime: (value) => canonicalTime(value, true),
  bytes: (value) => Buffer.from(String(value), 'base64').toString('base64'),
}

/** What `null` stands for where something has to stand: in a list or a map. */
const zeroScalars: Partial<Readonly<Record<Scalar, unknown>>> = {
  string: '',
  int32: 0,
  int64: 0,
  number: 0,
  boolean: false,
  quantity: '0',
  intOrString: 0,
  bytes: '',
}

const isZeroScalar = (value: unknown): boolean => value === '' || value === 0 || value === false

/** An empty value that Go leaves out, as its field is no pointer. */
const isLeftOut = (value: unknown, { type, pointer }: Field): boolean => {
  if (pointer) return false
  switch (type.kind) {
    case 'scalar':
      // `0` is a port like any other to Go, but where it is not asked for by pointer it is none.
      return type.scalar !== 'any' && type.scalar !== 'quantity' && isZeroScalar(value)
    case 'list':
      return Array.isArray(value) && value.length === 0
    case 'map':
      return isJsonObject(value) && Object.keys(value).length === 0
    case 'object':
      return false
  }
}

const always = new Map<string, readonly (readonly [name: string, type: FieldType])[]>()

/** The few fields that an object of the type has whatever was said. */
const alwaysIn = (typeName: string): readonly (readonly [name: string, type: FieldType])[] => {
  const known = always.get(typeName)
  if (known) return known
  const found = [...fieldsOf(typeName)].flatMap(([name, field]) => (field.always ? [[name, field.type] as const] : []))
  always.set(typeName, found)
  return found
}

/**
 * Checks a body against a type of the schema. Throws BadRequest in the words the API server passes on from its decoder;
 * `kind` names the object in them.
 */
export const decode = (body: unknown, kind: string, type: string): Decoded => {
  const unknown: string[] = []
  const version = type.slice(type.indexOf('/') + 1, type.indexOf('.'))

  const refuse = (path: string, value: unknown, wanted: string): never => {
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${kind}: json: cannot unmarshal ${nameOf(value, wanted)} into Go struct field ${kind}.${path} of type ${wanted}`,
    )
  }

  const decodeScalar = (value: unknown, scalar: Scalar, path: string): unknown => {
    if (!fits[scalar](value)) return refuse(path, value, goNames[scalar] ?? scalar)
    return canonical[scalar]?.(value) ?? value
  }

  /** What Go has where nothing was said. */
  const zeroOf = (of: FieldType, path: string): unknown => {
    switch (of.kind) {
      case 'scalar':
        return zeroScalars[of.scalar]
      case 'list':
        return []
      case 'map':
        return {}
      case 'object':
        return decodeObject({}, of.type, path)
    }
  }

  const decodeItem = (value: unknown, of: FieldType, path: string): unknown =>
    isNothing(value) ? (zeroOf(of, path) ?? null) : decodeValue(value, of, path)

  const decodeValue = (value: unknown, of: FieldType, path: string): unknown => {
    switch (of.kind) {
      case 'scalar':
        return decodeScalar(value, of.scalar, path)
      case 'object':
        return decodeObject(value, of.type, path)
      case 'list':
        if (!Array.isArray(value)) return refuse(path, value, 'slice')
        return value.map((item, at) => decodeItem(item, of.of, `${path}[${at}]`))
      case 'map':
        if (!isJsonObject(value)) return refuse(path, value, 'map')
        return Object.fromEntries(
          Object.entries(value).map(([key, item]) => [key, decodeItem(item, of.of, `${path}[${key}]`)]),
        )
    }
  }

  const decodeObject = (value: unknown, typeName: string, path: string): Readonly<Record<string, unknown>> => {
    if (!isJsonObject(value)) return refuse(path, value, typeName)
    const fields = fieldsOf(typeName)
    const result: Record<string, unknown> = {}
    for (const [name, item] of Object.entries(value)) {
      const field = fields.get(name)
      const at = path === '' ? name : `${path}.${name}`
      if (!field) unknown.push(at)
      else if (!isNothing(item)) {
        const decoded = decodeValue(item, field.type, at)
        if (!isLeftOut(decoded, field)) result[name] = decoded
      }
    }
    for (const [name, of] of alwaysIn(typeName)) {
      if (result[name] !== undefined) continue
      const zero = zeroOf(of, path === '' ? name : `${path}.${name}`)
      if (zero !== undefined) result[name] = zero
    }
    return result
  }

  return { value: decodeObject(body, type, ''), unknown }
}
