import { type Backend, type Kept, pathOf } from './backend.ts'
import { createBatches } from './batches.ts'

export interface MemoryBackend extends Backend {
  /** Commits what waits, at once. */
  flush(): void
}

/** Forgets everything at the end; for tests, and for the contract suites as the reference. */
export const createMemoryBackend = (): MemoryBackend => {
  const kept = new Map<string, Kept>()
  const batches = createBatches(
    {
      revisionOf: (key) => kept.get(pathOf(key))?.revision ?? 0,
      write: (commits) => {
        for (const { revision, changes } of commits)
          for (const { key, value } of changes)
            if (value === undefined) kept.delete(pathOf(key))
            else kept.set(pathOf(key), { key, revision, value })
      },
    },
    0,
  )
  return {
    load: async () => ({ revision: batches.revision, kept: [...kept.values()] }),
    commit: batches.commit,
    follow: batches.follow,
    latest: async () => batches.revision,
    flush: batches.flush,
    close: async () => batches.flush(),
  }
}
