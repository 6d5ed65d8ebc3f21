import t from 'tap'
import type { KubeObject, OwnerReference } from '../../../../../src/api/types/index.ts'
import {
  hasOtherOwners,
  isForeground,
  isOrphaning,
  judge,
  type OwnerState,
  ownerState,
} from '../../../../../src/control/controllers/garbage/references.ts'

const reference = (uid: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `name-${uid}`, uid, ...more },
})

const object = (metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default', uid: 'p', ...metadata } },
})

const deleted = '2026-01-01T00:00:00Z'
const foreground = { deletionTimestamp: deleted, finalizers: ['foregroundDeletion'] }

t.test('how an owner is being deleted', async (t) => {
  t.equal(isForeground(object(foreground)), true)
  t.equal(isForeground(object({ finalizers: ['foregroundDeletion'] })), false, 'not yet')
  t.equal(isForeground(object({ deletionTimestamp: deleted, finalizers: ['orphan'] })), false)
  t.equal(isForeground(object({ deletionTimestamp: deleted })), false)
  t.equal(isOrphaning(object({ deletionTimestamp: deleted, finalizers: ['orphan'] })), true)
  t.equal(isOrphaning(object({ finalizers: ['orphan'] })), false)
  t.equal(isOrphaning(object(foreground)), false)
})

t.test('changes that have to do with owners', async (t) => {
  const owned = (uid: string, more: Partial<KubeObject['metadata']> = {}) =>
    object({ ownerReferences: [reference(uid)], ...more })
  t.equal(
    hasOtherOwners(owned('o', { resourceVersion: '2' }), owned('o', { resourceVersion: '1' })),
    false,
    'a heartbeat',
  )
  t.equal(hasOtherOwners(object(), object()), false)
  t.equal(hasOtherOwners(owned('o'), undefined), true, 'it is new')
  t.equal(hasOtherOwners(undefined, owned('o')), true, 'it goes')
  t.equal(hasOtherOwners(owned('o', { uid: 'q' }), owned('o')), true, 'another one of the name')
  t.equal(hasOtherOwners(owned('n'), owned('o')), true, 'it is adopted')
  t.equal(hasOtherOwners(object(), owned('o')), true, 'it is released')
  const unblocked = object({ ownerReferences: [reference('o', { blockOwnerDeletion: false })] })
  t.equal(hasOtherOwners(unblocked, owned('o')), true, 'its owner need not wait any longer')
})

const blocking = reference('o', { blockOwnerDeletion: true })

const owners: readonly {
  readonly name: string
  readonly owner: KubeObject | undefined
  readonly by: OwnerReference
  readonly is: OwnerState
}[] = [
  { name: 'there', owner: object({ uid: 'o' }), by: reference('o'), is: 'present' },
  { name: 'gone', owner: undefined, by: reference('o'), is: 'absent' },
  { name: 'another one of the same name', owner: object({ uid: 'o2' }), by: reference('o'), is: 'absent' },
  { name: 'of another namespace', owner: object({ uid: 'o', namespace: 'other' }), by: reference('o'), is: 'absent' },
  {
    ...{ name: 'of the whole cluster', by: reference('o'), is: 'present' },
    owner: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'o' } },
  },
  { name: 'waits for us', owner: object({ uid: 'o', ...foreground }), by: blocking, is: 'waiting' },
  {
    name: 'goes, and does not wait for us',
    owner: object({ uid: 'o', ...foreground }),
    by: reference('o'),
    is: 'present',
  },
  {
    name: 'is asked not to be waited for',
    owner: object({ uid: 'o', ...foreground }),
    by: reference('o', { blockOwnerDeletion: false }),
    is: 'present',
  },
  {
    name: 'goes in the background',
    owner: object({ uid: 'o', deletionTimestamp: deleted }),
    by: blocking,
    is: 'present',
  },
]
for (const { name, owner, by, is } of owners) t.equal(ownerState(object(), by, owner), is, `an owner that is ${name}`)

const verdicts: readonly {
  readonly name: string
  readonly of?: Partial<KubeObject['metadata']>
  readonly states: readonly OwnerState[]
  readonly hasDependents?: boolean
  readonly wanted: ReturnType<typeof judge>
}[] = [
  { name: 'nobody owns it', states: [], wanted: {} },
  { name: 'its owner is there', states: ['present'], wanted: {} },
  { name: 'all owners are there', states: ['present', 'present'], wanted: {} },
  { name: 'its owner is gone', states: ['absent'], wanted: { remove: 'Background' } },
  { name: 'all are gone', states: ['absent', 'absent'], hasDependents: true, wanted: { remove: 'Background' } },
  { name: 'one of two is gone', states: ['absent', 'present'], wanted: { unlink: [reference('o0')] } },
  { name: 'one of two waits', states: ['present', 'waiting'], wanted: { unlink: [reference('o1')] } },
  {
    name: 'it is awaited, and has dependents',
    states: ['waiting'],
    hasDependents: true,
    wanted: { remove: 'Foreground' },
  },
  { name: 'it is awaited, and has none', states: ['waiting'], wanted: { remove: 'Background' } },
  {
    name: 'one is gone, one waits',
    states: ['absent', 'waiting'],
    hasDependents: true,
    wanted: { remove: 'Foreground' },
  },
  { name: 'it goes already', of: { deletionTimestamp: deleted }, states: ['absent'], wanted: {} },
  {
    name: 'it was to leave its own',
    of: { finalizers: ['orphan'] },
    states: ['waiting'],
    hasDependents: true,
    wanted: { remove: 'Orphan' },
  },
  {
    name: 'it was to wait for its own',
    of: { finalizers: ['foregroundDeletion'] },
    states: ['absent'],
    wanted: { remove: 'Foreground' },
  },
]
for (const { name, of, states, hasDependents = false, wanted } of verdicts)
  t.same(
    judge(
      object(of),
      states.map((state, at) => ({ reference: reference(`o${at}`), state })),
      hasDependents,
    ),
    wanted,
    name,
  )
