/** Short ways to write the Gateway API's objects, and the world they are compiled in. */
import type {
  Gateway,
  GatewayClass,
  GatewayListener,
  HTTPRoute,
  HttpBackendRef,
  HttpRouteFilter,
  HttpRouteMatch,
  HttpRouteRule,
  ParentReference,
  ReferenceGrant,
  Service,
  StringMap,
} from '../../src/api/types/index.ts'
import { type GatewayWorld, gatewayController, type SecretState } from '../../src/proxy/ingress/gateway/model.ts'
import { type PlaceOf, sharedPlace } from '../../src/proxy/ingress/gateway/places.ts'

const group = 'gateway.networking.k8s.io'
const created = '2026-01-01T00:00:00Z'

export const gatewayClass = (name = 'podway', controllerName = gatewayController): GatewayClass => ({
  apiVersion: `${group}/v1`,
  kind: 'GatewayClass',
  metadata: { name, generation: 1 },
  spec: { controllerName },
})

export interface GatewaySketch {
  readonly name?: string
  readonly namespace?: string
  readonly created?: string
  readonly generation?: number
  readonly className?: string
  readonly listeners?: readonly Partial<GatewayListener>[]
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[]
  readonly tls?: NonNullable<Gateway['spec']>['tls']
  readonly status?: NonNullable<Gateway['status']>
}

/** Without listeners: one on port 80 for every host, open to all namespaces. */
export const gateway = (sketch: GatewaySketch = {}): Gateway => ({
  apiVersion: `${group}/v1`,
  kind: 'Gateway',
  metadata: {
    name: sketch.name ?? 'gw',
    namespace: sketch.namespace ?? 'infra',
    creationTimestamp: sketch.created ?? created,
    generation: sketch.generation ?? 1,
  },
  spec: {
    gatewayClassName: sketch.className ?? 'podway',
    listeners: (sketch.listeners ?? [{}]).map((listener, at) => ({
      ...{ name: `l${at}`, port: 80, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'All' as const } } },
      ...listener,
    })),
    ...(sketch.addresses ? { addresses: sketch.addresses } : {}),
    ...(sketch.tls ? { tls: sketch.tls } : {}),
  },
  ...(sketch.status ? { status: sketch.status } : {}),
})

export interface RouteSketch {
  readonly name?: string
  readonly namespace?: string
  readonly created?: string
  readonly generation?: number
  readonly parents?: readonly ParentReference[]
  readonly hostnames?: readonly string[]
  readonly rules?: readonly HttpRouteRule[]
  readonly status?: NonNullable<HTTPRoute['status']>
}

export const route = (sketch: RouteSketch = {}): HTTPRoute => ({
  apiVersion: `${group}/v1`,
  kind: 'HTTPRoute',
  metadata: {
    name: sketch.name ?? 'route',
    namespace: sketch.namespace ?? 'infra',
    creationTimestamp: sketch.created ?? created,
    generation: sketch.generation ?? 1,
  },
  spec: {
    parentRefs: sketch.parents ?? [{ name: 'gw', namespace: 'infra' }],
    ...(sketch.hostnames ? { hostnames: sketch.hostnames } : {}),
    rules: sketch.rules ?? [rule('web')],
  },
  ...(sketch.status ? { status: sketch.status } : {}),
})

export const backendRef = (name: string, more: Partial<HttpBackendRef> = {}): HttpBackendRef => ({
  ...{ name, port: 8080 },
  ...more,
})

/** `/foo` for a prefix, `=/foo` for an exact path, `~/foo` for a pattern. */
export const path = (written: string): HttpRouteMatch => {
  const types = { '=': 'Exact', '~': 'RegularExpression' } as const
  const type = types[written[0] as keyof typeof types]
  return { path: { type: type ?? 'PathPrefix', value: type ? written.slice(1) : written } }
}

/** To one Service; of everything without matches. */
export const rule = (
  service: string | undefined,
  matches: readonly HttpRouteMatch[] = [],
  filters: readonly HttpRouteFilter[] = [],
): HttpRouteRule => ({
  ...(matches.length > 0 ? { matches } : {}),
  ...(filters.length > 0 ? { filters } : {}),
  ...(service === undefined ? {} : { backendRefs: [backendRef(service)] }),
})

/** `from` and `to` as `kind namespace` and `kind name`, the name being optional. */
export const grant = (namespace: string, from: string, to: string): ReferenceGrant => {
  const [fromKind = '', fromNamespace = ''] = from.split(' ')
  const [toKind = '', name] = to.split(' ')
  return {
    apiVersion: `${group}/v1beta1`,
    kind: 'ReferenceGrant',
    metadata: { name: 'grant', namespace },
    spec: {
      from: [{ group, kind: fromKind, namespace: fromNamespace }],
      to: [{ group: '', kind: toKind, ...(name ? { name } : {}) }],
    },
  }
}

export interface WorldSketch {
  readonly classes?: readonly GatewayClass[]
  readonly gateways?: readonly Gateway[]
  readonly routes?: readonly HTTPRoute[]
  readonly grants?: readonly ReferenceGrant[]
  /** Missing: there is no pool. */
  readonly place?: PlaceOf
  /** What port 8080 of a Service (`namespace/name`) speaks; those not listed here speak nothing special. */
  readonly protocols?: StringMap
  /** Services that are not there. */
  readonly missing?: readonly string[]
  readonly labels?: Readonly<Record<string, StringMap>>
  readonly secrets?: Readonly<Record<string, SecretState>>
  readonly authorities?: StringMap
}

const service = (key: string, appProtocol: string | undefined): Service => {
  const [namespace = '', name = ''] = key.split('/')
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: { ports: [{ port: 8080, ...(appProtocol ? { appProtocol } : {}) }] },
  }
}

/** Every Service is there, with port 8080. */
export const world = (sketch: WorldSketch = {}): GatewayWorld => ({
  classes: sketch.classes ?? [gatewayClass()],
  gateways: sketch.gateways ?? [gateway()],
  routes: sketch.routes ?? [],
  grants: sketch.grants ?? [],
  place: sketch.place ?? sharedPlace,
  service: (key) => (sketch.missing?.includes(key) ? undefined : service(key, sketch.protocols?.[key])),
  namespaceLabels: (name) => sketch.labels?.[name],
  secret: (key) => sketch.secrets?.[key] ?? 'missing',
  authority: (key) => sketch.authorities?.[key],
})
