/** Services and EndpointSlices for tests, as short as they can be said. */
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '../../src/api/types/index.ts'

export const service = (name: string, spec: ServiceSpec, namespace = 'default'): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec },
})

export const slice = (
  of: string,
  endpoints: readonly Endpoint[],
  ports: EndpointSlice['ports'] = [{ name: 'http', port: 8080, protocol: 'TCP' }],
  namespace = 'default',
): EndpointSlice => ({
  ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  metadata: { name: `${of}-1`, namespace, labels: { 'kubernetes.io/service-name': of } },
  addressType: endpoints[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
  ...{ endpoints, ports },
})
