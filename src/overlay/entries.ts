/** What a backend wants in the kernel for its peers, and how far that is from what is there. Pure. */

/** `key` names the place, `value` what is in it. */
export interface Entry {
  readonly key: string
  readonly value: string
}

export interface EntryDiff {
  readonly add: readonly Entry[]
  /** Of these only the key matters. */
  readonly remove: readonly Entry[]
}

/** What to write and what to take away, so that `found` becomes `wanted`. */
export const diffEntries = (wanted: readonly Entry[], found: readonly Entry[]): EntryDiff => {
  const there = new Map(found.map(({ key, value }) => [key, value]))
  const keys = new Set(wanted.map(({ key }) => key))
  return {
    add: wanted.filter(({ key, value }) => there.get(key) !== value),
    remove: found.filter(({ key }) => !keys.has(key)),
  }
}
