import type { Indexes } from '../api/local-copy.ts'
import type { KubeObject } from '../api/types/index.ts'
import { controllerOf } from './ownership.ts'

/**
 * What every object can be found by: its `uid`, the uids of its owners (`owner`), its `namespace`, the uid of the owner that
 * manages it (`controller`), and the namespace of one that nobody does (`free`). `followDependents` and `claimable` need them.
 */
export const commonIndexes = {
  uid: ({ metadata }) => (metadata.uid === undefined ? [] : [metadata.uid]),
  owner: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  namespace: ({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]),
  controller: (object) => [controllerOf(object)?.uid].filter((uid) => uid !== undefined),
  free: (object) => (controllerOf(object) ? [] : [object.metadata.namespace ?? '']),
} satisfies Indexes<KubeObject>
