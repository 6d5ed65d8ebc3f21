import t from 'tap'
import type { Commit, Operation } from '../../../../src/control/storage/backend.ts'
import { createBatches } from '../../../../src/control/storage/batches.ts'

const key = (name: string) => ({ bucket: 'x', name })

t.test('the commits of one turn are one write; what the medium refuses never happened', async (t) => {
  const writes: (readonly Commit[])[] = []
  let isFull = false
  const batches = createBatches(
    {
      revisionOf: () => 0,
      write: (commits) => {
        if (isFull) throw new Error('disk full')
        writes.push(commits)
      },
    },
    10,
  )
  const told: Commit[] = []
  batches.follow(10, { commit: (commit) => told.push(commit), lost: t.fail })
  const put = (name: string, expected = 0) => batches.commit([{ key: key(name), expected, value: '1' }])
  const outcomes = await Promise.allSettled([put('a'), put('a'), put('b', 7), put('b'), put('a', 11)])
  t.same(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.name)),
    [11, 'RevisionMismatch', 'RevisionMismatch', 12, 13],
    'later ones of a turn find what earlier ones left',
  )
  t.equal(writes.length, 1)
  isFull = true
  await t.rejects(put('c'), /disk full/)
  t.equal(batches.revision, 13)
  t.equal(told.length, 3)
  isFull = false
  t.equal(await put('c'), 14, 'a refused write takes no revision')
  t.throws(() => batches.follow(13, { commit: t.fail, lost: t.fail }), /load again/, 'the past is not made up')
})

t.test('a medium that cannot be read refuses the commits of that turn, and no later ones', async (t) => {
  let isUnreadable = true
  const batches = createBatches(
    {
      revisionOf: () => {
        if (isUnreadable) throw new Error('input/output error')
        return 0
      },
      write: () => undefined,
    },
    10,
  )
  const put = (name: string) => batches.commit([{ key: key(name), expected: 0, value: '1' }])
  const outcomes = await Promise.allSettled([put('a'), put('b')])
  for (const outcome of outcomes) t.match(outcome, { status: 'rejected', reason: /input\/output/ })
  isUnreadable = false
  t.equal(await put('a'), 11)
})

/** A medium in memory, and how often it was written to. */
const open = (start = 10) => {
  const revisions = new Map<string, number>()
  const writes: (readonly Commit[])[] = []
  const batches = createBatches(
    {
      revisionOf: ({ name }) => revisions.get(name) ?? 0,
      write: (commits) => {
        writes.push(commits)
        for (const { revision, changes } of commits)
          for (const { key, value } of changes) revisions.set(key.name, value === undefined ? 0 : revision)
      },
    },
    start,
  )
  return { batches, writes }
}
const put = (name: string, expected = 0): Operation => ({ key: key(name), expected, value: '1' })

t.test('within a turn a key may go and come back', async (t) => {
  const { batches, writes } = open()
  const revisions = await Promise.all([
    batches.commit([put('a')]),
    batches.commit([{ key: key('a'), expected: 11 }]),
    batches.commit([put('a'), put('b')]),
  ])
  t.same(revisions, [11, 12, 13])
  t.strictSame(writes, [
    [
      { revision: 11, changes: [{ key: key('a'), value: '1' }] },
      { revision: 12, changes: [{ key: key('a') }] },
      {
        revision: 13,
        changes: [
          { key: key('a'), value: '1' },
          { key: key('b'), value: '1' },
        ],
      },
    ],
  ])
})

t.test('who lost is told of which key, and from which revision on it can be seen', async (t) => {
  const { batches, writes } = open()
  const [, lost] = await Promise.allSettled([batches.commit([put('a')]), batches.commit([put('b'), put('a', 7)])])
  t.match(lost, { reason: { key: key('a'), seenAt: 11, message: 'x a is at revision 11, not 7' } })
  t.equal(writes.length, 1)
  await t.rejects(batches.commit([put('b', 3)]), { seenAt: 11, message: 'x b is at revision 0, not 3' })
  t.equal(writes.length, 1, 'nothing to write is not written')
})

t.test('followers hear of what is durable before its writer does, until they stop', async (t) => {
  const { batches, writes } = open()
  const heard: string[] = []
  const stop = batches.follow(10, { commit: ({ revision }) => heard.push(`first ${revision}`), lost: t.fail })
  batches.follow(10, {
    commit: ({ revision }) => {
      stop()
      heard.push(`second ${revision} of ${writes.length}`)
    },
    lost: t.fail,
  })
  await Promise.all(
    ['a', 'b'].map((name) =>
      batches.commit([put(name)]).then((revision) => void heard.push(`writer ${revision} at ${batches.revision}`)),
    ),
  )
  t.same(heard, ['first 11', 'second 11 of 1', 'second 12 of 1', 'writer 11 at 12', 'writer 12 at 12'])
})

t.test('what waits can be written at once, and is written once', async (t) => {
  const { batches, writes } = open()
  batches.flush()
  t.equal(writes.length, 0)
  const waiting = batches.commit([put('a')])
  t.equal(batches.revision, 10)
  batches.flush()
  t.equal(batches.revision, 11)
  t.equal(await waiting, 11)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(writes.length, 1)
  t.equal(await batches.commit([put('b')]), 12, 'and what comes later is written as well')
})
