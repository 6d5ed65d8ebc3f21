/** Copies that lag behind what was written. */
import t from 'tap'
import { createFakeClock } from '../../../src/api/clock.ts'
import type { KubeObject } from '../../../src/api/types/index.ts'
import { createExpectations } from '../../../src/controller/expectations.ts'
import { createFedInformer } from '../../support/fed-informer.ts'

const pod = (name: string, uid = name, metadata: object = {}): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid, ...metadata } },
})

const start = (...objects: readonly KubeObject[]) => {
  const clock = createFakeClock()
  const copies = createFedInformer(objects)
  return { clock, copies, expectations: createExpectations(copies, clock) }
}

t.test('what was made is waited for', async (t) => {
  const { copies, expectations } = start()
  t.equal(expectations.areMet('rs'), true, 'nothing was written')
  expectations.created('rs', pod('a'))
  expectations.created('rs', pod('b'))
  t.equal(expectations.areMet('rs'), false)
  t.equal(expectations.areMet('other'), true, 'others do not wait')
  copies.put(pod('a'))
  t.equal(expectations.areMet('rs'), false, 'one is missing')
  copies.put(pod('b'))
  t.equal(expectations.areMet('rs'), true)
})

t.test('one of the same name is another one', async (t) => {
  const { copies, expectations } = start(pod('a', 'old'))
  expectations.created('rs', pod('a', 'new'))
  t.equal(expectations.areMet('rs'), false)
  copies.put(pod('a', 'new'))
  t.equal(expectations.areMet('rs'), true)
})

t.test('what came and went while nobody looked was there', async (t) => {
  const { copies, expectations } = start()
  expectations.created('rs', pod('a'))
  copies.put(pod('a'))
  copies.remove('default/a')
  t.equal(expectations.areMet('rs'), true)
})

t.test('what was changed is waited for: the copy is as new, or there is nothing to change any more', async (t) => {
  const version = (resourceVersion: string, uid = 'a') => pod('a', uid, { resourceVersion })
  for (const [name, happens] of Object.entries<(copies: ReturnType<typeof start>['copies']) => void>({
    shown: (copies) => copies.put(version('10')),
    later: (copies) => copies.put(version('11')),
    gone: (copies) => copies.remove('default/a'),
    replaced: (copies) => copies.put(version('3', 'another')),
  })) {
    const { copies, expectations } = start(version('8'))
    expectations.updated('d', version('10'))
    t.equal(expectations.areMet('d'), false, name)
    copies.put(version('9'))
    t.equal(expectations.areMet('d'), false, `${name}: an earlier change is not it`)
    happens(copies)
    t.equal(expectations.areMet('d'), true, name)
  }
})

t.test('what was deleted is waited for: gone, going, or replaced', async (t) => {
  for (const [name, happens] of Object.entries<(copies: ReturnType<typeof start>['copies']) => void>({
    gone: (copies) => copies.remove('default/a'),
    going: (copies) => copies.put(pod('a', 'a', { deletionTimestamp: '2026-01-01T00:00:00Z' })),
    replaced: (copies) => copies.put(pod('a', 'another')),
  })) {
    const { copies, expectations } = start(pod('a'))
    expectations.deleted('rs', pod('a'))
    t.equal(expectations.areMet('rs'), false, name)
    copies.put(pod('a', 'a', { labels: { changed: 'yes' } }))
    t.equal(expectations.areMet('rs'), false, `${name}: a change is no deletion`)
    happens(copies)
    t.equal(expectations.areMet('rs'), true, name)
  }
})

t.test('what never comes is not waited for for ever', async (t) => {
  const { clock, expectations } = start(pod('b'))
  expectations.created('rs', pod('a'))
  clock.advance(29_999)
  expectations.deleted('rs', pod('b'))
  t.equal(expectations.areMet('rs'), false)
  clock.advance(1)
  t.equal(expectations.areMet('rs'), false, 'the later one has its time')
  clock.advance(29_998)
  t.equal(expectations.areMet('rs'), false)
  clock.advance(1)
  t.equal(expectations.areMet('rs'), true)
})

t.test('forgotten with whom it was for', async (t) => {
  const { expectations } = start()
  expectations.created('rs', pod('a'))
  expectations.created('other', pod('b'))
  expectations.forget('rs')
  t.same([expectations.areMet('rs'), expectations.areMet('other')], [true, false])
})

t.test('a change costs no look at all else that is waited for', async (t) => {
  const { copies, expectations } = start()
  let reads = 0
  for (let n = 0; n < 100; n++) {
    const metadata = { name: `p${n}`, namespace: 'default' }
    Object.defineProperty(metadata, 'uid', { get: () => `${reads++} of ${n}` })
    expectations.created(`rs${n}`, { apiVersion: 'v1', kind: 'Pod', metadata })
  }
  reads = 0
  copies.put(pod('another'))
  t.equal(reads, 0)
})
