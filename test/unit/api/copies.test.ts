import t from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { createFakeClock } from '../../../src/api/clock.ts'
import { ApiError, expired } from '../../../src/api/errors.ts'
import { createInformer } from '../../../src/api/informer.ts'
import { createLocalCopy } from '../../../src/api/local-copy.ts'
import { configMaps } from '../../../src/api/resources.ts'
import { scopedInformer } from '../../../src/api/scoped-informer.ts'
import type { ApiTransport } from '../../../src/api/transport.ts'
import type { WatchEvent } from '../../../src/api/types/index.ts'
import { createWorkQueue } from '../../../src/api/work-queue.ts'
import { createFedInformer } from '../../support/fed-informer.ts'
import { until } from '../../support/until.ts'

const map = (name: string, version: number, data = '') => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap' },
  metadata: { name, namespace: 'default', resourceVersion: String(version), labels: { data } },
})

/** A server of one list, whose watches the test plays. */
const createServer = () => {
  const lists: (readonly ReturnType<typeof map>[])[] = []
  const watches: { readonly from: string; push(event: WatchEvent | Error | undefined): void }[] = []
  let version = 10
  const transport: ApiTransport = {
    request: async () => {
      const items = lists.shift()
      if (!items) throw new ApiError(500, 'InternalError', 'no list')
      return { apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: String(version++) }, items }
    },
    watch: async function* (request, signal) {
      const queue: (WatchEvent | Error | undefined)[] = []
      let wake: (() => void) | undefined
      const push = (event: WatchEvent | Error | undefined): void => {
        queue.push(event)
        wake?.()
      }
      signal.addEventListener('abort', () => push(undefined))
      watches.push({ from: request.query?.['resourceVersion'] ?? '', push })
      for (;;) {
        if (queue.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        const event = queue.shift()
        if (event instanceof Error) throw event
        if (event === undefined) return
        yield event
      }
    },
  }
  return { lists, watches, client: createClient(transport) }
}

t.test('an informer lists, watches, and goes on where it was', async (t) => {
  const { lists, watches, client } = createServer()
  const stop = new AbortController()
  const changes: string[] = []
  const informer = createInformer(client, configMaps, {
    indexes: { data: ({ metadata }) => [metadata.labels?.['data'] ?? ''] },
  })
  informer.onChange((key, current, previous) =>
    changes.push(`${key} ${previous?.metadata.resourceVersion ?? '-'}>${current?.metadata.resourceVersion ?? '-'}`),
  )
  lists.push([map('a', 1, 'x'), map('b', 2, 'x')])
  const running = informer.run(stop.signal)
  await informer.synced
  t.same(changes, ['default/a ->1', 'default/b ->2'])
  t.equal(informer.by('data', 'x').length, 2)
  t.throws(() => informer.by('nothing', 'x'), /has no index/)

  await until(() => watches.length === 1, 'the watch')
  t.equal(watches[0]?.from, '10')
  watches[0]?.push({ type: 'MODIFIED', object: map('a', 11, 'y') })
  watches[0]?.push({ type: 'DELETED', object: map('b', 12, 'x') })
  watches[0]?.push({ type: 'BOOKMARK', object: map('', 20) })
  await until(() => changes.length === 4, 'the changes')
  t.same(changes.slice(2), ['default/a 1>11', 'default/b 2>-'])
  t.same([informer.by('data', 'x').length, informer.by('data', 'y').length, informer.size], [0, 1, 1])

  watches[0]?.push(new Error('the connection broke'))
  await until(() => watches.length === 2, 'the next watch')
  t.equal(watches[1]?.from, '20', 'from the bookmark')
  lists.push([map('c', 30)])
  watches[1]?.push(expired('too old'))
  await until(() => watches.length === 3, 'a new list and watch')
  t.same(changes.slice(4), ['default/c ->30', 'default/a 11>-'], 'what is gone is told as deleted')

  const late: string[] = []
  informer.onChange((key) => late.push(key))
  t.same(late, ['default/c'], 'a late handler sees all that is there')
  stop.abort()
  await running
})

const tooLarge = (version: number): ApiError =>
  new ApiError(504, 'Timeout', `Too large resource version: ${version}, current: 5`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  })

t.test('an informer whose server was restored lists anew, and takes nothing for known', async (t) => {
  const { lists, watches, client } = createServer()
  const clock = createFakeClock()
  const stop = new AbortController()
  const changes: string[] = []
  const waits: number[] = []
  const informer = createInformer(client, configMaps, { clock, onError: (_error, ms) => waits.push(ms) })
  informer.onChange((key, current) => changes.push(`${key} ${current?.metadata.labels?.['data'] ?? '-'}`))
  lists.push([map('a', 3, 'old'), map('b', 4, 'old')])
  const running = informer.run(stop.signal)
  await until(() => watches.length === 1, 'the watch')

  lists.push([map('a', 3, 'other')])
  watches[0]?.push(tooLarge(10))
  await until(() => waits.length === 1, 'the failure')
  clock.advance(200)
  await until(() => watches.length === 2, 'a new list and watch')
  t.same(changes, ['default/a old', 'default/b old', 'default/a other', 'default/b -'], 'the same version is no proof')

  for (const [at, ms] of [400, 800, 1_600].entries()) {
    lists.push([map('a', 3, 'other')])
    watches[at + 1]?.push(at % 2 === 0 ? expired('too old') : tooLarge(10))
    await until(() => waits.at(-1) === ms, `a wait of ${ms}`)
    clock.advance(ms)
    await until(() => watches.length === at + 3, 'the next try')
  }
  t.same(waits, [200, 400, 800, 1_600], 'a server that never lets us go on is asked less and less')
  watches.at(-1)?.push({ type: 'BOOKMARK', object: map('', 20) })
  lists.push([map('a', 3, 'other')])
  watches.at(-1)?.push(expired('too old'))
  await until(() => watches.length === 6, 'at once')
  t.equal(waits.length, 4, 'to fall behind once is nothing to speak of')
  stop.abort()
  await running
})

