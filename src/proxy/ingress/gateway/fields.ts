import type { HttpHeaderFilter } from '../../../api/types/index.ts'
import { type FieldChanges, noChanges } from '../routes/policy.ts'

type Pair = readonly [name: string, value: string]

/** Of entries with equal names only the first counts. */
const pairs = (entries: readonly { readonly name: string; readonly value: string }[]): readonly Pair[] => {
  const byName = new Map<string, Pair>()
  for (const { name, value } of entries) {
    const key = name.toLowerCase()
    if (!byName.has(key)) byName.set(key, [name, value])
  }
  return [...byName.values()]
}

/** Header modifiers as one change. */
export const fieldChanges = (filters: readonly HttpHeaderFilter[]): FieldChanges =>
  filters.length === 0
    ? noChanges
    : {
        set: pairs(filters.flatMap(({ set }) => set ?? [])),
        add: pairs(filters.flatMap(({ add }) => add ?? [])),
        remove: filters.flatMap(({ remove }) => (remove ?? []).map((name) => name.toLowerCase())),
      }
