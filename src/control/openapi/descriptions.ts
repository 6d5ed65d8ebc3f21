/**
 * What types and their fields are, for people (`kubectl explain`). The words stand in `descriptions/*.json`, by type and field; `""`
 * is the type itself. Where a type says nothing of a field, its other versions do, then the type that it names as `=`, and
 * for the fields of every object `meta/v1.PartialObjectMetadata`, as long as the field is of the same type there.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { type FieldType, fieldsOf } from '../schema/types.ts'

/** By field. */
type Words = Readonly<Record<string, string>>

/** The type that has the other words. */
export const likeness = '='

interface Described {
  readonly words: ReadonlyMap<string, Words>
  /** The types of which there are words, by what they are called in all versions: `apps.Deployment`. */
  readonly versions: ReadonlyMap<string, readonly string[]>
}

const versionless = (type: string): string => type.replace(/\/[^.]*/, '')

const read = (): Described => {
  const folder = new URL('./descriptions/', import.meta.url)
  const words = new Map(
    readdirSync(folder).flatMap((file) =>
      Object.entries(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Readonly<Record<string, Words>>),
    ),
  )
  return { words, versions: Map.groupBy(words.keys(), versionless) }
}

let kept: Described | undefined
/** Read when somebody first asks: most control planes are never asked what a field is. */
const described = (): Described => {
  kept ??= read()
  return kept
}

/** All words as they stand in the files. */
export const writtenDescriptions = (): ReadonlyMap<string, Words> => described().words

const anyObject = 'meta/v1.PartialObjectMetadata'

const isObject = (type: string): boolean => {
  const fields = fieldsOf(type)
  return fields.has('apiVersion') && fields.has('kind') && fields.has('metadata')
}

/** The types whose words may be those of `type`, itself first. */
function* kin(type: string): Generator<string> {
  const { words, versions } = described()
  const same = [type, ...(versions.get(versionless(type)) ?? []).filter((other) => other !== type)]
  yield* same
  for (const each of same) {
    const like = words.get(each)?.[likeness]
    if (like !== undefined) yield* kin(like)
  }
  if (isObject(type)) yield anyObject
}

/** Names types without their groups and versions. */
const shapeOf = (type: FieldType): string => {
  switch (type.kind) {
    case 'scalar':
      return type.scalar
    case 'object':
      return type.type.slice(type.type.indexOf('.'))
    case 'list':
      return `[${shapeOf(type.of)}]`
    case 'map':
      return `{${shapeOf(type.of)}}`
  }
}

const isSameField = (name: string, one: string, other: string): boolean => {
  const [field, twin] = [fieldsOf(one).get(name), fieldsOf(other).get(name)]
  return field !== undefined && twin !== undefined && shapeOf(field.type) === shapeOf(twin.type)
}

/** What a type is. Undefined: nobody has said. */
export const descriptionOfType = (type: string): string | undefined => {
  const { words } = described()
  for (const each of kin(type)) {
    const found = each === anyObject ? undefined : words.get(each)?.['']
    if (found !== undefined) return found
  }
  return undefined
}

/** What a field of a type is. Undefined: nobody has said. */
export const descriptionOfField = (type: string, field: string): string | undefined => {
  const { words } = described()
  for (const each of kin(type)) {
    const found = words.get(each)?.[field]
    if (found !== undefined && isSameField(field, type, each)) return found
  }
  return undefined
}

/** What the fields that every object has are. */
export const descriptionOfAnyObject = (field: 'apiVersion' | 'kind' | 'metadata'): string | undefined =>
  descriptionOfField(anyObject, field)
