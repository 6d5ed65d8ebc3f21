/** What the query of a list may say, in Kubernetes' words (apimachinery's ListOptions). */
import { type FieldError, forbiddenField, invalid, notSupported } from '../../api/errors.ts'
import { integerOf } from '../request/request-info.ts'

const field = 'resourceVersionMatch'
const matches = ['Exact', 'NotOlderThan', '']

const matchErrors = (query: URLSearchParams): readonly FieldError[] => {
  const match = query.get(field) ?? ''
  const version = query.get('resourceVersion') ?? ''
  if (match === '') return []
  return [
    ...(version === ''
      ? [forbiddenField(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided')]
      : []),
    ...(query.get('continue')
      ? [forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided')]
      : []),
    ...(matches.includes(match) ? [] : [notSupported(field, match, matches)]),
    ...(match === 'Exact' && version === '0'
      ? [forbiddenField(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')]
      : []),
  ]
}

/** Throws BadRequest for numbers that are none, Invalid for options that do not fit together. */
export const checkListOptions = (query: URLSearchParams): void => {
  for (const name of ['limit', 'timeoutSeconds']) integerOf(query, name)
  const errors = matchErrors(query)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}
