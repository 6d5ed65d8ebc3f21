/** What the CRD of HTTPRoute and its rules refuse. */
import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import type {
  HTTPRoute,
  HttpBackendRef,
  HttpRouteMatch,
  HttpRouteRule,
  HttpValueMatch,
  ParentReference,
} from '../../../api/types/index.ts'
import { durationForm, parseDuration } from '../../../proxy/ingress/gateway/duration.ts'
import { atLeastZero } from '../quantities.ts'
import {
  atMost,
  checkHostname,
  checkPort,
  checkReference,
  checkSectionName,
  distinct,
  matching,
  oneOf,
  present,
} from './checks.ts'
import { fieldName, validateFilters } from './http-route-filters.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']
const valueTypes = ['Exact', 'RegularExpression']
const forbiddenInPaths = ['//', '/./', '/../', '%2f', '%2F', '#']
const forbiddenAtEnd = ['/..', '/.']
const pathForm = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$/
const mostMatches = 128

const validatePath = ({ path }: HttpRouteMatch, field: string): FieldError[] => {
  if (!path) return []
  const { type, value = '/' } = path
  const wrong = (message: string) => [invalidValue(field, value, message)]
  const own = [
    ...oneOf(['Exact', 'PathPrefix', 'RegularExpression'], type, `${field}.type`),
    ...matching(/^/, 1024, value, `${field}.value`),
  ]
  if (type === 'RegularExpression' || own.length > 0) return own
  if (!value.startsWith('/'))
    return wrong("value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']")
  const inside = forbiddenInPaths.find((part) => value.includes(part))
  if (inside) return wrong(`must not contain '${inside}' when type one of ['Exact', 'PathPrefix']`)
  const end = forbiddenAtEnd.find((part) => value.endsWith(part))
  if (end) return wrong(`must not end with '${end}' when type one of ['Exact', 'PathPrefix']`)
  return pathForm.test(value) ? [] : wrong(`must only contain valid characters (matching ${pathForm.source})`)
}

const validateValues = (matches: readonly HttpValueMatch[] = [], longest: number, field: string): FieldError[] => [
  ...atMost(16, matches, field),
  ...distinct(matches, ({ name }) => name, field, 'names must be unique'),
  ...matches.flatMap(({ type, name, value }, at) => [
    ...oneOf(valueTypes, type, `${field}[${at}].type`),
    ...present(name, `${field}[${at}].name`),
    ...matching(fieldName, 256, name, `${field}[${at}].name`),
    ...present(value, `${field}[${at}].value`),
    ...matching(/^/, longest, value, `${field}[${at}].value`),
  ]),
]

const validateMatch = (match: HttpRouteMatch, field: string): FieldError[] => [
  ...validatePath(match, `${field}.path`),
  ...validateValues(match.headers, 4096, `${field}.headers`),
  ...validateValues(match.queryParams, 1024, `${field}.queryParams`),
  ...oneOf(methods, match.method, `${field}.method`),
]

const mostWeight = 1_000_000

/** `matches` are those of the rule: what replaces a prefix needs one. */
const validateBackend = (ref: HttpBackendRef, matches: readonly HttpRouteMatch[], field: string): FieldError[] => [
  ...checkReference(ref, field),
  ...checkPort(ref.port, `${field}.port`),
  ...(ref.group === '' && ref.kind === 'Service' && ref.port === undefined
    ? [invalidValue(field, '', 'Must have port for Service reference')]
    : []),
  ...((ref.weight ?? 1) < 0 || (ref.weight ?? 1) > mostWeight
    ? [invalidValue(`${field}.weight`, ref.weight, `must be between 0 and ${mostWeight}, inclusive`)]
    : []),
  ...validateFilters(ref.filters ?? [], matches, `${field}.filters`),
]

const validateTimeouts = ({ timeouts }: HttpRouteRule, field: string): FieldError[] => {
  const { request, backendRequest } = timeouts ?? {}
  const wrong = [
    ...matching(durationForm, 64, request, `${field}.request`),
    ...matching(durationForm, 64, backendRequest, `${field}.backendRequest`),
  ]
  if (wrong.length > 0 || request === undefined || backendRequest === undefined) return wrong
  const [whole = 0, attempt = 0] = [parseDuration(request), parseDuration(backendRequest)]
  const isLonger = whole !== 0 && attempt > whole
  return isLonger ? [invalidValue(field, '', 'backendRequest timeout cannot be longer than request timeout')] : []
}

