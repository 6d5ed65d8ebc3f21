import type {
  HTTPRoute,
  HttpBackendRef,
  HttpRouteFilter,
  HttpRouteMatch,
  HttpRouteRule,
  ParentReference,
} from '../../../api/types/index.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { validateHttpRoute } from './http-route-validation.ts'
import { gatewayKindV1 } from './kind.ts'

const { group } = gatewayKindV1
const service = { group: '', kind: 'Service' } as const
const everyPath = { type: 'PathPrefix', value: '/' } as const

const parentDefaults = (ref: ParentReference): ParentReference => ({ ...{ group, kind: 'Gateway' }, ...ref })

const exact = { type: 'Exact' } as const

const matchDefaults = (match: HttpRouteMatch): HttpRouteMatch => ({
  ...match,
  path: { ...everyPath, ...match.path },
  ...(match.headers ? { headers: match.headers.map((each) => ({ ...exact, ...each })) } : {}),
  ...(match.queryParams ? { queryParams: match.queryParams.map((each) => ({ ...exact, ...each })) } : {}),
})

const filterDefaults = (filter: HttpRouteFilter): HttpRouteFilter => {
  const { requestMirror: mirror, requestRedirect, cors } = filter
  return {
    ...filter,
    ...(requestRedirect ? { requestRedirect: { statusCode: 302, ...requestRedirect } } : {}),
    ...(cors ? { cors: { maxAge: 5, ...cors } } : {}),
    ...(mirror
      ? {
          requestMirror: {
            ...mirror,
            backendRef: { ...service, ...mirror.backendRef },
            ...(mirror.fraction ? { fraction: { denominator: 100, ...mirror.fraction } } : {}),
          },
        }
      : {}),
  }
}

const backendDefaults = (ref: HttpBackendRef): HttpBackendRef => ({
  ...service,
  weight: 1,
  ...ref,
  ...(ref.filters ? { filters: ref.filters.map(filterDefaults) } : {}),
})

const ruleDefaults = (rule: HttpRouteRule): HttpRouteRule => ({
  ...rule,
  matches: (rule.matches ?? [{}]).map(matchDefaults),
  ...(rule.filters ? { filters: rule.filters.map(filterDefaults) } : {}),
  ...(rule.backendRefs ? { backendRefs: rule.backendRefs.map(backendDefaults) } : {}),
})

const withDefaults = (route: HTTPRoute): HTTPRoute => {
  const { spec = {} } = route
  return {
    ...route,
    spec: {
      ...spec,
      ...(spec.parentRefs ? { parentRefs: spec.parentRefs.map(parentDefaults) } : {}),
      rules: (spec.rules ?? [{}]).map(ruleDefaults),
    },
  }
}

export const httpRoute = define<HTTPRoute>({
  ...gatewayKindV1,
  plural: 'httproutes',
  singular: 'httproute',
  kind: 'HTTPRoute',
  namespaced: true,
  columns: [
    nameColumn,
    column('Hostnames', ({ spec }) => (spec?.hostnames ? JSON.stringify(spec.hostnames) : ''), 'Hosts it is for'),
    ageColumn,
  ],
  defaults: withDefaults,
  validate: validateHttpRoute,
})
