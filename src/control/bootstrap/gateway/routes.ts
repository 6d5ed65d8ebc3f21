/** What the kinds of routes have in common. Pure. */
import { conditions } from './conditions.ts'
import { backendReference, distinctSections, localReference, parentReference } from './references.ts'
import { atomicList, int32, kind, listBy, object, oneOf, rule, type Schema, set, text } from './schema.ts'
import { controllerName, headerName, hostname } from './texts.ts'

/** For each filter its type, and the field that belongs to it. */
export interface Filter {
  readonly type: string
  readonly field: string
  readonly schema: Schema
  /** Several of one type can be given. */
  readonly many?: boolean
}

const header = object(
  'HTTPHeader is a header and its value.',
  {
    name: headerName('The name of the header. Its case does not matter.'),
    value: text('The value of the header.', { minLength: 1, maxLength: 4_096 }),
  },
  ['name', 'value'],
)

const headerModifier = (description: string): Schema =>
  object(description, {
    add: listBy('name', 'Values that are added to those that are there.', header, { maxItems: 16 }),
    remove: set('Headers that are taken away.', text('The name of a header.'), { maxItems: 16 }),
    set: listBy('name', 'Headers that have these values, whatever was there.', header, { maxItems: 16 }),
  })

const mirror = object(
  'The request is sent to another backend, too, whose answer nobody sees.',
  {
    backendRef: backendReference('The backend.'),
    fraction: object(
      'Which share of the requests. Not together with percent. Missing both: all.',
      {
        denominator: int32('Of how many. Default: 100.', { default: 100, minimum: 1 }),
        numerator: int32('How many.', { minimum: 0 }),
      },
      ['numerator'],
      [rule('numerator cannot be more than denominator', 'self.numerator <= self.denominator')],
    ),
    percent: int32('How many percent of the requests. Not together with fraction.', { minimum: 0, maximum: 100 }),
  },
  ['backendRef'],
  [rule('percent and fraction cannot both be given', '!(has(self.percent) && has(self.fraction))')],
)

/** Those of every kind of routes. */
export const commonFilters = {
  requestHeaders: {
    type: 'RequestHeaderModifier',
    field: 'requestHeaderModifier',
    schema: headerModifier('Headers of the request are changed.'),
  },
  responseHeaders: {
    type: 'ResponseHeaderModifier',
    field: 'responseHeaderModifier',
    schema: headerModifier('Headers of the answer are changed.'),
  },
  mirror: { type: 'RequestMirror', field: 'requestMirror', schema: mirror, many: true },
  extension: {
    type: 'ExtensionRef',
    field: 'extensionRef',
    schema: localReference("Something of the controller's own."),
    many: true,
  },
} as const satisfies Readonly<Record<string, Filter>>

const belongsToType = ({ type, field }: Filter) => [
  rule(`${field} is for filters of type ${type} alone`, `self.type == '${type}' || !has(self.${field})`),
  rule(`${field} is required for filters of type ${type}`, `self.type != '${type}' || has(self.${field})`),
]

const onlyOnce = ({ type }: Filter) =>
  rule(`${type} can be given only once`, `self.filter(f, f.type == '${type}').size() <= 1`)

/** `filters`: in the order in which clients are told of their types. */
export const filterLists = (filters: readonly Filter[], more: Parameters<typeof atomicList>[3] = []) => {
  const filter = object(
    'One thing that is done to requests or answers, as the type says.',
    {
      ...Object.fromEntries(filters.map(({ field, schema }) => [field, schema])),
      type: oneOf(
        'What is done. The field of that name says how.',
        filters.map(({ type }) => type),
      ),
    },
    ['type'],
    filters.flatMap(belongsToType),
  )
  const rules = [...more, ...filters.filter(({ many = false }) => !many).map(onlyOnce)]
  return (description: string): Schema => atomicList(description, filter, { maxItems: 16 }, rules)
}

/** `filters`: what `filterLists` has made. */
export const backendReferences = (filters: (description: string) => Schema): Schema =>
  atomicList(
    'Where they go. None, without a redirect: they are answered with an error.',
    backendReference('A backend that requests go to.', {
      filters: filters('What is done to the requests that go here.'),
      weight: int32('Its share of the requests: its weight of the sum of all. Default: 1. 0: none.', {
        ...{ default: 1, minimum: 0, maximum: 1_000_000 },
      }),
    }),
    { maxItems: 16 },
  )

/** A demand on one of several texts with names. */
export const valueMatch = (description: string, name: string, longest: number): Schema =>
  object(
    description,
    {
      name: headerName(name),
      type: oneOf(
        'How it is held against the value: Exact (the default) or RegularExpression.',
        ['Exact', 'RegularExpression'],
        'Exact',
      ),
      value: text('The value.', { minLength: 1, maxLength: longest }),
    },
    ['name', 'value'],
  )

export const headerMatches: Schema = listBy(
  'name',
  'The headers.',
  valueMatch('A demand on a header of a request.', 'The name of the header. Its case does not matter.', 4_096),
  { maxItems: 16 },
)

const mostMatches = 128

/** For the list of rules. */
export const limitedMatches = rule(
  `all rules together can have no more than ${mostMatches} matches`,
  `self.map(r, has(r.matches) ? r.matches.size() : 0).sum() <= ${mostMatches}`,
)

const parentState = object(
  'RouteParentStatus is the state of a route at one parent.',
  {
    conditions: conditions('Aspects of the state, one of each type: Accepted, ResolvedRefs.', { minItems: 1 }),
    controllerName: controllerName('The controller that tells of it.'),
    parentRef: parentReference('The parent, as the route names it.'),
  },
  ['conditions', 'controllerName', 'parentRef'],
)

const parentRefs = atomicList(
  'The Gateways that it attaches itself to.',
  parentReference('A parent, mostly a Gateway.'),
  { maxItems: 32 },
  distinctSections('parentRefs', '__namespace__'),
)

const hostnames = atomicList(
  'The hosts that it is for, whole or with a wildcard for their first labels. Missing: all of the listener.',
  hostname('A host.'),
  { maxItems: 16 },
)

export const routeKind = (description: string, rules: Schema): Schema =>
  kind(
    description,
    object('Which requests go where.', { hostnames, parentRefs, rules }),
    object(
      'Whether the Gateways have accepted it.',
      { parents: atomicList('The state at each parent.', parentState, { maxItems: 32 }) },
      ['parents'],
    ),
  )