t.test('a work queue: one at a time for each key, failures later and later', async (t) => {
  const clock = createFakeClock()
  const stop = new AbortController()
  const runs: string[] = []
  const waits: number[] = []
  let gate: PromiseWithResolvers<void> | undefined
  let failures = 3
  const queue = createWorkQueue(
    async (key) => {
      runs.push(key)
      await gate?.promise
      if (key === 'bad' && failures-- > 0) throw new Error('not yet')
      return key === 'again' && runs.filter((each) => each === 'again').length < 2 ? { againInMs: 500 } : 'done'
    },
    { clock, backoffMs: { base: 100, max: 250 }, onError: (_key, _error, ms) => waits.push(ms) },
  )
  const running = queue.run(stop.signal)
  gate = Promise.withResolvers()
  queue.add('a')
  await until(() => runs.length === 1, 'the first run')
  queue.add('a')
  queue.add('a')
  gate.resolve()
  gate = undefined
  await until(() => queue.size === 0, 'the queue to be empty')
  t.same(runs, ['a', 'a'], 'added twice while running: once more')

  queue.add('bad')
  for (const ms of [100, 200, 250]) {
    await until(() => waits.at(-1) === ms, `a wait of ${ms}`)
    const before = runs.length
    clock.advance(ms - 1)
    t.equal(runs.length, before, 'not before its time')
    clock.advance(1)
    await until(() => runs.length > before, 'the next try')
  }
  t.same(waits, [100, 200, 250])
  queue.add('again')
  await until(() => runs.at(-1) === 'again', 'the run')
  clock.advance(500)
  await until(() => runs.filter((each) => each === 'again').length === 2, 'the second run')
  stop.abort()
  await running
})

t.test('a handler ends with its signal, and one of a scoped copy with that', async (t) => {
  const copy = createLocalCopy<string>('words', {})
  const heard: string[] = []
  const own = new AbortController()
  copy.reader.onChange((key) => heard.push(`own ${key}`), own.signal)
  const scope = new AbortController()
  const inner = { ...createFedInformer(), ...copy.reader }
  const scoped = scopedInformer(inner, scope.signal)
  scoped.onChange((key) => heard.push(`scoped ${key}`))
  copy.set('a', '1')
  t.equal(scoped.get('a'), '1')
  own.abort()
  copy.set('b', '1')
  scope.abort()
  copy.set('c', '1')
  scoped.onChange((key) => heard.push(`late ${key}`))
  t.same(heard, ['own a', 'scoped a', 'scoped b'])
})

t.test('a queue that has ended leaves no timer behind, whatever its last run asked for', async (t) => {
  const clock = createFakeClock()
  const stop = new AbortController()
  const last = Promise.withResolvers<void>()
  let timers = 0
  const counting = {
    now: clock.now,
    after: (ms: number, action: () => void) => {
      timers++
      const cancel = clock.after(ms, action)
      return () => {
        timers--
        cancel()
      }
    },
  }
  let begun = false
  const queue = createWorkQueue(
    async () => {
      begun = true
      await last.promise
      return { againInMs: 1_000 }
    },
    { clock: counting },
  )
  const running = queue.run(stop.signal)
  queue.add('a')
  await until(() => begun, 'the run')
  stop.abort()
  last.resolve()
  await running
  t.equal(timers, 0)
})

t.test('a run that takes too long holds no other key back', async (t) => {
  const clock = createFakeClock()
  const stop = new AbortController()
  const runs: string[] = []
  const gates = new Map<string, PromiseWithResolvers<void>>()
  const queue = createWorkQueue(
    async (key) => {
      runs.push(key)
      await gates.get(key)?.promise
      return 'done'
    },
    { clock, concurrency: 1, slotMs: 1_000 },
  )
  const running = queue.run(stop.signal)
  const hold = (key: string): void => void gates.set(key, Promise.withResolvers())
  const release = (key: string): void => {
    gates.get(key)?.resolve()
    gates.delete(key)
  }
  hold('slow')
  queue.add('slow')
  await until(() => runs.length === 1, 'the slow one')
  queue.add('a')
  clock.advance(999)
  t.same(runs, ['slow'], 'within its time it counts')
  clock.advance(1)
  await until(() => runs.length === 2, 'the other one')
  queue.add('slow')
  queue.add('b')
  await until(() => queue.size === 2 && runs.length === 3, 'the third one')
  t.same(runs, ['slow', 'a', 'b'], 'a key runs once at a time, whatever counts')

  hold('c')
  queue.add('c')
  await until(() => runs.length === 4, 'one that holds the slot')
  release('slow')
  await until(() => queue.size === 2, 'the end of the slow run')
  queue.add('d')
  release('c')
  await until(() => queue.size === 0, 'the queue to be empty')
  t.same(runs.slice(4), ['d', 'slow'], 'who was late comes after who was not')

  hold('c')
  for (const key of ['c', 'slow', 'd']) queue.add(key)
  await until(() => runs.length === 7, 'one that holds the slot again')
  release('c')
  await until(() => queue.size === 0, 'the queue to be empty again')
  t.same(runs.slice(7), ['slow', 'd'], 'who was in time again is like the others')
  stop.abort()
  await running
})
