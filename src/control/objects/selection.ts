/** Which objects of a kind a list or watch is about. */
import { badRequest } from '../../api/errors.ts'
import { goQuote } from '../../api/go-quote.ts'
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

/** Kinds with fields of their own word it in another way. */
const unknownField = ({ fields }: ResourceDefinition, field: string): string =>
  fields
    ? `field label not supported: ${field}`
    : `${goQuote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`

/** Throws BadRequest for a selector that cannot be read or names a field that is not selectable. */
export const selectionOf = (
  definition: ResourceDefinition,
  namespace: string | undefined,
  labelSelector: string,
  fieldSelector: string,
): Selection => {
  const labels = parseLabelSelector(labelSelector)
  const known = new Map(Object.entries({ ...everyKind, ...definition.fields }))
  // Nothing that is nothing says nothing, as in Kubernetes.
  const asked = parseFieldSelector(fieldSelector).filter(({ field, value }) => field !== '' || value !== '')
  const requirements = asked.map(({ field, negated, value }) => {
    const read = known.get(field)
    if (!read) throw badRequest(unknownField(definition, field))
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
