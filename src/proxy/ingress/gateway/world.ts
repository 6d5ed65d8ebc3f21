/** The world as local copies of the API's objects show it. */
import type { Informer } from '../../../api/informer.ts'
import type {
  ConfigMap,
  Gateway,
  GatewayClass,
  HTTPRoute,
  Namespace,
  ReferenceGrant,
  Secret,
  Service,
} from '../../../api/types/index.ts'
import { keyPairProblem } from '../annotations/pem.ts'
import { authorityIn } from './authority.ts'
import type { GatewayWorld, SecretState } from './model.ts'
import type { PlaceOf } from './places.ts'

export interface GatewaySources {
  readonly classes: Informer<GatewayClass>
  readonly gateways: Informer<Gateway>
  readonly routes: Informer<HTTPRoute>
  readonly grants: Informer<ReferenceGrant>
  readonly services: Informer<Service>
  readonly namespaces: Informer<Namespace>
  readonly secrets: Informer<Secret>
  readonly configMaps: Informer<ConfigMap>
}

const pem = (secret: Secret, field: string): string | undefined => {
  const data = secret.data?.[field]
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('latin1')
}

/** Whether a server could show this certificate. */
const isUsable = (secret: Secret): boolean =>
  keyPairProblem(pem(secret, 'tls.crt'), pem(secret, 'tls.key')) === undefined

const known = new WeakMap<Secret, SecretState>()

/** What a listener can do with a Secret. Each version of it is read once. */
export const secretState = (secret: Secret | undefined): SecretState => {
  if (!secret) return 'missing'
  const state = known.get(secret) ?? (isUsable(secret) ? 'ok' : 'broken')
  known.set(secret, state)
  return state
}

const authorities = new WeakMap<ConfigMap, string>()

/** The authority that a ConfigMap holds. Each version of it is read once. */
const authorityOf = (configMap: ConfigMap | undefined): string | undefined => {
  if (!configMap) return undefined
  const pem = authorities.get(configMap) ?? authorityIn(configMap.data) ?? ''
  authorities.set(configMap, pem)
  return pem || undefined
}

/** A view on the copies as they are now. */
export const worldOf = (sources: GatewaySources, place: PlaceOf): GatewayWorld => ({
  place,
  classes: [...sources.classes.values()],
  gateways: [...sources.gateways.values()],
  routes: [...sources.routes.values()],
  grants: [...sources.grants.values()],
  service: (key) => sources.services.get(key),
  namespaceLabels: (name) => sources.namespaces.get(name)?.metadata.labels,
  secret: (key) => secretState(sources.secrets.get(key)),
  authority: (key) => authorityOf(sources.configMaps.get(key)),
})
