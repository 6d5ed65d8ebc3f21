import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import {
  type Backend,
  type Follower,
  RevisionMismatch,
  StorageFailure,
} from '../../../../src/control/storage/backend.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import {
  type Change,
  EntryTooLarge,
  objectLimit,
  RevisionGone,
  type Store,
} from '../../../../src/control/storage/store.ts'
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
  const last = await writeElsewhere('last', 0, '1')
  await writeElsewhere('untouched', 0, '1')
  await store.fresh()
  const changes: Change[] = []
  store.watch('configmaps', store.revision, (change) => changes.push(change))
  setDeaf(true)
  const changed = await writeElsewhere('last', last, '2')
  await writeElsewhere('b', b)
  await writeElsewhere('c', 0, '1')
  await writeElsewhere('a', a, '2')
  await writeElsewhere('last', changed, '3')
  const lagging = store.fresh()
  t.same(changes, [])
  setDeaf(false)
  lose()
  await lagging
  t.same(reasons, ['compacted'])
  t.same(tell(changes), [
    ['d/c', '1', false, undefined],
    ['d/a', '2', false, '1'],
    ['d/last', '3', false, '1'],
    ['d/b', '1', true, '1'],
  ])
  const revisions = changes.map((change) => change.revision)
  t.same(
    revisions,
    revisions.toSorted((x, y) => x - y),
    'revisions still rise',
  )
  await put(store, 'd', '1')
  t.equal(changes.length, 5, 'and it is followed on')
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

/** One whose news comes when it is called for. */
const slow = () => {
  const backend = createMemoryBackend()
  const news: (() => void)[] = []
  const told: Backend = {
    ...backend,
    follow: (revision, follower) =>
      backend.follow(revision, { ...follower, commit: (commit) => news.push(() => follower.commit(commit)) }),
  }
  /** What there is to tell by now; it is told by a call. */
  const takeNews = () => {
    const taken = news.splice(0)
    return () => {
      for (const one of taken) one()
    }
  }
  return { backend, told, takeNews, tell: () => takeNews()() }
}

/** What has become of it by now. */
const stateOf = (promise: Promise<unknown>) => {
  let state = 'waits'
  promise.then(
    () => {
      state = 'done'
    },
    (error: Error) => {
      state = error.name
    },
  )
  return async () => {
    for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
    return state
  }
}

t.test('where news is slow, a writer waits for it: to see what it wrote, or what it lost to', async (t) => {
  const { backend, told, tell } = slow()
  const store = await openStore(told, { clock: createFakeClock() })
  const won = stateOf(put(store, 'a', '1'))
  t.equal(await won(), 'waits')
  tell()
  t.equal(await won(), 'done')
  await backend.commit([{ key: key('b'), expected: 0, value: JSON.stringify(object('b', 'theirs')) }])
  const lost = stateOf(put(store, 'b', 'ours'))
  t.equal(await lost(), 'waits')
  tell()
  t.equal(await lost(), 'RevisionMismatch')
  t.equal(dataOf(store.get(key('b'))?.object), 'theirs')
})

/** A clock that stands still, and how many timers wait on it. */
const countingClock = () => {
  const clock = createFakeClock()
  const waiting = new Set<symbol>()
  return {
    ...clock,
    waiting,
    after: (ms: number, action: () => void) => {
      const id = Symbol('timer')
      waiting.add(id)
      const cancel = clock.after(ms, () => {
        waiting.delete(id)
        action()
      })
      return () => {
        waiting.delete(id)
        cancel()
      }
    },
  }
}

t.test('each that waits does so for its own time', async (t) => {
  const clock = countingClock()
  const { backend, told, tell } = slow()
  const store = await openStore(told, { clock })
  await backend.commit([{ key: key('a'), expected: 0, value: JSON.stringify(object('a', '1')) }])
  const early = stateOf(store.fresh())
  t.equal(await early(), 'waits')
  clock.advance(6_000)
  const late = stateOf(store.fresh())
  t.equal(await late(), 'waits')
  clock.advance(4_000)
  t.same([await early(), await late()], ['StorageFailure', 'waits'])
  tell()
  t.equal(await late(), 'done')
  t.equal(clock.waiting.size, 0, 'no timer is left behind')
})

t.test('each that waits does so for its own revision', async (t) => {
  const { backend, told, tell, takeNews } = slow()
  const store = await openStore(told, { clock: createFakeClock() })
  const write = (name: string) => backend.commit([{ key: key(name), expected: 0, value: '{"metadata":{}}' }])
  await write('a')
  const first = stateOf(store.fresh())
  t.equal(await first(), 'waits')
  const one = takeNews()
  await write('b')
  const second = stateOf(store.fresh())
  t.equal(await second(), 'waits')
  one()
  t.same([await first(), await second()], ['done', 'waits'])
  tell()
  t.equal(await second(), 'done')
})

