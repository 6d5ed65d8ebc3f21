import type { KubeObject } from '../../api/types/index.ts'
import type { StoreKey } from './store.ts'

/** One row to write, or (json undefined) to delete. */
export interface JournalRow {
  readonly key: StoreKey
  readonly revision: number
  /** The object, made before the write begins: what cannot be written fails there, and alone. */
  readonly json: string | undefined
}

/** One row that is there. */
export interface JournalEntry {
  readonly key: StoreKey
  readonly revision: number
  readonly object: KubeObject
}

/**
 * The durable side of a store: what is, not what was. `write` makes all rows durable in one step, or throws and leaves
 * things as they were.
 */
export interface Journal {
  load(): { readonly revision: number; readonly rows: readonly JournalEntry[] }
  write(rows: readonly JournalRow[]): void
  close(): void
}

/**
 * A journal whose store goes on at revision `at`, or behind its own last one where that is later. With the time of the start in
 * milliseconds a store that was restored from a copy gives out no revision that an earlier life of it gave to another change (as
 * long as that wrote less than 1,000 times a second): clients that saw later changes than it has are told to list anew.
 */
export const resumeAt = (journal: Journal, at: number): Journal => ({
  ...journal,
  load: () => {
    const { revision, rows } = journal.load()
    return { revision: Math.max(revision + 1, at), rows }
  },
})

/** Forgets everything at the end; for tests, and for the contract suite as the store's reference. */
export const createMemoryJournal = (): Journal => {
  const rows = new Map<string, JournalEntry>()
  let revision = 0
  return {
    load: () => ({ revision, rows: [...rows.values()] }),
    write: (batch) => {
      for (const { key, revision: at, json } of batch) {
        const id = `${key.bucket} ${key.name}`
        if (json !== undefined) rows.set(id, { key, revision: at, object: JSON.parse(json) })
        else rows.delete(id)
        revision = at
      }
    },
    close: () => undefined,
  }
}
