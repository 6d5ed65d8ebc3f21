/** Every kind the server knows, group by group. */

import { admissionregistrationKinds } from '../resources/admissionregistration/kinds.ts'
import { apiextensionsKinds } from '../resources/apiextensions/kinds.ts'
import { apiregistrationKinds } from '../resources/apiregistration/kinds.ts'
import { appsKinds } from '../resources/apps/kinds.ts'
import { authenticationKinds } from '../resources/authentication/kinds.ts'
import { authorizationKinds } from '../resources/authorization/kinds.ts'
import { autoscalingKinds } from '../resources/autoscaling/kinds.ts'
import { batchKinds } from '../resources/batch/kinds.ts'
import { certificatesKinds } from '../resources/certificates/kinds.ts'
import { coordinationKinds } from '../resources/coordination/kinds.ts'
import { coreKinds } from '../resources/core/kinds.ts'
import { inAllVersions, type ResourceDefinition } from '../resources/definition.ts'
import { discoveryKinds } from '../resources/discovery/kinds.ts'
import { metricsKinds } from '../resources/metrics/kinds.ts'
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
  ...authenticationKinds,
  ...authorizationKinds,
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
  ...apiextensionsKinds,
  ...apiregistrationKinds,
  ...policyKinds,
  ...metricsKinds,
]

/** A kind with all its versions. */
export interface Kind {
  /** The one of `served` by which the server's own parts use it. */
  readonly row: ResourceDefinition
  /** One for each version. */
  readonly served: readonly ResourceDefinition[]
}

/** Where kinds come from. They may come and go: `subscribe` tells of it until its result is called. */
export interface KindSource {
  readonly kinds: readonly Kind[]
  subscribe(listener: () => void): () => void
}

const builtIn: readonly Kind[] = definitions.map((row) => ({ row, served: inAllVersions(row) }))

/** The kinds that every server has. */
export const builtInKinds: KindSource = { kinds: builtIn, subscribe: () => () => undefined }

/** A row for each version of each of them, as clients find them. */
export const servedDefinitions: readonly ResourceDefinition[] = builtIn.flatMap(({ served }) => served)

/** The catalogue of all kinds: whoever answers, copies or collects objects reads it, and follows its changes. */
export interface Registry extends KindSource {
  /** One for each version of each kind, as it is now. */
  readonly definitions: readonly ResourceDefinition[]
  /** By group, version and plural, as a URL names it. */
  find(group: string, version: string, plural: string): ResourceDefinition | undefined
}

interface Snapshot {
  readonly kinds: readonly Kind[]
  readonly definitions: readonly ResourceDefinition[]
  readonly byPath: ReadonlyMap<string, ResourceDefinition>
}

const pathOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`

const snapshotOf = (sources: readonly KindSource[]): Snapshot => {
  const kinds = sources.flatMap((source) => source.kinds)
  const rows = kinds.flatMap(({ served }) => served)
  // Of two for one path the first stays: no kind that is added takes the place of another one.
  const byPath = new Map(rows.toReversed().map((row) => [pathOf(row.group, row.version, row.plural), row]))
  return { kinds, definitions: rows, byPath }
}

export const createRegistry = (...sources: readonly KindSource[]): Registry => {
  const all = [builtInKinds, ...sources]
  const listeners = new Set<() => void>()
  let now = snapshotOf(all)
  const changed = (): void => {
    now = snapshotOf(all)
    for (const listener of [...listeners]) listener()
  }
  for (const source of all) source.subscribe(changed)
  return {
    get kinds() {
      return now.kinds
    },
    get definitions() {
      return now.definitions
    },
    find: (group, version, plural) => now.byPath.get(pathOf(group, version, plural)),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
