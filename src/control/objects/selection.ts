/** Which objects of a kind a list or watch is about. */
import { badRequest } from '../../api/errors.ts'
import { parseFieldSelector, parseLabelSelector } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { ResourceDefinition } from '../resources/definition.ts'

export interface Selection {
  readonly matches: (object: KubeObject) => boolean
  /** The only name that can match, when a field selector says so. */
  readonly name: string | undefined
}

type Field = (object: KubeObject) => string

const everyKind: Readonly<Record<string, Field>> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
}

/** Throws BadRequest for a selector that cannot be read or names a field that is not selectable. */
export const selectionOf = (
  definition: ResourceDefinition,
  namespace: string | undefined,
  labelSelector: string,
  fieldSelector: string,
): Selection => {
  const labels = parseLabelSelector(labelSelector)
  const known = new Map(Object.entries({ ...everyKind, ...definition.fields }))
  const requirements = parseFieldSelector(fieldSelector).map(({ field, negated, value }) => {
    const read = known.get(field)
    if (!read) throw badRequest(`field label not supported: ${field}`)
    return { field, negated, value, read }
  })
  return {
    name: requirements.find(({ field, negated }) => field === 'metadata.name' && !negated)?.value,
    matches: (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      labels(object.metadata.labels) &&
      requirements.every(({ read, value, negated }) => (read(object) === value) !== negated),
  }
}
