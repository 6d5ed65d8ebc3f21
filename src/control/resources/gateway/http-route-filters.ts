/** What is wrong with the filters of an HTTPRoute. */
import { type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import type {
  HttpCors,
  HttpHeaderFilter,
  HttpPathModifier,
  HttpRequestMirror,
  HttpRequestRedirect,
  HttpRouteFilter,
  HttpRouteMatch,
} from '../../../api/types/index.ts'
import {
  atMost,
  checkPort,
  checkPreciseHostname,
  checkReference,
  distinct,
  matching,
  oneOf,
  present,
} from './checks.ts'

export const fieldName = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/

/** The field that belongs to each type. */
const fieldOfType = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  ExtensionRef: 'extensionRef',
  CORS: 'cors',
} as const satisfies Readonly<Record<string, keyof HttpRouteFilter>>

const types = Object.keys(fieldOfType) as readonly (keyof typeof fieldOfType)[]
const mayRepeat: readonly string[] = ['RequestMirror', 'ExtensionRef']

const validateUnion = (filter: HttpRouteFilter, field: string): FieldError[] => {
  if (!filter.type) return [required(`${field}.type`)]
  if (!types.some((type) => type === filter.type)) return [notSupported(`${field}.type`, filter.type, types)]
  return types.flatMap((type) => {
    const name = fieldOfType[type]
    const isThere = filter[name] !== undefined
    if (isThere === (type === filter.type)) return []
    return isThere
      ? [invalidValue(field, '', `filter.${name} must be nil if the filter.type is not ${type}`)]
      : [invalidValue(field, '', `filter.${name} must be specified for ${type} filter.type`)]
  })
}

const validateHeaders = (filter: HttpHeaderFilter | undefined, field: string): FieldError[] =>
  (['set', 'add'] as const).flatMap((action) => {
    const entries = filter?.[action] ?? []
    return [
      ...atMost(16, entries, `${field}.${action}`),
      ...distinct(entries, ({ name }) => name?.toLowerCase(), `${field}.${action}`, 'names must be unique'),
      ...entries.flatMap(({ name, value }, at) => [
        ...present(name, `${field}.${action}[${at}].name`),
        ...matching(fieldName, 256, name, `${field}.${action}[${at}].name`),
        ...present(value, `${field}.${action}[${at}].value`),
        ...matching(/^[^\r\n\0]*$/, 4096, value, `${field}.${action}[${at}].value`, 'must be one line'),
      ]),
    ]
  })

const modifierFields = { ReplaceFullPath: 'replaceFullPath', ReplacePrefixMatch: 'replacePrefixMatch' } as const

/** Replacing a prefix needs exactly one that matches. */
const validateModifier = (
  modifier: HttpPathModifier | undefined,
  matches: readonly HttpRouteMatch[],
  field: string,
): FieldError[] => {
  if (!modifier) return []
  const { type } = modifier
  const wanted = modifierFields[type]
  if (!wanted) return oneOf(Object.keys(modifierFields), type ?? '', `${field}.type`)
  const other = type === 'ReplaceFullPath' ? 'ReplacePrefixMatch' : 'ReplaceFullPath'
  const needsPrefix = type === 'ReplacePrefixMatch' && (matches.length !== 1 || matches[0]?.path?.type !== 'PathPrefix')
  return [
    ...(modifier[wanted] === undefined
      ? [invalidValue(field, '', `${wanted} must be specified when type is set to '${type}'`)]
      : matching(/^/, 1024, modifier[wanted], `${field}.${wanted}`)),
    ...(modifier[modifierFields[other]] === undefined
      ? []
      : [invalidValue(field, '', `type must be '${other}' when ${modifierFields[other]} is set`)]),
    ...(needsPrefix
      ? [invalidValue(field, '', 'with path.replacePrefixMatch, exactly one PathPrefix match must be specified')]
      : []),
  ]
}

const redirectStatuses = [301, 302, 303, 307, 308]

const validateRedirect = (
  redirect: HttpRequestRedirect | undefined,
  matches: readonly HttpRouteMatch[],
  field: string,
): FieldError[] => {
  if (!redirect) return []
  const { scheme, hostname, port, path, statusCode = 302 } = redirect
  return [
    ...oneOf(['http', 'https'], scheme, `${field}.scheme`),
    ...checkPreciseHostname(hostname, `${field}.hostname`),
    ...checkPort(port, `${field}.port`),
    ...oneOf(redirectStatuses.map(String), String(statusCode), `${field}.statusCode`),
    ...validateModifier(path, matches, `${field}.path`),
  ]
}

