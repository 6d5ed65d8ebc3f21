/** Every kind the server knows, group by group. */

import { admissionregistrationKinds } from '../resources/admissionregistration/kinds.ts'
import { appsKinds } from '../resources/apps/kinds.ts'
import { autoscalingKinds } from '../resources/autoscaling/kinds.ts'
import { batchKinds } from '../resources/batch/kinds.ts'
import { certificatesKinds } from '../resources/certificates/kinds.ts'
import { coordinationKinds } from '../resources/coordination/kinds.ts'
import { coreKinds } from '../resources/core/kinds.ts'
import { inAllVersions, type ResourceDefinition } from '../resources/definition.ts'
import { discoveryKinds } from '../resources/discovery/kinds.ts'
import { gatewayKinds } from '../resources/gateway/kinds.ts'
import { networkingKinds } from '../resources/networking/kinds.ts'
import { nodeKinds } from '../resources/node/kinds.ts'
import { policyKinds } from '../resources/policy/kinds.ts'
import { rbacKinds } from '../resources/rbac/kinds.ts'
import { schedulingKinds } from '../resources/scheduling/kinds.ts'
import { storageKinds } from '../resources/storage/kinds.ts'

/** One for each kind, in the order in which groups are offered to clients, who take the first that has what they look for. */
export const definitions: readonly ResourceDefinition[] = [
  ...coreKinds,
  ...appsKinds,
  ...autoscalingKinds,
  ...batchKinds,
  ...coordinationKinds,
  ...certificatesKinds,
  ...discoveryKinds,
  ...networkingKinds,
  ...storageKinds,
  ...schedulingKinds,
  ...nodeKinds,
  ...rbacKinds,
  ...admissionregistrationKinds,
  ...policyKinds,
  ...gatewayKinds,
]

/** A row for each version of each kind, as clients find them. */
export const servedDefinitions: readonly ResourceDefinition[] = definitions.flatMap(inAllVersions)

export interface Registry {
  /** One for each version of each kind. */
  readonly definitions: readonly ResourceDefinition[]
  /** By group, version and plural, as a URL names it. */
  find(group: string, version: string, plural: string): ResourceDefinition | undefined
}

export const createRegistry = (rows: readonly ResourceDefinition[] = servedDefinitions): Registry => {
  const byPath = new Map(rows.map((row) => [`${row.group}/${row.version}/${row.plural}`, row]))
  return { definitions: rows, find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`) }
}
