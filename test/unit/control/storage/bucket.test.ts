/** One resource: what is, what was, and what was forgotten. */
import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { createBucket, type HistoryLimits } from '../../../../src/control/storage/bucket.ts'
import { type Change, type Entry, RevisionGone } from '../../../../src/control/storage/store.ts'

const key = (name: string) => ({ bucket: 'configmaps', name })
const objectAt = (name: string, revision: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, resourceVersion: String(revision) },
})
const entryAt = (name: string, revision: number): Entry => ({
  key: key(name),
  revision,
  object: objectAt(name, revision),
})

const generous: HistoryLimits = { changes: 100, milliseconds: 1e9 }

/** A bucket that is changed by name; revisions rise by one, from 10 on. */
const open = (found: readonly Entry[] = [], limits = generous) => {
  const bucket = createBucket(10, found, limits)
  let now = 10
  const apply = (name: string, removed: boolean, time: number): number => {
    now++
    const previous = bucket.get(name)?.object
    bucket.apply({ key: key(name), revision: now, object: objectAt(name, now), removed, previous }, time)
    return now
  }
  const listed = (revision = now) => {
    const listing = bucket.list(revision, now)
    return [listing.revision, listing.entries.map((entry) => `${entry.key.name}@${entry.revision}`)]
  }
  const told = (revision: number) => {
    const seen: string[] = []
    bucket.watch(revision, (change) => seen.push(`${change.removed ? '-' : '+'}${change.key.name}@${change.revision}`))
    return seen
  }
  return {
    ...{ bucket, listed, told },
    put: (name: string, time = 0) => apply(name, false, time),
    remove: (name: string, time = 0) => apply(name, true, time),
  }
}

t.test('the present is sorted, whatever came, changed and went since the last list', async (t) => {
  const { listed, put, remove, bucket } = open([entryAt('m', 4), entryAt('c', 9)])
  t.same(listed(), [10, ['c@9', 'm@4']])
  put('a')
  t.same(listed(), [11, ['a@11', 'c@9', 'm@4']])
  put('m')
  t.same(listed(), [12, ['a@11', 'c@9', 'm@12']])
  remove('c')
  t.same(listed(), [13, ['a@11', 'm@12']])
  put('c')
  t.same(listed(), [14, ['a@11', 'c@14', 'm@12']])
  t.same([...bucket.names()].sort(), ['a', 'c', 'm'])
  t.equal(bucket.get('x'), undefined)
  t.same(listed(99), [14, ['a@11', 'c@14', 'm@12']], 'of the future there is the present')
})

t.test('the past is what it was at each revision, sorted', async (t) => {
  const { listed, put, remove } = open([entryAt('m', 4)])
  put('z')
  put('a')
  remove('m')
  put('z')
  put('m')
  t.same(
    [10, 11, 12, 13, 14, 15].map((revision) => listed(revision)),
    [
      [10, ['m@4']],
      [11, ['m@4', 'z@11']],
      [12, ['a@12', 'm@4', 'z@11']],
      [13, ['a@12', 'z@11']],
      [14, ['a@12', 'z@14']],
      [15, ['a@12', 'm@15', 'z@14']],
    ],
  )
  t.throws(() => listed(9), RevisionGone, 'of before its start nothing is known')
})

t.test('a watch begins behind its revision, and watchers do not disturb one another', async (t) => {
  const { bucket, told, put, remove } = open()
  put('a')
  put('b')
  const all = told(10)
  const late = told(11)
  const seen: number[] = []
  const stop = bucket.watch(12, ({ revision }: Change) => {
    seen.push(revision)
    stop()
  })
  const last = told(12)
  remove('a')
  put('c')
  t.same(all, ['+a@11', '+b@12', '-a@13', '+c@14'])
  t.same(late, ['+b@12', '-a@13', '+c@14'])
  t.same(seen, [13], 'one that stops while it is told')
  t.same(last, ['-a@13', '+c@14'], 'and the one after it')
  t.throws(() => told(9), RevisionGone)
})

t.test('of many changes half stay, once there are twice as many as wanted', async (t) => {
  const { told, put } = open([], { changes: 5, milliseconds: 1e9 })
  for (let n = 0; n < 10; n++) put('a')
  t.equal(told(10).length, 10)
  put('a')
  t.same(told(16), ['+a@17', '+a@18', '+a@19', '+a@20', '+a@21'])
  t.throws(() => told(15), { name: 'RevisionGone', message: 'too old resource version: 15 (16)' })
})

t.test('what is old goes once the oldest is twice as old as wanted', async (t) => {
  const { told, listed, put } = open([], { changes: 100, milliseconds: 1_000 })
  put('a', 0)
  put('b', 1_000)
  put('c', 1_001)
  put('d', 1_999)
  t.equal(told(10).length, 4)
  put('e', 2_000)
  t.same(told(12), ['+c@13', '+d@14', '+e@15'])
  t.throws(() => told(11), RevisionGone)
  t.throws(() => listed(11), RevisionGone)
  t.same(listed(12), [12, ['a@11', 'b@12']])
})
