/** Ingress as networking.k8s.io/v1beta1 and extensions/v1beta1 write it: `serviceName` and `servicePort`, and a `backend`. */
import type { Ingress, IngressBackend, IngressRule } from '../../../api/types/index.ts'
import type {
  IngressBackend as BetaBackend,
  Ingress as BetaIngress,
  IngressRule as BetaRule,
  IngressSpec as BetaSpec,
} from '../../../api/types/kubernetes/networking-v1beta1.ts'
import { conversion } from '../conversion.ts'
import type { Conversion } from '../definition.ts'

type Spec = Ingress['spec']

const portOf = (port: string | number | undefined) => {
  if (port === undefined) return {}
  return typeof port === 'string' ? { name: port } : { number: port }
}

const backendToStored = ({ serviceName, servicePort, ...rest }: BetaBackend): IngressBackend =>
  serviceName === undefined && servicePort === undefined
    ? rest
    : { ...rest, service: { name: serviceName ?? '', port: portOf(servicePort) } }

const backendFromStored = ({ service, ...rest }: IngressBackend): BetaBackend => {
  const port = service?.port?.name || service?.port?.number
  return {
    ...rest,
    ...(service?.name ? { serviceName: service.name } : {}),
    ...(port ? { servicePort: port } : {}),
  }
}

const ruleToStored = ({ http, ...rule }: BetaRule): IngressRule => {
  if (!http) return rule
  const paths = (http.paths ?? []).map(({ pathType = 'ImplementationSpecific' as const, backend, ...path }) => ({
    ...path,
    pathType,
    backend: backendToStored(backend),
  }))
  return { ...rule, http: { paths } }
}

const ruleFromStored = ({ http, ...rule }: IngressRule): BetaRule => {
  if (!http) return rule
  const paths = (http.paths ?? []).map(({ backend, ...path }) => ({
    ...path,
    backend: backendFromStored(backend ?? {}),
  }))
  return { ...rule, http: { paths } }
}

const specToStored = ({ backend, rules, ...spec }: BetaSpec): Spec => ({
  ...spec,
  ...(backend ? { defaultBackend: backendToStored(backend) } : {}),
  ...(rules ? { rules: rules.map(ruleToStored) } : {}),
})

const specFromStored = ({ defaultBackend, rules, ...spec }: Spec): BetaSpec => ({
  ...spec,
  ...(defaultBackend ? { backend: backendFromStored(defaultBackend) } : {}),
  ...(rules ? { rules: rules.map(ruleFromStored) } : {}),
})

export const ingressV1beta1: Conversion = conversion<BetaIngress, Ingress>({
  toStored: (ingress) => ({ ...ingress, spec: specToStored(ingress.spec ?? {}) }),
  fromStored: (ingress) => ({ ...ingress, spec: specFromStored(ingress.spec ?? {}) }),
  shownField: (path) =>
    path
      .replace(/^spec\.defaultBackend/, 'spec.backend')
      .replace(/\.service\.name$/, '.serviceName')
      .replace(/\.service\.port(\.\w+)?$/, '.servicePort'),
})
