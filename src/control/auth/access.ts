/** A request as authorizers see it. */
import { parseFieldSelector } from '../../api/selectors.ts'
import type { RequestInfo } from '../request/request-info.ts'
import { checkPathSegment } from '../resources/names.ts'
import type { Access } from './authorizer.ts'

const collections: readonly string[] = ['list', 'watch', 'deletecollection']

/** The one object that a collection is asked for: rules for single names hold for it. */
const selectedName = (fieldSelector: string): string | undefined => {
  try {
    const found = parseFieldSelector(fieldSelector).find(({ field, negated }) => field === 'metadata.name' && !negated)
    return found && found.value !== '' && checkPathSegment(found.value) === undefined ? found.value : undefined
  } catch {
    // Whoever lists says what is wrong with it.
    return undefined
  }
}

export const accessOf = (request: RequestInfo, query: URLSearchParams): Access => {
  if (request.kind === 'path') return request
  const { name, namespace, group, plural, verb } = request
  const selected = collections.includes(verb) ? selectedName(query.get('fieldSelector') ?? '') : undefined
  return {
    ...request,
    // Whatever follows it.
    subresource: request.subresource?.split('/')[0],
    name: name ?? selected,
    // A namespace itself lies in itself: who has a role in it may have one over it.
    namespace: group === '' && plural === 'namespaces' ? name : namespace,
  }
}
