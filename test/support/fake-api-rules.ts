/** The fake API's pure parts: selections and merge patches. */
import { parseFieldSelector, parseLabelSelector } from '../../src/api/selectors.ts'
import type { KubeObject } from '../../src/api/types/index.ts'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldOf = (object: unknown, path: string): string => {
  let value = object
  for (const word of path.split('.')) value = isObject(value) ? value[word] : undefined
  return value === undefined || value === null ? '' : String(value)
}

/** Which objects a list or watch shows: its namespace ('' for all), `labelSelector` and `fieldSelector`. */
export const selectionOf = (
  namespace: string,
  query: Readonly<Record<string, string>>,
): ((object: KubeObject) => boolean) => {
  const labels = parseLabelSelector(query['labelSelector'] ?? '')
  const fields = parseFieldSelector(query['fieldSelector'] ?? '')
  return (object) =>
    (namespace === '' || object.metadata.namespace === namespace) &&
    labels(object.metadata.labels) &&
    fields.every(({ field, negated, value }) => (fieldOf(object, field) === value) !== negated)
}

/** RFC 7386. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return result
}
