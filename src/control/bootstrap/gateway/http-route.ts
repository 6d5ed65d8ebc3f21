import { httpFilters, methods, redirectFilter, replacesPrefix, rewriteFilter } from './http-filters.ts'
import { backendReferences, headerMatches, limitedMatches, routeKind, valueMatch } from './routes.ts'
import { atomicList, integer, listBy, object, oneOf, rule, set, text } from './schema.ts'
import { duration, sectionName } from './texts.ts'

const everyPath = { type: 'PathPrefix', value: '/' }
const everything = [{ path: everyPath }]

/** Of paths that are no patterns. */
const pathRule = (message: string, demand: string) =>
  rule(`value ${message} unless type is RegularExpression`, `self.type == 'RegularExpression' || ${demand}`)

const without = (part: string) => pathRule(`cannot contain ${part}`, `!self.value.contains('${part}')`)
const notAtEnd = (part: string) => pathRule(`cannot end with ${part}`, `!self.value.endsWith('${part}')`)

const pathCharacters = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"

const pathMatch = {
  ...object(
    'The path. Default: all.',
    {
      type: oneOf(
        'PathPrefix (the default, by whole elements between slashes), Exact or RegularExpression.',
        ['Exact', 'PathPrefix', 'RegularExpression'],
        'PathPrefix',
      ),
      value: text('The path. Default: /.', { default: '/', maxLength: 1_024 }),
    },
    [],
    [
      pathRule('must begin with /', "self.value.startsWith('/')"),
      ...['//', '/./', '/../', '%2f', '%2F', '#'].map(without),
      ...['/..', '/.'].map(notAtEnd),
      pathRule('must be made of what paths may contain', `self.value.matches(r"${pathCharacters}")`),
    ],
  ),
  default: everyPath,
}

const match = object('Fits requests that fulfil all that it demands.', {
  headers: headerMatches,
  method: oneOf('The method.', methods),
  path: pathMatch,
  queryParams: listBy(
    'name',
    'The parameters of the query.',
    valueMatch('A demand on a parameter of the query.', 'The name of the parameter.', 1_024),
    { maxItems: 16 },
  ),
})

const timeouts = object(
  'How long a request may take.',
  {
    backendRequest: duration(
      'How long one attempt at a backend may take: 500ms, 10s. 0s: for ever. Not more than request.',
    ),
    request: duration('How long the whole request may take: 500ms, 10s. 0s: for ever.'),
  },
  [],
  [
    rule(
      'backendRequest cannot be longer than request',
      "!has(self.request) || !has(self.backendRequest) || duration(self.request) == duration('0s') || duration(self.backendRequest) <= duration(self.request)",
    ),
  ],
)

/** Of the experimental channel; it is carried out, and so it is kept. */
const retry = object('When a failed request is sent again.', {
  attempts: integer('How often at most.', { minimum: 1 }),
  backoff: duration('How long is waited between two attempts.'),
  codes: set('The statuses that count as failures.', integer('A status.', { minimum: 400, maximum: 599 })),
})

/** In a rule: whether one filter of the list replaces the prefix of paths. */
const oneReplaces = (filters: string, field: string): string =>
  `has(${filters}) && ${filters}.exists_one(f, has(f.${field}) && has(f.${field}.path)` +
  ` && f.${field}.path.type == '${replacesPrefix.type}' && has(f.${field}.path.${replacesPrefix.field}))`

const onePrefix = "self.matches.size() == 1 && has(self.matches[0].path) && self.matches[0].path.type == 'PathPrefix'"

const prefixRules = [redirectFilter, rewriteFilter].flatMap(({ type, field }) => [
  rule(
    `${type} with ${replacesPrefix.type} needs exactly one match, of type PathPrefix`,
    `!(${oneReplaces('self.filters', field)}) || (${onePrefix})`,
  ),
  rule(
    `${type} with ${replacesPrefix.type} in backendRefs needs exactly one match, of type PathPrefix`,
    `!(has(self.backendRefs) && self.backendRefs.exists_one(b, ${oneReplaces('b.filters', field)})) || (${onePrefix})`,
  ),
])

const httpRule = object(
  'Where some requests go, and what is done to them.',
  {
    backendRefs: backendReferences(httpFilters),
    filters: httpFilters('What is done to all of them.'),
    matches: atomicList('Which requests: one of these must fit. Missing: all.', match, {
      default: everything,
      maxItems: 64,
    }),
    name: sectionName('The name of the rule, which is there once in the route.'),
    retry,
    timeouts,
  },
  [],
  [
    rule(
      'RequestRedirect and backendRefs cannot both be given',
      '!(has(self.backendRefs) && self.backendRefs.size() > 0 && has(self.filters) && self.filters.exists(f, has(f.requestRedirect)))',
    ),
    ...prefixRules,
  ],
)

export const httpRouteSchema = routeKind(
  'HTTPRoute says where the HTTP requests that come to a Gateway go.',
  atomicList(
    'The rules. The one that fits a request most closely counts.',
    httpRule,
    { default: [{ matches: everything }], minItems: 1, maxItems: 16 },
    [limitedMatches],
  ),
)
