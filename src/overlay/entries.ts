/** What a backend wants in the kernel for its peers, and how far that is from what is there. Pure. */

/** `key` names the place, `value` what is in it. */
export interface Entry {
  readonly key: string
  readonly value: string
}

export interface EntryDiff {
  readonly add: readonly Entry[]
  readonly remove: readonly Entry[]
}

const textOf = ({ key, value }: Entry): string => `${key} ${value}`

/**
 * What to write and what to take away, so that `found` becomes `wanted`. What is written takes the place of another value of
 * its key; one beside the right one goes.
 */
export const diffEntries = (wanted: readonly Entry[], found: readonly Entry[]): EntryDiff => {
  const there = new Set(found.map(textOf))
  const right = new Map(wanted.map((entry) => [entry.key, entry]))
  return {
    add: wanted.filter((entry) => !there.has(textOf(entry))),
    remove: found.filter((entry) => {
      const mine = right.get(entry.key)
      return !mine || (mine.value !== entry.value && there.has(textOf(mine)))
    }),
  }
}
