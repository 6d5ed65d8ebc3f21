/**
 * The field types of every served kind: those of Kubernetes from types.json (made by scripts/schema.ts), those of the
 * Gateway API from gateway.json (written by hand after its CRDs).
 */
import { readFileSync } from 'node:fs'

/** A field's type, parsed from its word. */
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

export interface Field {
  readonly type: FieldType
  readonly required: boolean
}

export type TypeFields = ReadonlyMap<string, Field>

const isScalar = (word: string): word is Scalar => (scalars as readonly string[]).includes(word)

const parseWord = (word: string): FieldType => {
  if (word.startsWith('[')) return { kind: 'list', of: parseWord(word.slice(1, -1)) }
  if (word.startsWith('{')) return { kind: 'map', of: parseWord(word.slice(1, -1)) }
  return isScalar(word) ? { kind: 'scalar', scalar: word } : { kind: 'object', type: word }
}

type Words = Readonly<Record<string, Readonly<Record<string, string>>>>

const read = (file: string): Words => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Words

let words: Words | undefined
const parsed = new Map<string, TypeFields>()

/** All type names, sorted. */
export const typeNames = (): readonly string[] => Object.keys(load()).sort()

const load = () => {
  words ??= { ...read('types.json'), ...read('gateway.json') }
  return words
}

/** The fields of a type by name. Throws for a type that is not in the data: a mistake in the registry. */
export const fieldsOf = (type: string): TypeFields => {
  const known = parsed.get(type)
  if (known) return known
  const source = load()[type]
  if (!source) throw new Error(`the schema has no type ${type}; add its kind to scripts/schema.ts`)
  const fields: TypeFields = new Map(
    Object.entries(source).map(([name, word]) => [
      name,
      { type: parseWord(word.replace(/!$/, '')), required: word.endsWith('!') },
    ]),
  )
  parsed.set(type, fields)
  return fields
}
