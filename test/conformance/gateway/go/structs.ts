/** The structs that Go's packages declare, and what their values are in JSON. */
import { type Fields, isFields } from './run.ts'

interface Field {
  readonly name: string
  /** `[]*HTTPHeader`, as it is written. */
  readonly type: string
  /** Empty: that of a struct whose fields are those of the one around it. */
  readonly json: string
  readonly omitsEmpty: boolean
}

export interface Structs {
  readonly structs: ReadonlyMap<string, readonly Field[]>
  /** Other names for types: `Hostname` to `string`. */
  readonly names: ReadonlyMap<string, string>
}

const field = /^\s*(?:(\w+)\s+)?([\w.*[\]]+)\s+`json:"([^",]*)((?:,\w+)*)"/

const fieldOf = (line: string): readonly Field[] => {
  const [, name, type = '', json = '', options = ''] = field.exec(line) ?? []
  if (type === '') return []
  const own = name ?? type.replace(/^.*\./, '')
  return [{ name: own, type, json: options.includes('inline') ? '' : json, omitsEmpty: options.includes('omit') }]
}

export const readStructs = (sources: readonly string[]): Structs => {
  const structs = new Map<string, readonly Field[]>()
  const names = new Map<string, string>()
  for (const source of sources) {
    for (const [, name = '', body = ''] of source.matchAll(/^type (\w+) struct \{\n(.*?)^\}/gms))
      structs.set(name, body.split('\n').flatMap(fieldOf))
    for (const [, name = '', type = ''] of source.matchAll(/^type (\w+) ([\w.]+|\[\][\w.*]+)$/gm)) names.set(name, type)
  }
  return { structs, names }
}

const withoutPackage = (type: string): string => type.replace(/^.*\./, '')

/** The JSON that Go makes of a value of the type; undefined: none. */
export const jsonOf = (value: unknown, type: string, known: Structs): unknown => {
  if (type.startsWith('*')) return isAbsent(value) ? undefined : jsonOf(value, type.slice(1), known)
  if (type.startsWith('[]'))
    return Array.isArray(value) ? value.map((item) => jsonOf(item, type.slice(2), known)) : undefined
  if (type.startsWith('map[')) {
    const element = type.slice(type.indexOf(']') + 1)
    return isFields(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item, element, known)]))
      : undefined
  }
  const name = withoutPackage(type)
  const fields = known.structs.get(name)
  if (fields) return jsonOfStruct(isFields(value) ? value : {}, fields, known)
  const alias = known.names.get(name)
  if (alias !== undefined && alias !== 'string') return jsonOf(value, alias, known)
  if (alias === 'string' || name === 'string') return isAbsent(value) ? '' : value
  if (/^u?int\d*$/.test(name)) return isAbsent(value) ? 0 : value
  return isAbsent(value) ? undefined : value
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null

const isEmpty = (value: unknown, type: string): boolean =>
  !type.startsWith('*') &&
  (isAbsent(value) || value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0))

const jsonOfStruct = (value: Fields, fields: readonly Field[], known: Structs): Fields =>
  Object.fromEntries(
    fields.flatMap(({ name, type, json, omitsEmpty }): readonly (readonly [string, unknown])[] => {
      // What is set of an embedded struct may also be set through the one around it.
      const own = json === '' && isAbsent(value[name]) ? value : value[name]
      const made = jsonOf(own, type, known)
      if (json === '') return Object.entries(isFields(made) ? made : {})
      return made === undefined || (omitsEmpty && isEmpty(made, type)) ? [] : [[json, made]]
    }),
  )
