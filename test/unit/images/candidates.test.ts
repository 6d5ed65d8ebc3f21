import t from 'tap'
import {
  bytesOverLow,
  type Candidate,
  defaultPolicy,
  isTooFull,
  outlived,
  removable,
} from '../../../src/images/collect/candidates.ts'
import { digestOf } from '../../../src/images/digest.ts'

const disk = (used: number) => ({ capacityBytes: 1_000, availableBytes: 1_000 - used })
const now = 10_000_000
const image = (name: string, usedAgoMs: number, isHeld = false): Candidate => ({
  id: digestOf(name),
  lastUsed: now - usedAgoMs,
  isHeld,
})
const idsOf = (...names: readonly string[]) => names.map((name) => digestOf(name))

t.test('between the thresholds nothing begins', async (t) => {
  for (const [used, isFull, over] of [
    [0, false, 0],
    [800, false, 0],
    [849, false, 49],
    [850, true, 50],
    [1_000, true, 200],
  ] as const) {
    t.equal(isTooFull(disk(used), defaultPolicy), isFull, `${used}`)
    t.equal(bytesOverLow(disk(used), defaultPolicy), over, `${used}`)
  }
  t.notOk(isTooFull({ capacityBytes: 0, availableBytes: 0 }, defaultPolicy))
  t.notOk(
    isTooFull(disk(1_000), { ...defaultPolicy, highThresholdPercent: 100 }),
    'a full disk, where it is never to begin',
  )
})

t.test('the longest unused goes first; what is held, or is new, stays', async (t) => {
  const images = [
    image('held', 9e6, true),
    image('new', 60_000),
    image('a', 200_000),
    image('b', 3e6),
    image('c', 120_000),
  ]
  t.same(
    removable(images, now, defaultPolicy).map(({ id }) => id),
    idsOf('b', 'a', 'c'),
  )
})

t.test('what was not used for too long', async (t) => {
  const images = [image('held', 9e6, true), image('old', 9e6), image('young', 1e6)]
  t.same(outlived(images, now, defaultPolicy), [])
  t.same(
    outlived(images, now, { ...defaultPolicy, maximumAgeMs: 5e6 }).map(({ id }) => id),
    idsOf('old'),
  )
})
