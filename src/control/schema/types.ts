/**
 * The types of every built-in kind, each fact once: `kubernetes/*.json` (made by scripts/schema.ts, which explains the words).
 * A type's name is its group version and its own: `core/v1.PodSpec`.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** A field's type, parsed from its word: `string`, `[core/v1.Container]`, `{quantity}`. */
export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'object'; readonly type: string }
  | { readonly kind: 'list'; readonly of: FieldType }
  | { readonly kind: 'map'; readonly of: FieldType }

const scalars = [
  ...(['string', 'int32', 'int64', 'number', 'boolean', 'time', 'microtime'] as const),
  ...(['quantity', 'intOrString', 'bytes', 'any'] as const),
] as const
export type Scalar = (typeof scalars)[number]

/** How a strategic merge patch treats a list (the API types' `patchStrategy` and `patchMergeKey`). */
export interface MergeRule {
  /** The field that identifies an item; missing for lists of plain values, which are merged as sets. */
  readonly key?: string
  /** Unlisted fields of the object or item are dropped when the patch says `$retainKeys`. */
  readonly retainKeys?: boolean
}

export interface Field {
  readonly type: FieldType
  /** An object without it is not whole. */
  readonly required: boolean
  /** Go writes it without a value, too: nobody who reads it need ask whether it is there. */
  readonly always: boolean
  /** Its empty value is something else than none. */
  readonly pointer: boolean
  /** In protobuf; several, from the outside in, for a field of a message that JSON does not show. Empty: none. */
  readonly numbers: readonly number[]
  /** Missing: a strategic merge patch replaces it whole. */
  readonly merge?: MergeRule
  /** How server-side apply merges a list, and whether a map or an object has one owner. */
  readonly list?: 'map' | 'set' | 'atomic'
  readonly keys?: readonly string[]
  readonly atomic?: boolean
  /** What the published schema names as the default. */
  readonly default?: unknown
}

export type TypeFields = ReadonlyMap<string, Field>

const isScalar = (word: string): word is Scalar => (scalars as readonly string[]).includes(word)

const parseWord = (word: string, group: string): FieldType => {
  if (word.startsWith('[')) return { kind: 'list', of: parseWord(word.slice(1, -1), group) }
  if (word.startsWith('{')) return { kind: 'map', of: parseWord(word.slice(1, -1), group) }
  if (isScalar(word)) return { kind: 'scalar', scalar: word }
  return { kind: 'object', type: word.includes('.') ? word : `${group}.${word}` }
}

const isListType = (word: string | undefined): word is 'map' | 'set' | 'atomic' =>
  word === 'map' || word === 'set' || word === 'atomic'

const mergeOf = (words: readonly string[], key: string | undefined): MergeRule => ({
  ...(key === undefined ? {} : { key }),
  ...(words.includes('retainKeys') ? { retainKeys: true } : {}),
})

const parseField = (line: string, group: string): Field => {
  const [facts = '', given] = line.split(' default=')
  const [number = '', word = '', ...flags] = facts.split(' ')
  const has = (flag: string): boolean => flags.includes(flag)
  const valueOfFlag = (name: string): string | undefined =>
    flags.find((flag) => flag.startsWith(`${name}=`))?.slice(name.length + 1)
  const [patch, list, keys] = [valueOfFlag('patch'), valueOfFlag('list'), valueOfFlag('keys')]
  const type = parseWord(word, group)
  return {
    type,
    required: !has('omit') && !has('opt'),
    // An object that is no pointer is there, whatever its tag says.
    always: !has('ptr') && (!has('omit') || type.kind === 'object'),
    pointer: has('ptr'),
    numbers: number === '-' ? [] : number.split('.').map(Number),
    ...(patch === undefined ? {} : { merge: mergeOf(patch.split(','), valueOfFlag('key')) }),
    ...(isListType(list) ? { list } : {}),
    ...(keys === undefined ? {} : { keys: keys.split(',') }),
    ...(has('atomic') ? { atomic: true } : {}),
    ...(given === undefined ? {} : { default: JSON.parse(given) }),
  }
}

interface Source {
  /** What OpenAPI calls the package: `io.k8s.api.core.v1`. */
  readonly name: string
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const folder = new URL('./kubernetes/', import.meta.url)
const files: readonly URL[] = readdirSync(folder).map((file) => new URL(file, folder))

/** By group version: `apps.v1.json` has the types of `apps/v1`. */
const sources: ReadonlyMap<string, Source> = new Map(
  files.map((file) => {
    const group = /([^/]+)\.json$/.exec(file.pathname)?.[1] ?? ''
    return [group.replace('.', '/'), JSON.parse(readFileSync(file, 'utf8')) as Source] as const
  }),
)
const parsed = new Map<string, TypeFields>()

const splitName = (type: string): readonly [group: string, name: string] => {
  const dot = type.indexOf('.')
  return [type.slice(0, dot), type.slice(dot + 1)]
}

/** All type names, sorted. */
export const typeNames = (): readonly string[] =>
  [...sources].flatMap(([group, { types }]) => Object.keys(types).map((name) => `${group}.${name}`)).sort()

export const hasType = (type: string): boolean => {
  const [group, name] = splitName(type)
  const source = sources.get(group)
  return source !== undefined && Object.hasOwn(source.types, name)
}

/** `apps/v1` of `apps`, `networking/v1` of `networking.k8s.io`, `core/v1` of the group without a name. */
export const schemaGroupOf = (group: string, version: string): string => `${group.split('.')[0] || 'core'}/${version}`

/** The name of a kind's type; undefined when the schema does not know it. The options of requests are in every group. */
export const typeNamed = (apiVersion: string, kind: string): string | undefined => {
  const slash = apiVersion.indexOf('/')
  const group = schemaGroupOf(apiVersion.slice(0, Math.max(0, slash)), apiVersion.slice(slash + 1))
  return [`${group}.${kind}`, `meta/v1.${kind}`].find(hasType)
}

/** `io.k8s.api.core.v1.PodSpec`, as clients know it from OpenAPI. */
export const publicNameOf = (type: string): string => {
  const [group, name] = splitName(type)
  return `${sources.get(group)?.name ?? group}.${name}`
}

/** The fields of a type by name, in Go's order. Throws for a type that is not in the data: a mistake in the registry. */
export const fieldsOf = (type: string): TypeFields => {
  const known = parsed.get(type)
  if (known) return known
  const [group, name] = splitName(type)
  const types = sources.get(group)?.types
  if (!types || !Object.hasOwn(types, name))
    throw new Error(`the schema has no type ${type}; scripts/schema.ts makes it`)
  const fields: TypeFields = new Map(
    Object.entries(types[name] ?? {}).map(([field, line]) => [field, parseField(line, group)]),
  )
  parsed.set(type, fields)
  return fields
}
