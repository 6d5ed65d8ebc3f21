/** Ingress and IngressClass objects, cut down to what routing needs. */
import type { Ingress, IngressBackend, IngressClass, IngressRule } from '../../../api/types/index.ts'
import type { BackendKey } from '../policy/backend-key.ts'

/** The value of `spec.controller` in an IngressClass that this proxy serves. */
export const controllerName = 'podway.dev/ingress'

/** The class that the old annotation may name although no IngressClass of that name exists. */
const implicitClass = 'podway'
const classAnnotation = 'kubernetes.io/ingress.class'
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'

export interface BackendRef {
  readonly key: BackendKey
  /** `namespace/name`. */
  readonly service: string
  readonly port: number | string
  /** Its cluster address is asked, not its pods. */
  readonly clusterAddress?: boolean
}

/** In the place of a port: whichever the Service names first. */
export const firstPort = 0

export const backendRef = (service: string, port: number | string, clusterAddress = false): BackendRef => ({
  key: `${service}:${port}${clusterAddress ? '@cluster' : ''}` as BackendKey,
  ...{ service, port },
  ...(clusterAddress ? { clusterAddress } : {}),
})

/** A backend that is no Service port is undefined. */
export interface BackendView {
  /** `namespace/name`. */
  readonly service: string
  readonly port: number | string
}

export interface PathView {
  readonly path: string
  readonly exact: boolean
  readonly backend: BackendView | undefined
}

export interface RuleView {
  /** Small letters; empty for every host, `*.` in front for one label more. */
  readonly host: string
  readonly paths: readonly PathView[]
}

export interface IngressView {
  /** `namespace/name`. */
  readonly key: string
  /** RFC 3339; the oldest Ingress wins a contested path. */
  readonly created: string
  readonly rules: readonly RuleView[]
  /** Null when the Ingress has none. */
  readonly defaultBackend: { readonly backend: BackendView | undefined } | null
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secret: string | undefined }[]
  readonly annotations: Readonly<Record<string, string>>
  /** By which class it asks to be served: the old annotation, or the field. */
  readonly annotatedClass: string | undefined
  readonly namedClass: string | undefined
}

export interface ClassView {
  readonly ours: boolean
  readonly isDefault: boolean
}

const backendView = (namespace: string, { service }: IngressBackend): BackendView | undefined => {
  const port = service?.port?.number ?? service?.port?.name
  return service === undefined || port === undefined ? undefined : { service: `${namespace}/${service.name}`, port }
}

const ruleView = (namespace: string, rule: IngressRule): RuleView => ({
  host: (rule.host ?? '').toLowerCase(),
  paths: (rule.http?.paths ?? []).map(({ path, pathType, backend }) => ({
    path: path || '/',
    exact: pathType === 'Exact',
    backend: backendView(namespace, backend),
  })),
})

/** What routing uses of an Ingress. */
export const ingressView = ({ metadata, spec }: Ingress): IngressView => {
  const namespace = metadata.namespace ?? ''
  return {
    key: `${namespace}/${metadata.name}`,
    created: metadata.creationTimestamp ?? '',
    rules: (spec?.rules ?? []).map((rule) => ruleView(namespace, rule)),
    defaultBackend: spec?.defaultBackend ? { backend: backendView(namespace, spec.defaultBackend) } : null,
    tls: (spec?.tls ?? []).map(({ hosts = [], secretName }) => ({
      hosts: hosts.map((host) => host.toLowerCase()),
      secret: secretName ? `${namespace}/${secretName}` : undefined,
    })),
    annotations: metadata.annotations ?? {},
    annotatedClass: metadata.annotations?.[classAnnotation],
    namedClass: spec?.ingressClassName,
  }
}

/** What routing uses of an IngressClass. */
export const classView = ({ metadata, spec }: IngressClass): ClassView => ({
  ours: spec?.controller === controllerName,
  isDefault: metadata.annotations?.[defaultAnnotation] === 'true',
})

/**
 * Whether an Ingress is this proxy's to serve. The annotation of old goes before `ingressClassName`; without either,
 * a default class of ours decides.
 */
export const isServed = (
  { annotatedClass, namedClass }: IngressView,
  classes: ReadonlyMap<string, ClassView>,
): boolean => {
  if (annotatedClass !== undefined && !classes.has(annotatedClass)) return annotatedClass === implicitClass
  const name = annotatedClass ?? namedClass
  if (name !== undefined) return classes.get(name)?.ours ?? false
  return [...classes.values()].some(({ ours, isDefault }) => ours && isDefault)
}
