import type { Indexes } from '../api/local-copy.ts'
import type { KubeObject } from '../api/types/index.ts'

/** What every object can be found by: its `uid`, the uids of its owners (`owner`), its `namespace`. `followDependents` needs them. */
export const commonIndexes = {
  uid: ({ metadata }) => (metadata.uid === undefined ? [] : [metadata.uid]),
  owner: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  namespace: ({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]),
} satisfies Indexes<KubeObject>
