import t from 'tap'
import { replicaSets } from '../../../src/api/resources.ts'
import { matchMap } from '../../../src/api/selectors.ts'
import type { KubeObject, OwnerReference } from '../../../src/api/types/index.ts'
import { commonIndexes } from '../../../src/controller/common-indexes.ts'
import {
  claimable,
  controllerOf,
  controllerReference,
  isControlledBy,
  sortClaims,
} from '../../../src/controller/ownership.ts'
import { createFedInformer } from '../../support/fed-informer.ts'

const owner = (metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  ...{
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web', namespace: 'default', uid: 'rs', ...metadata },
  },
})

const ref = (uid: string, controller?: boolean): OwnerReference => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid },
  ...(controller === undefined ? {} : { controller }),
})

const pod = (name: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  ...{
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, labels: { app: 'web' }, ...metadata },
  },
})

t.test('who manages an object', async (t) => {
  t.equal(controllerOf(pod('a')), undefined)
  t.equal(controllerOf(pod('a', { ownerReferences: [ref('x'), ref('y', false)] })), undefined)
  t.equal(controllerOf(pod('a', { ownerReferences: [ref('x'), ref('y', true)] }))?.uid, 'y')
  t.equal(isControlledBy(pod('a', { ownerReferences: [ref('rs', true)] }), owner()), true)
  t.equal(isControlledBy(pod('a', { ownerReferences: [ref('rs')] }), owner()), false)
  t.equal(isControlledBy(pod('a', { ownerReferences: [ref('other', true)] }), owner()), false)
  t.same(controllerReference(owner(), replicaSets), {
    ...{
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid: 'rs',
      controller: true,
      blockOwnerDeletion: true,
    },
  })
})

const deletionTimestamp = '2026-01-01T00:00:00Z'
const strange = { labels: { app: 'other' } }
const mine = { ownerReferences: [ref('rs', true)] }

const namesOf = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name)

const objects = [
  pod('mine', mine),
  pod('mine-no-longer', { ...mine, ...strange }),
  pod('mine-going', { ...mine, deletionTimestamp }),
  pod('free'),
  pod('free-going', { deletionTimestamp }),
  pod('free-strange', strange),
  pod('only-owned', { ownerReferences: [ref('rs')] }),
  pod('of-another', { ownerReferences: [ref('other', true)] }),
]

t.test('what others manage, or is of another namespace, is not even looked at', async (t) => {
  const far = pod('mine-far', { ...mine, namespace: 'far' })
  const copies = createFedInformer<KubeObject>([...objects, far], commonIndexes)
  t.same(
    namesOf(claimable(copies, owner())).toSorted(),
    namesOf(objects.filter(({ metadata }) => metadata.name !== 'of-another')).toSorted(),
  )
})

t.test('what is kept, adopted and let go', async (t) => {
  const claims = sortClaims(owner(), matchMap({ app: 'web' }), objects)
  t.same(namesOf(claims.owned), ['mine', 'mine-going'])
  t.same(namesOf(claims.adopt), ['free', 'only-owned'])
  t.same(namesOf(claims.release), ['mine-no-longer'])
  const going = sortClaims(owner({ deletionTimestamp }), matchMap({ app: 'web' }), objects)
  t.same(
    [namesOf(going.owned), going.adopt, going.release],
    [['mine', 'mine-going'], [], []],
    'one that goes changes nothing',
  )
})
