import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { checkPreconditions, type Deletion, isReleased, markDeleted } from '../../../../src/control/objects/deletion.ts'
import { definitions } from '../../../../src/control/registry/registry.ts'

const rowOf = (kind: string) => {
  const found = definitions.find((row) => row.kind === kind)
  if (!found) throw new Error(`no kind ${kind}`)
  return found
}
const [configMap, pod, namespace] = [rowOf('ConfigMap'), rowOf('Pod'), rowOf('Namespace')]

const now = Date.UTC(2026, 0, 1)
const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString().replace('.000Z', 'Z')

const object = (metadata: Partial<KubeObject['metadata']> = {}, more: object = {}): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'X', metadata: { name: 'x', uid: 'u1', resourceVersion: '7', ...metadata } },
  ...more,
})

t.test('only the one that was meant is deleted', async (t) => {
  const check = (preconditions: Deletion['preconditions']) => () =>
    checkPreconditions(configMap, object(), preconditions ? { preconditions } : {})
  t.doesNotThrow(check(undefined))
  t.doesNotThrow(check({}))
  t.doesNotThrow(check({ uid: 'u1', resourceVersion: '7' }))
  t.throws(check({ uid: 'u2' }), { code: 409, message: /configmaps "x".*UID in the precondition \(u2\).*\(u1\)/ })
  t.throws(check({ uid: 'u1', resourceVersion: '6' }), { code: 409, message: /ResourceVersion.*\(6\).*\(7\)/ })
})

t.test('what holds a deleted object', async (t) => {
  const deletionTimestamp = at(0)
  const cases: readonly (readonly [string, boolean, typeof configMap, KubeObject])[] = [
    ['not deleted', false, configMap, object()],
    ['deleted', true, configMap, object({ deletionTimestamp })],
    ['no grace left', true, configMap, object({ deletionTimestamp, deletionGracePeriodSeconds: 0, finalizers: [] })],
    ['a finalizer', false, configMap, object({ deletionTimestamp, finalizers: ['a/b'] })],
    ['grace', false, pod, object({ deletionTimestamp, deletionGracePeriodSeconds: 30 })],
    [
      'a namespace with content',
      false,
      namespace,
      object({ deletionTimestamp }, { spec: { finalizers: ['kubernetes'] } }),
    ],
    ['an empty namespace', true, namespace, object({ deletionTimestamp }, { spec: { finalizers: [] } })],
  ]
  for (const [name, wanted, row, found] of cases) t.equal(isReleased(row, found), wanted, name)
})

const bound = { spec: { nodeName: 'n1', terminationGracePeriodSeconds: 20 } }

t.test('marking: time and grace', async (t) => {
  t.match(markDeleted(configMap, object(), {}, now).metadata, {
    ...{ deletionTimestamp: at(0), deletionGracePeriodSeconds: 0, finalizers: undefined },
  })
  t.match(markDeleted(configMap, object(), { gracePeriodSeconds: 60 }, now).metadata, {
    ...{ deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 },
  })
  t.match(markDeleted(pod, object({}, bound), {}, now).metadata, {
    ...{ deletionTimestamp: at(20), deletionGracePeriodSeconds: 20 },
  })
  t.match(markDeleted(pod, object({}, bound), { gracePeriodSeconds: 5 }, now).metadata, {
    ...{ deletionTimestamp: at(5), deletionGracePeriodSeconds: 5 },
  })
})

t.test('an earlier deletion is only ever shortened', async (t) => {
  const going = object({ deletionTimestamp: at(10), deletionGracePeriodSeconds: 10 }, bound)
  const again = (gracePeriodSeconds: number) => markDeleted(pod, going, { gracePeriodSeconds }, now).metadata
  t.match(again(9), { deletionTimestamp: at(9), deletionGracePeriodSeconds: 9 })
  t.match(again(10), { deletionTimestamp: at(10), deletionGracePeriodSeconds: 10 })
  t.match(again(11), { deletionTimestamp: at(10), deletionGracePeriodSeconds: 10 })
  t.match(again(0), { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 })
})

t.test('the finalizers that a propagation policy brings', async (t) => {
  const finalizers = (propagationPolicy: string | undefined, before?: readonly string[]) =>
    markDeleted(
      configMap,
      object(before ? { finalizers: before } : {}),
      propagationPolicy === undefined ? {} : { propagationPolicy },
      now,
    ).metadata.finalizers
  t.equal(finalizers(undefined), undefined)
  t.equal(finalizers('Background'), undefined)
  t.same(finalizers('Foreground'), ['foregroundDeletion'])
  t.same(finalizers('Orphan'), ['orphan'])
  t.same(finalizers('Orphan', ['a/b']), ['a/b', 'orphan'])
  t.same(finalizers('Orphan', ['orphan', 'a/b']), ['orphan', 'a/b'], 'once is enough')
  t.same(finalizers('Background', ['a/b']), ['a/b'])
  t.equal(finalizers('Background', ['orphan']), undefined, 'who deletes again, and says how, is who counts')
  t.same(finalizers('Background', ['foregroundDeletion', 'a/b']), ['a/b'])
  t.same(finalizers('Orphan', ['foregroundDeletion']), ['orphan'])
  t.same(finalizers(undefined, ['orphan']), ['orphan'], 'who does not say leaves it')
  t.same(finalizers(undefined, ['foregroundDeletion', 'a/b']), ['foregroundDeletion', 'a/b'])
})

t.test('what a kind does beside it happens once', async (t) => {
  const phaseOf = (found: KubeObject) =>
    (markDeleted(namespace, found, {}, now) as { status?: { phase?: string } }).status?.phase
  t.equal(phaseOf(object()), 'Terminating')
  t.equal(phaseOf(object({ deletionTimestamp: at(0) }, { status: { phase: 'Active' } })), 'Active')
})
