/** For media that this process alone writes: the commits of one turn of the event loop are one durable write. */
import {
  type Commit,
  type Follower,
  type KeyChange,
  type Operation,
  pathOf,
  RevisionMismatch,
  type StoreKey,
} from './backend.ts'

export interface Medium {
  /** The revision of a key; 0 when it is not there. Throws when the medium cannot be read. */
  revisionOf(key: StoreKey): number
  /** Makes all of it durable, or throws and leaves everything as it was. */
  write(commits: readonly Commit[]): void
}

interface Waiting {
  readonly operations: readonly Operation[]
  readonly resolve: (revision: number) => void
  readonly reject: (error: unknown) => void
}

export interface Batches {
  commit(operations: readonly Operation[]): Promise<number>
  follow(revision: number, follower: Follower): () => void
  readonly revision: number
  /** Writes what waits. */
  flush(): void
}

/** Commits from `start` on. A commit that finds another revision than it expects fails alone, once those before it can be seen. */
export const createBatches = (medium: Medium, start: number): Batches => {
  let revision = start
  let waiting: Waiting[] = []
  const followers = new Set<Follower>()

  /** The next commits, and how each of those that wait is answered once they are durable. */
  const plan = (batch: readonly Waiting[]) => {
    const commits: Commit[] = []
    const touched = new Map<string, number>()
    const answers = batch.map(({ operations, resolve, reject }) => {
      const wrong = operations
        .map((operation) => ({
          operation,
          actual: touched.get(pathOf(operation.key)) ?? medium.revisionOf(operation.key),
        }))
        .find(({ operation, actual }) => actual !== operation.expected)
      if (wrong) {
        const { key, expected } = wrong.operation
        return () => reject(new RevisionMismatch(key, expected, wrong.actual, revision))
      }
      const next = revision + commits.length + 1
      commits.push({
        revision: next,
        changes: operations.map(({ key, value }): KeyChange => ({ key, ...(value === undefined ? {} : { value }) })),
      })
      for (const { key, value } of operations) touched.set(pathOf(key), value === undefined ? 0 : next)
      return () => resolve(next)
    })
    return { commits, answers }
  }

  const flush = (): void => {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    let planned: ReturnType<typeof plan>
    try {
      planned = plan(batch)
      if (planned.commits.length > 0) medium.write(planned.commits)
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    const { commits, answers } = planned
    revision += commits.length
    for (const commit of commits) for (const follower of [...followers]) follower.commit(commit)
    for (const answer of answers) answer()
  }

  return {
    get revision() {
      return revision
    },
    commit: (operations) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush)
        waiting.push({ operations, resolve, reject })
      }),
    follow: (after, follower) => {
      if (after < revision) throw new Error(`what came after revision ${after} is not kept: load again`)
      followers.add(follower)
      return () => followers.delete(follower)
    },
    flush,
  }
}
