/** Every kind the server knows, group by group. */

import { admissionregistrationKinds } from './admissionregistration/kinds.ts'
import { appsKinds } from './apps/kinds.ts'
import { autoscalingKinds } from './autoscaling/kinds.ts'
import { batchKinds } from './batch/kinds.ts'
import { certificatesKinds } from './certificates/kinds.ts'
import { coordinationKinds } from './coordination/kinds.ts'
import { coreKinds } from './core/kinds.ts'
import { inAllVersions, type ResourceDefinition } from './definition.ts'
import { discoveryKinds } from './discovery/kinds.ts'
import { gatewayKinds } from './gateway/kinds.ts'
import { networkingKinds } from './networking/kinds.ts'
import { nodeKinds } from './node/kinds.ts'
import { policyKinds } from './policy/kinds.ts'
import { rbacKinds } from './rbac/kinds.ts'
import { schedulingKinds } from './scheduling/kinds.ts'
import { storageKinds } from './storage/kinds.ts'

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
