/** What a schema's values are to CEL: typed objects, so that a rule about a field that is not there does not compile. */

import { parseTime } from '../../api/clock.ts'
import { isJsonObject } from '../../api/json.ts'
import { type CelDuration, durationOf, type Environment } from '../cel/expression.ts'
import { CelObject, freeValue, isEqual } from '../cel/functions/values.ts'
import type { Structural } from './schema.ts'

export interface CelType {
  readonly name: string
  readonly convert: (value: unknown) => unknown
}

const reserved = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import'],
  ...['let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'],
])

/** The name by which CEL knows a field; undefined for one that it cannot name. */
const celName = (name: string): string | undefined => {
  if (reserved.has(name)) return `__${name}__`
  const escaped = name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__')
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined
}

const free: CelType = { name: 'dyn', convert: freeValue }

const timeOf = (value: unknown): unknown => {
  const time = typeof value === 'string' ? parseTime(/T/.test(value) ? value : `${value}T00:00:00Z`) : undefined
  return time ? new Date(time.ms) : value
}

const bytesOf = (value: unknown): unknown =>
  typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value

const spanOf = (value: unknown): CelDuration | unknown => (typeof value === 'string' ? durationOf(value) : value)

const texts: Readonly<Record<string, CelType>> = {
  'date-time': { name: 'google.protobuf.Timestamp', convert: timeOf },
  date: { name: 'google.protobuf.Timestamp', convert: timeOf },
  duration: { name: 'google.protobuf.Duration', convert: spanOf },
  byte: { name: 'bytes', convert: bytesOf },
}

const same = (value: unknown): unknown => value

const scalars: Readonly<Partial<Record<string, CelType>>> = {
  string: { name: 'string', convert: same },
  boolean: { name: 'bool', convert: same },
  number: { name: 'double', convert: (value) => (typeof value === 'bigint' ? Number(value) : value) },
  integer: { name: 'int', convert: (value) => (Number.isInteger(value) ? BigInt(Number(value)) : value) },
}

/** Types for one environment, each schema's once. */
export interface CelTypes {
  typeOf(schema: Structural, isRoot?: boolean): CelType
}

export const createCelTypes = (env: Environment): CelTypes => {
  const known = new Map<Structural, CelType>()
  let count = 0

  const objectType = (fields: ReadonlyMap<string, CelType>): CelType => {
    const name = `schema.Object${count++}`
    const Fields = class extends CelObject {}
    const named = new Map(
      [...fields].flatMap(([field, type]) => {
        const own = celName(field)
        return own === undefined ? [] : [[field, { own, type }] as const]
      }),
    )
    env.registerType(name, {
      ctor: Fields,
      fields: Object.fromEntries([...named.values()].map(({ own, type }) => [own, type.name])),
    })
    env.registerOperator(`${name} == ${name}`, isEqual)
    return {
      name,
      convert: (value) => {
        if (!isJsonObject(value)) return value
        const result = new Fields()
        for (const [field, { own, type }] of named)
          if (Object.hasOwn(value, field) && value[field] !== undefined)
            Object.defineProperty(result, own, { value: type.convert(value[field]), enumerable: true })
        return result
      },
    }
  }

  const text: CelType = { name: 'string', convert: same }
  const metadataType = (): CelType =>
    objectType(
      new Map([
        ['name', text],
        ['generateName', text],
      ]),
    )

  const objectOf = (schema: Structural, isRoot: boolean): CelType => {
    const { properties, additional, preserves, embedded } = schema
    if (properties.size === 0 && additional !== undefined) {
      const inner = additional === true ? free : typeOf(additional)
      return {
        name: `map<string, ${inner.name}>`,
        convert: (value) =>
          isJsonObject(value) ? new Map(Object.entries(value).map(([key, item]) => [key, inner.convert(item)])) : value,
      }
    }
    if (properties.size === 0 && preserves && !isRoot) return free
    const fields = new Map([...properties].map(([name, field]) => [name, typeOf(field)]))
    if (isRoot || embedded) {
      fields.set('apiVersion', text)
      fields.set('kind', text)
      fields.set('metadata', metadataType())
    }
    return objectType(fields)
  }

  const make = (schema: Structural, isRoot: boolean): CelType => {
    if (schema.intOrString) return free
    switch (schema.type) {
      case 'array': {
        const inner = schema.items ? typeOf(schema.items) : free
        const convert = (value: unknown): unknown => (Array.isArray(value) ? value.map(inner.convert) : value)
        return { name: `list<${inner.name}>`, convert }
      }
      case 'object':
        return objectOf(schema, isRoot)
      case 'string':
        return texts[schema.values.format] ?? text
      case undefined:
        return free
      default:
        return scalars[schema.type] ?? free
    }
  }

  const typeOf = (schema: Structural, isRoot = false): CelType => {
    const before = known.get(schema)
    if (before) return before
    const type = make(schema, isRoot)
    // A value that may be null is of no type that CEL has.
    const made = schema.nullable ? { ...type, name: 'dyn' } : type
    known.set(schema, made)
    return made
  }

  return { typeOf }
}
