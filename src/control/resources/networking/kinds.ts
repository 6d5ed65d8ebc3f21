import type { ResourceDefinition } from '../definition.ts'
import { ingress, ingressClass } from './ingress.ts'
import { networkPolicy } from './network-policy.ts'
import { ipAddress, serviceCIDR } from './service-cidr.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const networkingKinds: readonly ResourceDefinition[] = [
  ingress,
  ingressClass,
  networkPolicy,
  serviceCIDR,
  ipAddress,
]
