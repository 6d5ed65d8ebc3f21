/** Published records, for looking up by any part of their name. */
import type { SkyEntry } from './record.ts'

export interface SkyTree {
  /** Replaces all records of a source. */
  set(source: string, entries: readonly SkyEntry[]): void
  /** Every record at or below the name; a label `*` or `any` stands for any one label. */
  find(name: string): readonly SkyEntry[]
  /** Whether the name, or one below it, has a record. */
  has(name: string): boolean
  readonly isEmpty: boolean
}

const isWild = (label: string): boolean => label === '*' || label === 'any'

const matches = (pattern: readonly string[], name: string): boolean => {
  const labels = name.split('.')
  const offset = labels.length - pattern.length
  return offset >= 0 && pattern.every((label, at) => isWild(label) || label === labels[offset + at])
}

/** The longest end of a name without wild labels. */
const tameEnd = (labels: readonly string[]): string => labels.slice(labels.findLastIndex(isWild) + 1).join('.')

export const createSkyTree = (): SkyTree => {
  const sources = new Map<string, readonly SkyEntry[]>()
  const below = new Map<string, Set<SkyEntry>>()

  const ancestors = (name: string): readonly string[] =>
    name.split('.').map((_, at, labels) => labels.slice(at).join('.'))

  const add = (entry: SkyEntry): void => {
    for (const ancestor of ancestors(entry.name)) {
      const set = below.get(ancestor) ?? new Set()
      below.set(ancestor, set.add(entry))
    }
  }
  const remove = (entry: SkyEntry): void => {
    for (const ancestor of ancestors(entry.name)) {
      const set = below.get(ancestor)
      if (set?.delete(entry) && set.size === 0) below.delete(ancestor)
    }
  }
  const find = (name: string): readonly SkyEntry[] => {
    const labels = name.split('.')
    if (!labels.some(isWild)) return [...(below.get(name) ?? [])]
    const candidates = tameEnd(labels) === '' ? [...sources.values()].flat() : [...(below.get(tameEnd(labels)) ?? [])]
    return candidates.filter((entry) => matches(labels, entry.name))
  }

  return {
    set: (source, entries) => {
      for (const entry of sources.get(source) ?? []) remove(entry)
      for (const entry of entries) add(entry)
      if (entries.length > 0) sources.set(source, entries)
      else sources.delete(source)
    },
    find,
    has: (name) => below.has(name) || (name.split('.').some(isWild) && find(name).length > 0),
    get isEmpty() {
      return sources.size === 0
    },
  }
}

/**
 * SkyDNS' groups: when the records with the shortest names agree on one, those of other groups are left out; records of no
 * group always stay.
 */
export const ofGroup = (entries: readonly SkyEntry[]): readonly SkyEntry[] => {
  const depth = ({ name }: SkyEntry): number => name.split('.').length
  const shortest = Math.min(...entries.map(depth))
  const groups = new Set(entries.filter((entry) => depth(entry) === shortest).map(({ record }) => record.group))
  groups.delete('')
  const [group] = groups
  if (groups.size !== 1 || group === undefined) return entries
  return entries.filter(({ record }) => record.group === group || record.group === '')
}