const validateMirror = (mirror: HttpRequestMirror | undefined, field: string): FieldError[] => {
  if (!mirror) return []
  const { backendRef, percent, fraction } = mirror
  if (!backendRef) return [required(`${field}.backendRef`)]
  const { numerator = 0, denominator = 100 } = fraction ?? {}
  return [
    ...checkReference(backendRef, `${field}.backendRef`),
    ...checkPort(backendRef.port, `${field}.backendRef.port`),
    ...(backendRef.group === '' && backendRef.kind === 'Service' && backendRef.port === undefined
      ? [invalidValue(`${field}.backendRef`, '', 'Must have port for Service reference')]
      : []),
    ...(percent !== undefined && fraction
      ? [invalidValue(field, '', 'Only one of percent or fraction may be specified in HTTPRequestMirrorFilter')]
      : []),
    ...((percent ?? 0) < 0 || (percent ?? 0) > 100
      ? [invalidValue(`${field}.percent`, percent, 'must be between 0 and 100, inclusive')]
      : []),
    ...(numerator < 0 || denominator < 1 || numerator > denominator
      ? [invalidValue(`${field}.fraction`, '', 'numerator must be less than or equal to denominator')]
      : []),
  ]
}

const origin =
  /^(?:\*|(?:[A-Za-z][A-Za-z0-9+\-.]*):\/\/(?:\*|(?:\*\.)?[A-Za-z0-9\-._~]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?)$/

const validateCors = (cors: HttpCors | undefined, field: string): FieldError[] => {
  if (!cors) return []
  const { allowOrigins = [], allowMethods = [], allowHeaders = [], exposeHeaders = [], maxAge = 5 } = cors
  return [
    ...atMost(64, allowOrigins, `${field}.allowOrigins`),
    ...atMost(9, allowMethods, `${field}.allowMethods`),
    ...atMost(64, allowHeaders, `${field}.allowHeaders`),
    ...atMost(64, exposeHeaders, `${field}.exposeHeaders`),
    ...allowOrigins.flatMap((value, at) => matching(origin, 253, value, `${field}.allowOrigins[${at}]`)),
    ...[...allowHeaders, ...exposeHeaders].flatMap((value) => matching(fieldName, 256, value, field)),
    ...(maxAge < 1 ? [invalidValue(`${field}.maxAge`, maxAge, 'must be greater than or equal to 1')] : []),
  ]
}

const validateFilter = (filter: HttpRouteFilter, matches: readonly HttpRouteMatch[], field: string): FieldError[] => [
  ...validateUnion(filter, field),
  ...validateHeaders(filter.requestHeaderModifier, `${field}.requestHeaderModifier`),
  ...validateHeaders(filter.responseHeaderModifier, `${field}.responseHeaderModifier`),
  ...validateMirror(filter.requestMirror, `${field}.requestMirror`),
  ...validateRedirect(filter.requestRedirect, matches, `${field}.requestRedirect`),
  ...checkPreciseHostname(filter.urlRewrite?.hostname, `${field}.urlRewrite.hostname`),
  ...validateModifier(filter.urlRewrite?.path, matches, `${field}.urlRewrite.path`),
  ...validateCors(filter.cors, `${field}.cors`),
  ...(filter.extensionRef ? checkReference(filter.extensionRef, `${field}.extensionRef`) : []),
]

/** The filters of a rule or of a backend of it; `matches` are the rule's. */
export const validateFilters = (
  filters: readonly HttpRouteFilter[],
  matches: readonly HttpRouteMatch[],
  field: string,
): FieldError[] => {
  const has = (type: string) => filters.some((filter) => filter.type === type)
  return [
    ...atMost(16, filters, field),
    ...filters.flatMap((filter, at) => validateFilter(filter, matches, `${field}[${at}]`)),
    ...(has('RequestRedirect') && has('URLRewrite')
      ? [invalidValue(field, 'array', 'May specify either RequestRedirect or URLRewrite, but not both')]
      : []),
    ...types
      .filter((type) => !mayRepeat.includes(type) && filters.filter((filter) => filter.type === type).length > 1)
      .map((type) => invalidValue(field, 'array', `${type} filter cannot be repeated`)),
  ]
}
