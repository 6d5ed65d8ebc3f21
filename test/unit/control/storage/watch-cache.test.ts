import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { type Backend, type Follower, RevisionMismatch } from '../../../../src/control/storage/backend.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { type Change, RevisionGone, type Store } from '../../../../src/control/storage/store.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'

const object = (name: string, value: string) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'd' }, data: { value } }) as KubeObject
const key = (name: string, bucket = 'configmaps') => ({ bucket, name: `d/${name}` })
const dataOf = (object: KubeObject | undefined) => (object as { data?: { value?: string } } | undefined)?.data?.value

const put = (store: Store, name: string, value: string, expected = 0) =>
  store.commit({ key: key(name), expected, object: object(name, value) })
const tell = (changes: readonly Change[]) =>
  changes.map(({ key, object, removed, previous }) => [key.name, dataOf(object), removed, dataOf(previous)])

t.test('an object is read at the revision of its last change, also after the next start', async (t) => {
  const backend = createMemoryBackend()
  const store = await openStore(backend)
  const first = await put(store, 'a', '1')
  t.equal(store.revision, first)
  t.equal(store.get(key('a'))?.object.metadata.resourceVersion, String(first))
  const [kept] = (await backend.load()).kept
  t.notMatch(kept?.value, /resourceVersion/, 'which is kept once')
  const again = await openStore(backend)
  t.same(again.get(key('a')), store.get(key('a')))
})

t.test('a write that lost sees why, and changes nothing', async (t) => {
  const store = await openStore(createMemoryBackend())
  const first = await put(store, 'a', '1')
  await t.rejects(put(store, 'a', '2'), RevisionMismatch, 'exists already')
  await t.rejects(put(store, 'b', '2', 7), RevisionMismatch, 'does not exist')
  const [won, lost] = await Promise.allSettled([put(store, 'a', '2', first), put(store, 'a', '3', first)])
  t.equal(won.status, 'fulfilled')
  t.equal(lost.status, 'rejected')
  t.equal(dataOf(store.get(key('a'))?.object), '2')
})

t.test('nothing is seen before it is acknowledged', async (t) => {
  const store = await openStore(createMemoryBackend())
  const seen: string[] = []
  store.watch('configmaps', 0, (change) => seen.push(change.key.name))
  const write = put(store, 'a', '1')
  t.equal(store.get(key('a')), undefined)
  t.same(seen, [])
  await write
  t.ok(store.get(key('a')))
  t.same(seen, ['d/a'])
})

t.test('several objects are one commit', async (t) => {
  const store = await openStore(createMemoryBackend())
  const changes: Change[] = []
  for (const bucket of ['services', 'ipaddresses']) store.watch(bucket, 0, (change) => changes.push(change))
  const pair = (expected: number) => [
    { key: key('s', 'services'), expected, object: object('s', '1') },
    { key: key('i', 'ipaddresses'), expected: 0, object: object('i', '1') },
  ]
  const revision = await store.commit(...pair(0))
  t.same(
    changes.map((change) => change.revision),
    [revision, revision],
  )
  await t.rejects(store.commit(...pair(revision)), RevisionMismatch)
  t.equal(changes.length, 2)
})

t.test('lists are sorted, of one bucket, and of one moment', async (t) => {
  const store = await openStore(createMemoryBackend())
  const b = await put(store, 'b', '1')
  const a = await put(store, 'a', '1')
  await put(store, 'b', '2', b)
  await store.commit({ key: key('a'), expected: a })
  await store.commit({ key: key('x', 'secrets'), expected: 0, object: object('x', '1') })
  const names = (revision?: number) =>
    store.list('configmaps', revision).entries.map((entry) => `${entry.key.name}=${dataOf(entry.object)}`)
  t.same(names(), ['d/b=2'])
  t.same(names(a), ['d/a=1', 'd/b=1'], 'as it was')
  t.same(names(b), ['d/b=1'])
  t.same(names(0), [])
})

t.test('a watch tells the past from a revision on, then the present, in order', async (t) => {
  const store = await openStore(createMemoryBackend())
  const a = await put(store, 'a', '1')
  const changed = await put(store, 'a', '2', a)
  const changes: Change[] = []
  const stop = store.watch('configmaps', a, (change) => changes.push(change))
  const gone = await store.commit({ key: key('a'), expected: changed })
  t.same(tell(changes), [
    ['d/a', '2', false, '1'],
    ['d/a', '2', true, '2'],
  ])
  t.equal(changes[1]?.object.metadata.resourceVersion, String(gone), 'a deletion has a revision of its own')
  stop()
  await put(store, 'b', '1')
  t.equal(changes.length, 2, 'stopped')
})

t.test('an object that cannot be kept fails alone', async (t) => {
  const store = await openStore(createMemoryBackend())
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  const outcomes = await Promise.allSettled([
    put(store, 'a', '1'),
    store.commit({ key: key('bad'), expected: 0, object: { ...object('bad', ''), circular } as KubeObject }),
    put(store, 'large', 'x'.repeat(2 * 1024 * 1024)),
    put(store, 'b', '2'),
  ])
  t.same(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : outcome.reason.name)),
    ['done', 'TypeError', 'EntryTooLarge', 'done'],
  )
  t.equal(store.revision, 2, 'and takes no revision')
})

