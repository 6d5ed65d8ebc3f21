/** The field types of every served kind, from types.json (made by scripts/schema.ts). */
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

let words: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined
const parsed = new Map<string, TypeFields>()

/** All type names, sorted. */
export const typeNames = (): readonly string[] => Object.keys(load())

const load = () => {
  words ??= JSON.parse(readFileSync(new URL('./types.json', import.meta.url), 'utf8')) as NonNullable<typeof words>
  return words
}

/** The fields of a type by name. Throws for a type that is not in the data: a mistake in the registry. */
export const fieldsOf = (type: string): TypeFields => {
  const known = parsed.get(type)
  if (known) return known
  const source = load()[type]
  if (!source) throw new Error(`types.json has no type ${type}; add its kind to scripts/schema.ts`)
  const fields: TypeFields = new Map(
    Object.entries(source).map(([name, word]) => [
      name,
      { type: parseWord(word.replace(/!$/, '')), required: word.endsWith('!') },
    ]),
  )
  parsed.set(type, fields)
  return fields
}
