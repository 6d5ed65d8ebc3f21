/** The IPAddress of a Service's cluster address: it shows, and guards, that nobody else has it. */
import type { IPAddress, Service } from '../../../api/types/index.ts'
import { familyOf } from '../../../ip/address.ts'

const familyLabel = 'ipaddress.kubernetes.io/ip-family'
const managerLabel = 'ipaddress.kubernetes.io/managed-by'
const manager = 'ipallocator.k8s.io'

export const serviceAddress = (address: string, { metadata }: Pick<Service, 'metadata'>) => ({
  metadata: {
    name: address,
    labels: { [familyLabel]: familyOf(address), [managerLabel]: manager },
  },
  spec: { parentRef: { resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name } },
})

/** Whether it is kept here; others may be an administrator's. */
export const isManagedAddress = ({ metadata }: Pick<IPAddress, 'metadata'>): boolean =>
  metadata.labels?.[managerLabel] === manager

/** The key of the Service that has it; undefined for another kind of owner. */
export const serviceOfAddress = ({ spec }: Partial<IPAddress>): string | undefined =>
  spec?.parentRef.resource === 'services' && !spec.parentRef.group
    ? `${spec.parentRef.namespace}/${spec.parentRef.name}`
    : undefined