t.test('each resource has a past of its own, bounded in number and in time', async (t) => {
  const clock = createFakeClock()
  const store = await openStore(createMemoryBackend(), { clock, history: { changes: 20, milliseconds: 1_000 } })
  const quiet = await store.commit({ key: key('q', 'secrets'), expected: 0, object: object('q', '1') })
  const first = await put(store, 'a', '0')
  let revision = first
  for (let n = 1; n <= 100; n++) revision = await put(store, 'a', String(n), revision)
  t.throws(() => store.watch('configmaps', first, () => undefined), RevisionGone)
  t.throws(() => store.list('configmaps', first), RevisionGone)
  t.doesNotThrow(() => store.watch('configmaps', revision - 20, () => undefined))
  const seen: Change[] = []
  store.watch('secrets', quiet - 1, (change) => seen.push(change))
  t.equal(seen.length, 1, 'many changes of one push out no others')

  clock.advance(2_500)
  await store.commit({ key: key('r', 'secrets'), expected: 0, object: object('r', '1') })
  t.throws(
    () => store.watch('secrets', quiet - 1, () => undefined),
    RevisionGone,
    'what is old goes with the next change',
  )
  t.doesNotThrow(() => store.watch('secrets', quiet, () => undefined))
})

/** One that others write to as well, and that can be lost. */
const shared = () => {
  const backend = createMemoryBackend()
  const following = new Map<Follower, () => void>()
  let isDeaf = false
  const told: Backend = {
    ...backend,
    follow: (revision, follower) => {
      const stop = backend.follow(revision, { ...follower, commit: (commit) => isDeaf || follower.commit(commit) })
      following.set(follower, stop)
      return stop
    },
  }
  return {
    backend: told,
    setDeaf: (value: boolean) => {
      isDeaf = value
    },
    lose: () => {
      for (const [follower, stop] of [...following]) {
        following.delete(follower)
        stop()
        follower.lost(new Error('compacted'))
      }
    },
    writeElsewhere: (name: string, expected: number, value?: string) =>
      backend.commit([
        { key: key(name), expected, ...(value === undefined ? {} : { value: JSON.stringify(object(name, value)) }) },
      ]),
  }
}

t.test('what another server writes is read, and fresh waits for it', async (t) => {
  const { backend, writeElsewhere } = shared()
  const store = await openStore(backend)
  const changes: Change[] = []
  store.watch('configmaps', 0, (change) => changes.push(change))
  const revision = await writeElsewhere('a', 0, '1')
  await store.fresh()
  t.equal(store.get(key('a'))?.revision, revision)
  t.same(tell(changes), [['d/a', '1', false, undefined]])
  await put(store, 'a', '2', revision)
  t.equal(dataOf(store.get(key('a'))?.object), '2')
})

t.test('what was missed is told as the difference, once the backend can be followed again', async (t) => {
  const { backend, writeElsewhere, setDeaf, lose } = shared()
  const reasons: string[] = []
  const store = await openStore(backend, { onLost: ({ message }) => reasons.push(message) })
  const a = await writeElsewhere('a', 0, '1')
  const b = await writeElsewhere('b', 0, '1')
  await store.fresh()
  const changes: Change[] = []
  store.watch('configmaps', store.revision, (change) => changes.push(change))
  setDeaf(true)
  const changed = await writeElsewhere('a', a, '2')
  await writeElsewhere('a', changed, '3')
  await writeElsewhere('b', b)
  await writeElsewhere('c', 0, '1')
  const lagging = store.fresh()
  t.same(changes, [])
  setDeaf(false)
  lose()
  await lagging
  t.same(reasons, ['compacted'])
  t.same(tell(changes), [
    ['d/a', '3', false, '1'],
    ['d/c', '1', false, undefined],
    ['d/b', '1', true, '1'],
  ])
  const revisions = changes.map((change) => change.revision)
  t.same(
    revisions,
    revisions.toSorted((x, y) => x - y),
    'revisions still rise',
  )
  await put(store, 'd', '1')
  t.equal(changes.length, 4, 'and it is followed on')
})

t.test('a backend that cannot be loaded is asked again', async (t) => {
  const clock = createFakeClock()
  const { backend, lose, writeElsewhere, setDeaf } = shared()
  let isDown = false
  const store = await openStore(
    { ...backend, load: () => (isDown ? Promise.reject(new Error('no connection')) : backend.load()) },
    { clock },
  )
  isDown = true
  setDeaf(true)
  lose()
  await writeElsewhere('a', 0, '1')
  setDeaf(false)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(store.get(key('a')), undefined)
  isDown = false
  clock.advance(1_000)
  await store.fresh()
  t.equal(dataOf(store.get(key('a'))?.object), '1')
})

t.test(
  'where nobody tells of what is written, reading fresh fails in time, and a write is acknowledged all the same',
  async (t) => {
    const clock = createFakeClock()
    const { backend, writeElsewhere, setDeaf } = shared()
    const store = await openStore(backend, { clock })
    setDeaf(true)
    await writeElsewhere('a', 0, '1')
    const reading = store.fresh().then(
      () => 'fresh',
      (error: unknown) => error,
    )
    const writing = put(store, 'b', '1')
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(10_000)
    t.match(await reading, { name: 'StorageFailure', made: 'not made' })
    t.type(await writing, 'number')
  },
)
