/** What every backend promises; run against each. */
import type { Test } from 'tap'
import { type Backend, type Commit, RevisionMismatch } from '../../../../src/control/storage/backend.ts'

const key = (name: string, bucket = 'configmaps') => ({ bucket, name: `d/${name}` })
const never = {
  lost: (reason: Error): never => {
    throw reason
  },
}

/** `open` makes an empty one, each time another. */
export const backendContract = (t: Test, open: () => Promise<Backend>): void => {
  const told = (backend: Backend, revision: number) => {
    const commits: Commit[] = []
    backend.follow(revision, { ...never, commit: (commit) => commits.push(commit) })
    return commits
  }
  const keptIn = async (backend: Backend) =>
    (await backend.load()).kept.map(({ key, value }) => `${key.bucket} ${key.name} ${value}`).sort()

  t.test('revisions rise over all buckets, and what is written is there', async (t) => {
    const backend = await open()
    const { revision: start } = await backend.load()
    const a = await backend.commit([{ key: key('a'), expected: 0, value: '{"n":1}' }])
    const b = await backend.commit([{ key: key('b', 'leases.coordination.k8s.io'), expected: 0, value: '{}' }])
    t.ok(start < a && a < b)
    t.equal(await backend.latest(), b)
    const { revision, kept } = await backend.load()
    t.equal(revision, b)
    t.same(kept.map(({ key, revision }) => [key.bucket, revision]).sort(), [
      ['configmaps', a],
      ['leases.coordination.k8s.io', b],
    ])
    t.same(await keptIn(backend), ['configmaps d/a {"n":1}', 'leases.coordination.k8s.io d/b {}'])
    await backend.close()
  })

  t.test('an operation that finds another revision is refused with all of its commit', async (t) => {
    const backend = await open()
    const first = await backend.commit([{ key: key('a'), expected: 0, value: '1' }])
    for (const [why, expected] of [
      ['it is there', 0],
      ['it is at another revision', first + 1],
    ] as const)
      await t.rejects(
        backend.commit([
          { key: key('b'), expected: 0, value: '1' },
          { key: key('a'), expected, value: '2' },
        ]),
        RevisionMismatch,
        why,
      )
    await t.rejects(backend.commit([{ key: key('c'), expected: first }]), RevisionMismatch, 'it is not there')
    t.same(await keptIn(backend), ['configmaps d/a 1'])
    const second = await backend.commit([
      { key: key('a'), expected: first },
      { key: key('b'), expected: 0, value: '2' },
      { key: key('c', 'secrets'), expected: 0, value: '3' },
    ])
    t.ok(second > first)
    t.same(await keptIn(backend), ['configmaps d/b 2', 'secrets d/c 3'])
    await backend.close()
  })

  t.test('of commits at the same time, one wins each key', async (t) => {
    const backend = await open()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        backend.commit([{ key: key(String(n % 4)), expected: 0, value: String(n) }]),
      ),
    )
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 4)
    for (const outcome of outcomes) if (outcome.status === 'rejected') t.type(outcome.reason, RevisionMismatch)
    t.equal((await keptIn(backend)).length, 4)
    await backend.close()
  })

  t.test('whoever follows hears of every commit once, in order, whole', async (t) => {
    const backend = await open()
    const { revision } = await backend.load()
    const commits = told(backend, revision)
    const a = await backend.commit([{ key: key('a'), expected: 0, value: '1' }])
    await backend.commit([{ key: key('a'), expected: 0, value: 'x' }]).catch(() => undefined)
    const b = await backend.commit([
      { key: key('a'), expected: a },
      { key: key('b'), expected: 0, value: '2' },
    ])
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => backend.commit([{ key: key(`n${n}`), expected: 0, value: '3' }])),
    )
    const last = await backend.latest()
    const deadline = Date.now() + 5_000
    while ((commits.at(-1)?.revision ?? 0) < last && Date.now() < deadline)
      await new Promise((resolve) => setImmediate(resolve))
    t.equal(commits.length, 52)
    t.same(commits.slice(0, 2), [
      { revision: a, changes: [{ key: key('a'), value: '1' }] },
      { revision: b, changes: [{ key: key('a') }, { key: key('b'), value: '2' }] },
    ])
    t.same(
      commits.map((commit) => commit.revision),
      commits.map((commit) => commit.revision).toSorted((x, y) => x - y),
    )
    t.equal(new Set(commits.map((commit) => commit.revision)).size, 52)
    await backend.close()
  })

  t.test('nobody is told after the end', async (t) => {
    const backend = await open()
    const { revision } = await backend.load()
    const commits: Commit[] = []
    const stop = backend.follow(revision, { ...never, commit: (commit) => commits.push(commit) })
    stop()
    await backend.commit([{ key: key('a'), expected: 0, value: '1' }])
    t.same(commits, [])
    await backend.close()
  })
}
