export type * from './gateway.ts'
export type * from './kubernetes/apps-v1.ts'
export type * from './kubernetes/certificates-v1.ts'
export type * from './kubernetes/coordination-v1.ts'
export type * from './kubernetes/core-v1.ts'
export type { Endpoint, EndpointConditions, EndpointPort, EndpointSlice } from './kubernetes/discovery-v1.ts'
export type * from './kubernetes/meta-v1.ts'
export type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressRule,
  IPAddress,
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  ServiceCIDR,
} from './kubernetes/networking-v1.ts'
export type * from './objects.ts'
