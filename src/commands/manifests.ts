/** Objects out of YAML or JSON that people have written: any number of documents, and lists of objects. */
import { parseAllDocuments } from 'yaml'

/** The text is no manifest: where, and why. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
}

/** A mapping of which nothing is known. */
export type Mapping = Readonly<Record<string, unknown>>

/** Throws `ManifestError` for what is there and is none; `at` is its place. */
export const mapping = (value: unknown, at: string): Mapping | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw new ManifestError(`${at}: expected a mapping`)
  return value as Mapping
}

export const items = (value: unknown, at: string): readonly unknown[] => {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new ManifestError(`${at}: expected a list`)
  return value
}

export const text = (value: unknown, at: string): string | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string')
    throw new ManifestError(`${at}: expected a text: ${JSON.stringify(value)} needs quotes`)
  return value
}

/** Values that are texts, by key. */
export const texts = (value: unknown, at: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(mapping(value, at) ?? {}).flatMap(([key, each]) => {
      const read = text(each, `${at}["${key}"]`)
      return read === undefined ? [] : [[key, read] as const]
    }),
  )

const flatten = (value: unknown, at: string): readonly Mapping[] => {
  const object = mapping(value, at)
  if (object === undefined) return []
  if (typeof object['kind'] !== 'string') throw new ManifestError(`${at}: there is no kind`)
  if (!object['kind'].endsWith('List') || !('items' in object)) return [object]
  return items(object['items'], `${at}.items`).flatMap((each, index) => flatten(each, `${at}.items[${index}]`))
}

/** How often aliases may be followed: a short file may not become a long one. */
const maxAliasCount = 100

/** The objects of a text. Throws `ManifestError`. */
export const readManifests = (source: string): readonly Mapping[] => {
  const documents = parseAllDocuments(source)
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document, index) => {
    const [error] = document.errors
    if (error) throw new ManifestError(`not YAML: ${error.message.split('\n')[0]}`)
    return flatten(
      toValue(() => document.toJS({ maxAliasCount })),
      `document ${index + 1}`,
    )
  })
}

const toValue = (read: () => unknown): unknown => {
  try {
    return read()
  } catch (error) {
    throw new ManifestError(`not YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
}
