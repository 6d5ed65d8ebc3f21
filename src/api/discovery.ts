/** What a server says of its own kinds: APIGroupList at `/apis`, APIResourceList below. Pure. */

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** The list `key` of a document of this kind. Throws when it is no such document: then it says nothing of kinds. */
const listOf = (document: unknown, kind: string, key: string): readonly Fields[] => {
  const list = isFields(document) && document['kind'] === kind ? (document[key] ?? []) : undefined
  if (!Array.isArray(list)) throw new Error(`the API server's ${kind} cannot be read`)
  return list.filter(isFields)
}

/** `groupVersion` is `apps/v1`. */
export const listsVersion = (document: unknown, groupVersion: string): boolean =>
  listOf(document, 'APIGroupList', 'groups').some(
    ({ versions }) =>
      Array.isArray(versions) &&
      versions.some((each: unknown) => isFields(each) && each['groupVersion'] === groupVersion),
  )

export const listsResource = (document: unknown, plural: string): boolean =>
  listOf(document, 'APIResourceList', 'resources').some(({ name }) => name === plural)
