/** Short ways to write the API objects that routing reads. */
import type {
  EndpointConditions,
  EndpointSlice,
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  Service,
} from '../../src/api/types/index.ts'

export const backend = (name: string, port: number | string = 80): IngressBackend => ({
  service: { name, port: typeof port === 'number' ? { number: port } : { name: port } },
})

/** `exact:/foo`, `prefix:/foo` or `any:/foo`, and the Service behind it. */
export const path = (written: string, service: string, port: number | string = 80): HTTPIngressPath => {
  const colon = written.indexOf(':')
  const pathType = { exact: 'Exact', prefix: 'Prefix', any: 'ImplementationSpecific' }[written.slice(0, colon)]
  if (pathType !== 'Exact' && pathType !== 'Prefix' && pathType !== 'ImplementationSpecific') throw new Error(written)
  return { path: written.slice(colon + 1), pathType, backend: backend(service, port) }
}

export interface IngressSketch {
  readonly name?: string
  readonly created?: string
  readonly className?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly defaultBackend?: IngressBackend
  /** Paths by host; the empty host is every host. */
  readonly rules?: Readonly<Record<string, readonly HTTPIngressPath[]>>
  readonly tls?: NonNullable<Ingress['spec']>['tls']
}

export const ingress = (sketch: IngressSketch): Ingress => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name: sketch.name ?? 'web',
    namespace: 'default',
    creationTimestamp: sketch.created ?? '2026-01-01T00:00:00Z',
    annotations: sketch.annotations ?? {},
  },
  spec: {
    ...(sketch.className === undefined ? {} : { ingressClassName: sketch.className }),
    ...(sketch.defaultBackend === undefined ? {} : { defaultBackend: sketch.defaultBackend }),
    rules: Object.entries(sketch.rules ?? {}).map(([host, paths]) => ({
      ...(host === '' ? {} : { host }),
      ...(paths.length === 0 ? {} : { http: { paths } }),
    })),
    ...(sketch.tls === undefined ? {} : { tls: sketch.tls }),
  },
})

export const ingressClass = (name: string, controller = 'podway.dev/ingress', isDefault = false): IngressClass => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name, annotations: isDefault ? { 'ingressclass.kubernetes.io/is-default-class': 'true' } : {} },
  spec: { controller },
})

export const service = (name: string, spec: Service['spec'] = { ports: [{ port: 80 }] }): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec,
})

export interface SliceSketch {
  readonly service: string
  readonly name?: string
  readonly addresses: Readonly<Record<string, EndpointConditions>>
  readonly ports?: EndpointSlice['ports']
  readonly addressType?: EndpointSlice['addressType']
}

export const slice = (sketch: SliceSketch): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: sketch.name ?? `${sketch.service}-1`,
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': sketch.service },
  },
  addressType: sketch.addressType ?? 'IPv4',
  endpoints: Object.entries(sketch.addresses).map(([address, conditions]) => ({ addresses: [address], conditions })),
  ports: sketch.ports ?? [{ name: '', port: 8080 }],
})

/** The index that `createIngress` asks of its slice informer. */
export const byService = (each: EndpointSlice): readonly string[] => [
  `${each.metadata.namespace}/${each.metadata.labels?.['kubernetes.io/service-name']}`,
]