const validateRetry = ({ retry, timeouts }: HttpRouteRule, field: string): FieldError[] => {
  if (!retry) return []
  const { codes = [], attempts, backoff } = retry
  const wrong = [
    ...codes.flatMap((code, at) =>
      code < 400 || code > 599 ? [invalidValue(`${field}.codes[${at}]`, code, 'must be between 400 and 599')] : [],
    ),
    ...atLeastZero(attempts, `${field}.attempts`),
    ...matching(durationForm, 64, backoff, `${field}.backoff`),
  ]
  const whole = parseDuration(timeouts?.request ?? '') ?? 0
  const isLonger = whole !== 0 && (parseDuration(backoff ?? '') ?? 0) > whole
  return isLonger
    ? [...wrong, invalidValue(`${field}.backoff`, backoff, 'cannot be longer than timeouts.request')]
    : wrong
}

const validateRule = (rule: HttpRouteRule, field: string): FieldError[] => {
  const { name, matches = [], filters = [], backendRefs = [] } = rule
  return [
    ...checkSectionName(name, `${field}.name`),
    ...atMost(64, matches, `${field}.matches`),
    ...atMost(16, backendRefs, `${field}.backendRefs`),
    ...matches.flatMap((match, at) => validateMatch(match, `${field}.matches[${at}]`)),
    ...validateFilters(filters, matches, `${field}.filters`),
    ...(filters.some(({ requestRedirect }) => requestRedirect) && backendRefs.length > 0
      ? [invalidValue(field, '', 'RequestRedirect filter must not be used together with backendRefs')]
      : []),
    ...backendRefs.flatMap((ref, at) => validateBackend(ref, matches, `${field}.backendRefs[${at}]`)),
    ...validateTimeouts(rule, `${field}.timeouts`),
    ...validateRetry(rule, `${field}.retry`),
  ]
}

const parentKey = ({ group, kind, namespace = '', name }: ParentReference): string =>
  [group, kind, namespace, name].join('/')

/** References to one parent have to say which part of it each of them means. */
const validateParents = (parents: readonly ParentReference[], field: string): FieldError[] => {
  const shared = [...Map.groupBy(parents, parentKey).values()].filter(({ length }) => length > 1)
  const vague = shared.some((refs) => refs.some((ref) => !ref.sectionName && !ref.port))
  return [
    ...atMost(32, parents, field),
    ...parents.flatMap((ref, at) => [
      ...checkReference(ref, `${field}[${at}]`),
      ...checkSectionName(ref.sectionName, `${field}[${at}].sectionName`),
      ...checkPort(ref.port, `${field}[${at}].port`),
    ]),
    ...(vague
      ? [
          invalidValue(
            field,
            'array',
            'sectionName or port must be specified when parentRefs includes 2 or more references to the same parent',
          ),
        ]
      : []),
    ...distinct(
      parents,
      (ref) => (vague ? undefined : `${parentKey(ref)}/${ref.sectionName ?? ''}/${ref.port ?? ''}`),
      field,
      'sectionName or port must be unique when parentRefs includes 2 or more references to the same parent',
    ),
  ]
}

/** Everything wrong with an HTTPRoute, defaults filled. */
export const validateHttpRoute = ({ spec }: HTTPRoute): FieldError[] => {
  const { parentRefs = [], hostnames = [], rules = [] } = spec ?? {}
  const matches = rules.reduce((sum, rule) => sum + (rule.matches?.length ?? 0), 0)
  return [
    ...validateParents(parentRefs, 'spec.parentRefs'),
    ...atMost(16, hostnames, 'spec.hostnames'),
    ...hostnames.flatMap((hostname, at) => checkHostname(hostname, `spec.hostnames[${at}]`)),
    ...(rules.length === 0 ? [required('spec.rules')] : []),
    ...atMost(16, rules, 'spec.rules'),
    ...(matches > mostMatches
      ? [
          invalidValue(
            'spec.rules',
            'array',
            'While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
          ),
        ]
      : []),
    ...distinct(rules, ({ name }) => name, 'spec.rules', 'Rule name must be unique within the route'),
    ...rules.flatMap((rule, at) => validateRule(rule, `spec.rules[${at}]`)),
  ]
}
