import { backendReferences, commonFilters, filterLists, headerMatches, limitedMatches, routeKind } from './routes.ts'
import { atomicList, object, oneOf, rule, text } from './schema.ts'
import { sectionName } from './texts.ts'

const { requestHeaders, responseHeaders, mirror, extension } = commonFilters

const filters = filterLists([responseHeaders, requestHeaders, mirror, extension])

const isExact = (field: string): string => `self.type != 'Exact' || !has(self.${field})`

const method = object(
  'The service and the method. Missing: all.',
  {
    method: text('The method. Missing: all of the service.', { maxLength: 1_024 }),
    service: text('The service, with its package. Missing: all.', { maxLength: 1_024 }),
    type: oneOf(
      'How they are held against the request: Exact (the default) or RegularExpression.',
      ['Exact', 'RegularExpression'],
      'Exact',
    ),
  },
  [],
  [
    rule('service or method is required', 'has(self.service) || has(self.method)'),
    rule(
      'service must be made of letters, digits, _ and dots for type Exact',
      `${isExact('service')} || self.service.matches(r'^\\.?[A-Za-z_][A-Za-z_0-9]*(\\.[A-Za-z_][A-Za-z_0-9]*)*$')`,
    ),
    rule(
      'method must be made of letters, digits and _ for type Exact',
      `${isExact('method')} || self.method.matches(r'^[A-Za-z_][A-Za-z_0-9]*$')`,
    ),
  ],
)

const grpcRule = object('Where some calls go, and what is done to them.', {
  backendRefs: backendReferences(filters),
  filters: filters('What is done to all of them.'),
  matches: atomicList(
    'Which calls: one of these must fit. Missing: all.',
    object('Fits calls that fulfil all that it demands.', { headers: headerMatches, method }),
    { maxItems: 64 },
  ),
  name: sectionName('The name of the rule, which is there once in the route.'),
})

export const grpcRouteSchema = routeKind(
  'GRPCRoute says where the gRPC calls that come to a Gateway go.',
  atomicList('The rules. The one that fits a call most closely counts.', grpcRule, { maxItems: 16 }, [limitedMatches]),
)
