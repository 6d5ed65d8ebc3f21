/** The filters of HTTPRoutes. Pure. */
import { commonFilters, type Filter, filterLists } from './routes.ts'
import { fieldOfType, flag, int32, integer, object, oneOf, rule, type Schema, set, text } from './schema.ts'
import { headerName, port, preciseHostname } from './texts.ts'

/** Of path modifiers. */
export const replacesPrefix = { type: 'ReplacePrefixMatch', field: 'replacePrefixMatch' } as const
const replacesAll = { type: 'ReplaceFullPath', field: 'replaceFullPath' } as const

const pathModifier = (description: string): Schema =>
  object(
    description,
    {
      replaceFullPath: text('The path that takes the place of all of it. Only for ReplaceFullPath.', {
        maxLength: 1_024,
      }),
      replacePrefixMatch: text('What takes the place of the prefix that fitted. Only for ReplacePrefixMatch.', {
        maxLength: 1_024,
      }),
      type: oneOf('ReplaceFullPath or ReplacePrefixMatch.', [replacesAll.type, replacesPrefix.type]),
    },
    ['type'],
    [replacesAll, replacesPrefix].flatMap(({ field, type }) => fieldOfType(field, type)),
  )

const redirect = object('The client is sent elsewhere.', {
  hostname: preciseHostname('The host. Missing: that of the request.'),
  path: pathModifier('How the path is changed. Missing: it stays.'),
  port: port('The port. Missing: the usual one of the scheme that is given, else that of the listener.'),
  scheme: oneOf('The scheme: http or https. Missing: that of the request.', ['http', 'https']),
  statusCode: integer('The status of the answer: 301, 302 (the default), 303, 307 or 308.', {
    ...{ default: 302, enum: [301, 302, 303, 307, 308] },
  }),
})

const rewrite = object('The host or the path is changed before the request goes on.', {
  hostname: preciseHostname('The host that the backend sees.'),
  path: pathModifier('How the path is changed. Missing: it stays.'),
})

const origin = '(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)'

const starAlone = (what: string) => [
  rule(`* stands for all ${what}: nothing else can be given beside it`, "!('*' in self && self.size() > 1)"),
]

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

const cors = object('Pages of other sites may use it (CORS).', {
  allowCredentials: flag('Whether they may send credentials. Default: false.'),
  allowHeaders: set(
    'The headers that they may send. * stands for all.',
    headerName('The name of a header.'),
    { maxItems: 64 },
    starAlone('headers'),
  ),
  allowMethods: set(
    'The methods that they may use. * stands for all.',
    oneOf('A method.', [...methods, '*']),
    { maxItems: 9 },
    starAlone('methods'),
  ),
  allowOrigins: set(
    'The sites, with their schemes: https://example.com. * stands for all.',
    text('A site.', { minLength: 1, maxLength: 253, pattern: origin }),
    { maxItems: 64 },
    starAlone('origins'),
  ),
  exposeHeaders: set(
    'The headers of the answer that they may see. * stands for all.',
    headerName('The name of a header.'),
    { maxItems: 64 },
  ),
  maxAge: int32('For how many seconds browsers may keep the permission. Default: 5.', { default: 5, minimum: 1 }),
})

export const redirectFilter = { type: 'RequestRedirect', field: 'requestRedirect', schema: redirect } as const
export const rewriteFilter = { type: 'URLRewrite', field: 'urlRewrite', schema: rewrite } as const
const { requestHeaders, responseHeaders, mirror, extension } = commonFilters

const filters: readonly Filter[] = [
  ...[requestHeaders, responseHeaders, mirror, redirectFilter, rewriteFilter, extension],
  { type: 'CORS', field: 'cors', schema: cors },
]

export const httpFilters = filterLists(filters, [
  rule(
    'RequestRedirect and URLRewrite cannot both be given',
    "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
  ),
])