t.test('what this server wrote is not parsed again', async (t) => {
  const store = await openStore(createMemoryBackend())
  const written = { ...object('a', '1'), spec: { deep: true } }
  await store.commit({ key: key('a'), expected: 0, object: written })
  t.equal((store.get(key('a'))?.object as typeof written | undefined)?.spec, written.spec)
})

t.test('the end of a store ends what waits, and nothing waits afterwards', async (t) => {
  const { backend, told, tell } = slow()
  const store = await openStore(told, { clock: createFakeClock() })
  await backend.commit([{ key: key('a'), expected: 0, value: JSON.stringify(object('a', '1')) }])
  const reading = stateOf(store.fresh())
  t.equal(await reading(), 'waits')
  await store.close()
  t.equal(await reading(), 'StorageFailure')
  t.equal(await stateOf(store.fresh())(), 'StorageFailure')
  await backend.commit([{ key: key('b'), expected: 0, value: JSON.stringify(object('b', '1')) }])
  tell()
  t.equal(store.get(key('b')), undefined, 'it follows nobody')
})

t.test('what the medium refuses fails at once, and a later write of the same is seen', async (t) => {
  const { backend, writeElsewhere } = shared()
  let isFull = true
  const failing: Backend = {
    ...backend,
    commit: (operations) =>
      isFull ? Promise.reject(new StorageFailure('disk full', 'not made')) : backend.commit(operations),
  }
  const store = await openStore(failing, { clock: createFakeClock() })
  t.equal(await stateOf(put(store, 'a', '1'))(), 'StorageFailure')
  isFull = false
  const revision = await writeElsewhere('a', 0, '1')
  await store.fresh()
  t.match(store.get(key('a')), { revision, object: object('a', '1') })
})

t.test('the end of what was not there is told to nobody', async (t) => {
  const store = await openStore(createMemoryBackend())
  const changes: Change[] = []
  store.watch('configmaps', 0, (change) => changes.push(change))
  const revision = await store.commit({ key: key('a'), expected: 0 })
  t.equal(store.revision, revision)
  t.same(changes, [])
})

t.test('an object may be as large as the limit, in bytes', async (t) => {
  const store = await openStore(createMemoryBackend())
  const rest = objectLimit - Buffer.byteLength(JSON.stringify(object('a', '')))
  await t.rejects(put(store, 'a', `${'é'.repeat(rest / 2 - 1)}xxx`), EntryTooLarge, 'one byte more')
  t.equal(await put(store, 'a', `${'é'.repeat(rest / 2 - 1)}xx`), 1)
  await t.rejects(
    store.commit(
      { key: key('b'), expected: 0, object: object('b', '1') },
      { key: key('c'), expected: 0, object: object('c', 'x'.repeat(objectLimit)) },
    ),
    EntryTooLarge,
  )
  t.equal(store.get(key('b')), undefined, 'nor is what would have been written with it')
})

t.test('a store that ends is not loaded again', async (t) => {
  const clock = createFakeClock()
  const { backend, lose } = shared()
  const reasons: string[] = []
  let loading: PromiseWithResolvers<Awaited<ReturnType<Backend['load']>>> | undefined
  let loads = 0
  let follows = 0
  const open = () => {
    const watched: Backend = {
      ...backend,
      load: () => {
        loads++
        return loading?.promise ?? backend.load()
      },
      follow: (revision, follower) => {
        follows++
        return backend.follow(revision, follower)
      },
    }
    return openStore(watched, { clock, onLost: ({ message }) => reasons.push(message) })
  }
  const found = await backend.load()
  for (const end of ['fails', 'succeeds'] as const) {
    loading = undefined
    const store = await open()
    loading = Promise.withResolvers()
    lose()
    ;[loads, follows] = [0, 0]
    t.same(reasons.splice(0), ['compacted'])
    await store.close()
    if (end === 'fails') loading.reject(new Error('closed'))
    else loading.resolve(found)
    for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(10_000)
    t.same([reasons, loads, follows], [[], 0, 0], `while loading, which ${end}`)
  }
  loading = undefined
  const store = await open()
  loading = Promise.withResolvers()
  lose()
  loading.reject('no connection')
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
  t.same(reasons, ['compacted', 'no connection'], 'each failure is told, whatever was thrown')
  await store.close()
  ;[loads, follows] = [0, 0]
  clock.advance(10_000)
  t.same([loads, follows], [0, 0], 'while it waits for the next try')
})
