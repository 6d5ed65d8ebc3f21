/** Everybody who has a say in writes, in this order. A further one is one more line here. */
import type { Clock } from '../../api/clock.ts'
import type { Authorization } from '../authorization/authorizers.ts'
import type { Admission } from '../objects/admission.ts'
import type { Store } from '../storage/store.ts'
import { certificateRequests } from './certificate-requests.ts'
import { claimResize } from './claim-resize.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { newNodes } from './new-nodes.ts'
import type { ClusterNetworks } from './node-claims.ts'
import { nodeRestriction } from './node-restriction.ts'
import type { PluginName } from './plugins.ts'
import { podSecurity } from './pod-security.ts'
import { priorityClasses } from './priority-classes.ts'
import { roleEscalation } from './role-escalation.ts'
import { serviceAccount } from './service-account.ts'
import { type AllocationRanges, serviceAllocation } from './service-allocation.ts'
import { storageProtection } from './storage-protection.ts'

export interface AdmissionSettings {
  readonly networks: ClusterNetworks
  readonly nodePorts: AllocationRanges['nodePorts']
  /** Pods of a node that is not ready for so long are given up, unless they say otherwise themselves. */
  readonly podEvictionSeconds: number
  /** Plugins that do not run. */
  readonly disabled?: readonly PluginName[]
}

export const createAdmissions = (
  store: Store,
  clock: Clock,
  { resolver, authorizer }: Authorization,
  { networks, nodePorts, podEvictionSeconds, disabled = [] }: AdmissionSettings,
  webhooks: Admission,
): readonly Admission[] => {
  const all: readonly Admission[] = [
    nodeRestriction(store, clock, networks),
    certificateRequests(authorizer),
    namespaceLifecycle(store),
    limitRanger(store),
    serviceAccount(store, clock),
    newNodes,
    defaultStorageClass(store),
    storageProtection,
    claimResize(store),
    defaultIngressClass(store),
    defaultTolerationSeconds(podEvictionSeconds),
    priorityClasses(store),
    webhooks,
    serviceAllocation(store, { serviceCIDRs: networks.serviceCIDRs, nodePorts }),
    // After all who change the object.
    podSecurity(store),
    roleEscalation(resolver, authorizer),
  ]
  const off: readonly string[] = disabled
  return all.filter(({ name }) => !off.includes(name))
}
