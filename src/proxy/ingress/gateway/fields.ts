import type { HttpHeaderFilter } from '../../../api/types/index.ts'
import { skip, tokenBytes } from '../http/syntax.ts'
import { type FieldChanges, noChanges } from '../policy/policy.ts'

type Pair = readonly [name: string, value: string]

/** Servers of another make may let anything through. */
const isName = (name: unknown): boolean =>
  typeof name === 'string' && name !== '' && skip(name, 0, tokenBytes) === name.length

const isPair = ({ name, value }: { readonly name: string; readonly value: string }): boolean =>
  isName(name) && typeof value === 'string'

/** What cannot be the name of a field, or has no value; undefined when all is well. */
export const modifierProblem = ({ set = [], add = [], remove = [] }: HttpHeaderFilter): string | undefined => {
  const pairs = [...set, ...add].filter((each) => !isPair(each))
  const wrong: readonly unknown[] = [...pairs.map(({ name }) => name), ...remove.filter((name) => !isName(name))]
  return wrong.length === 0 ? undefined : `${JSON.stringify(wrong[0] ?? '')} cannot be a header field`
}

/** Of entries with equal names only the first counts. */
const pairs = (entries: readonly { readonly name: string; readonly value: string }[]): readonly Pair[] => {
  const byName = new Map<string, Pair>()
  for (const { name, value } of entries.filter(isPair)) {
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
        remove: filters.flatMap(({ remove }) => (remove ?? []).filter(isName).map((name) => name.toLowerCase())),
      }
