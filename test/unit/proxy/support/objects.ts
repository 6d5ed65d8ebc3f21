/** Services and EndpointSlices for tests, with only what matters spelled out. */
import type { Endpoint, EndpointSlice, Service, ServicePort, ServiceSpec } from '../../../../src/api/types/index.ts'

export interface ServiceDraft extends Partial<ServiceSpec> {
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Addresses in status.loadBalancer.ingress. */
  readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string; readonly ipMode?: 'VIP' | 'Proxy' }[]
}

export const webPort: ServicePort = { name: 'http', port: 80, protocol: 'TCP' }

/** A Service in namespace `default`, by default `web` at 10.96.0.10 with port 80. */
export const makeService = (draft: ServiceDraft = {}): Service => {
  const { name = 'web', labels = {}, annotations = {}, ingress = [], ...spec } = draft
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels, annotations },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', ports: [webPort], ...spec },
    status: { loadBalancer: { ingress } },
  }
}

export interface EndpointDraft {
  readonly address: string
  readonly node?: string
  readonly ready?: boolean
  readonly serving?: boolean
  readonly terminating?: boolean
  /** Names that the endpoint is meant for. */
  readonly forNodes?: readonly string[]
  readonly forZones?: readonly string[]
}

const named = (names: readonly string[]) => names.map((name) => ({ name }))

const makeEndpoint = ({ address, node, forNodes, forZones, ...conditions }: EndpointDraft): Endpoint => ({
  addresses: [address],
  conditions,
  ...(node === undefined ? {} : { nodeName: node }),
  ...(forNodes || forZones
    ? { hints: { ...(forNodes && { forNodes: named(forNodes) }), ...(forZones && { forZones: named(forZones) }) } }
    : {}),
})

export interface SliceDraft {
  readonly service?: string
  readonly name?: string
  readonly addressType?: EndpointSlice['addressType']
  readonly ports?: EndpointSlice['ports']
}

/** A slice of the Service `web`, by default with port `http` 8080. */
export const makeSlice = (endpoints: readonly EndpointDraft[], draft: SliceDraft = {}): EndpointSlice => {
  const { service = 'web', name = `${service}-1`, addressType = 'IPv4' } = draft
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType,
    endpoints: endpoints.map(makeEndpoint),
    ports: draft.ports ?? [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }
}
