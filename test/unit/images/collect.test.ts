import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createFakeCommandRunner } from '../../../src/host/fake-command.ts'
import { type Candidate, type CollectionPolicy, defaultPolicy } from '../../../src/images/collect/candidates.ts'
import { collectImages, type ImageCollection } from '../../../src/images/collect/collect.ts'
import { createCollector } from '../../../src/images/collect/collector.ts'
import { openWorkplace } from '../../../src/images/store/workplace.ts'
import { until } from '../../support/until.ts'

const now = 100 * 3_600_000

/** Each image takes a tenth of the disk. */
const collectionOf = (names: readonly string[], failing: Partial<ImageCollection> = {}) => {
  const left = new Set(names)
  const from: ImageCollection = {
    sweep: async () => undefined,
    candidates: async () =>
      [...left].map((id, at): Candidate => ({ id, lastUsed: at * 1_000, isHeld: id.startsWith('held') })),
    remove: async (id) => {
      if (id.startsWith('damaged')) throw new Error('EIO: i/o error')
      if (id.startsWith('taken')) return false
      return left.delete(id)
    },
    disk: async () => ({ capacityBytes: 10, availableBytes: 10 - left.size }),
    ...failing,
  }
  return { from, left }
}

const all: CollectionPolicy = { ...defaultPolicy, highThresholdPercent: 0, lowThresholdPercent: 0 }

t.test('an image that cannot be removed does not keep the others', async (t) => {
  const { from, left } = collectionOf(['damaged', 'a', 'taken', 'held', 'b'])
  t.same(await collectImages(from, all, () => now), {
    ...{ removed: ['a', 'b'], wantedBytes: 5, missingBytes: 3 },
    failures: ['cannot remove the image damaged: EIO: i/o error'],
  })
  t.same([...left], ['damaged', 'taken', 'held'])
})

t.test('it is tried once in a pass, for its age or for want of room', async (t) => {
  const { from } = collectionOf(['damaged', 'a'])
  const { failures, removed } = await collectImages(from, { ...all, maximumAgeMs: 1 }, () => now)
  t.same([failures.length, removed], [1, ['a']])
})

t.test('what is of no image cannot be removed: images go all the same', async (t) => {
  const { from } = collectionOf(['a'], { sweep: () => Promise.reject(new Error('EROFS')) })
  const { removed, failures } = await collectImages(from, all, () => now)
  t.same(removed, ['a'])
  t.match(failures[0], /cannot remove what is of no image: EROFS/)
})

t.test('what could not be removed is told of', async (t) => {
  const notices: string[] = []
  const failures: unknown[] = []
  const { from } = collectionOf(['damaged', 'a'])
  const collector = createCollector({ from, onNotice: (message) => notices.push(message), now: () => now })
  t.teardown(collector.close)
  collector.start(all, (message, wanted) => failures.push([message.slice(0, 20), wanted]))
  await until(() => failures.length === 2, 'both failures')
  t.same(failures, [
    ['cannot remove the im', { wantedBytes: 0, missingBytes: 0 }],
    ['the disk is too full', { wantedBytes: 2, missingBytes: 1 }],
  ])
  await collector.removeUnused(0)
  t.equal(notices.filter((notice) => /image damaged: EIO/.test(notice)).length, 2)
})

t.test('a workplace that could not be made is made by the next who needs it', async (t) => {
  const folder = join(t.testdir(), 'tmp')
  mkdirSync(folder)
  const runner = createFakeCommandRunner({})
  const workplace = await openWorkplace(folder, runner, t.fail, async () => undefined)
  rmSync(folder, { recursive: true })
  await t.rejects(
    workplace.within(async () => undefined),
    { code: 'ENOENT' },
  )
  mkdirSync(folder)
  t.equal(await workplace.within(async () => 'done'), 'done')
})
