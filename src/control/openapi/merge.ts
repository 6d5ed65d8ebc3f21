/** Several OpenAPI v2 documents as one. Pure. */
import { deepEqual } from '../../api/deep-equal.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { OpenApiV2 } from './v2.ts'

/** What one server says of its kinds. */
export interface OpenApiPart {
  readonly paths: Readonly<Record<string, JsonObject>>
  readonly definitions: Readonly<Record<string, JsonObject>>
}

const prefix = '#/definitions/'

/** The value with its references to definitions under other names. */
const renamed = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (Array.isArray(value)) return value.map((item) => renamed(item, names))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== '$ref' || typeof item !== 'string' || !item.startsWith(prefix)) return [key, renamed(item, names)]
      const name = item.slice(prefix.length)
      return [key, `${prefix}${names.get(name) ?? name}`]
    }),
  )
}

/** Names of definitions that a value refers to. */
function* referred(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* referred(item)
  else if (isJsonObject(value))
    for (const [key, item] of Object.entries(value))
      if (key === '$ref' && typeof item === 'string' && item.startsWith(prefix)) yield item.slice(prefix.length)
      else yield* referred(item)
}

/** The definitions that some paths need, and those that these need. */
const needed = ({ paths, definitions }: OpenApiPart): ReadonlySet<string> => {
  const found = new Set<string>()
  const waiting = [...referred(paths)]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name) || !Object.hasOwn(definitions, name)) continue
    found.add(name)
    waiting.push(...referred(definitions[name]))
  }
  return found
}

const freeName = (name: string, taken: Readonly<Record<string, unknown>>): string => {
  for (let at = 2; ; at++) if (!Object.hasOwn(taken, `${name}_v${at}`)) return `${name}_v${at}`
}

const withPart = (whole: OpenApiV2, part: OpenApiPart): OpenApiV2 => {
  const used = [...needed(part)]
  const other = used.filter(
    (name) => Object.hasOwn(whole.definitions, name) && !deepEqual(whole.definitions[name], part.definitions[name]),
  )
  // Of one name there are two definitions: that of the part gets another, as kube-aggregator does it.
  const names = new Map(other.map((name) => [name, freeName(name, whole.definitions)]))
  const added = used.map((name) => [names.get(name) ?? name, renamed(part.definitions[name], names)])
  const paths = Object.entries(part.paths).filter(([path]) => !Object.hasOwn(whole.paths, path))
  return {
    ...whole,
    paths: { ...whole.paths, ...Object.fromEntries(paths.map(([path, item]) => [path, renamed(item, names)])) },
    definitions: { ...Object.fromEntries(added), ...whole.definitions },
  }
}

/** Whose path it is first keeps it. */
export const mergeDocuments = (own: OpenApiV2, parts: readonly OpenApiPart[]): OpenApiV2 => parts.reduce(withPart, own)
