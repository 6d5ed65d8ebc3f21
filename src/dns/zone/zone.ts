/** The cluster's names, for looking up. Records come and go by their source: a Service, or the zone itself. */
import type { ZoneRecord } from './records.ts'

export interface Found {
  /** Of the type asked for; empty when the name has none. */
  readonly records: readonly ZoneRecord[]
  /** The name has records of some type, or names below it. */
  readonly exists: boolean
}

export interface Zone {
  /** Replaces all records of a source; none when empty. */
  set(source: string, records: readonly ZoneRecord[]): void
  /** `name` as `readName` gives it. */
  find(name: string, type: number): Found
  /** All sources, with their records. */
  sources(): IterableIterator<[source: string, records: readonly ZoneRecord[]]>
  /** The records of every type. */
  all(name: string): readonly ZoneRecord[]
  /** How many names have records. */
  readonly size: number
}

const nothing: Found = { records: [], exists: false }
const empty: readonly ZoneRecord[] = []

export const createZone = (): Zone => {
  const sources = new Map<string, readonly ZoneRecord[]>()
  const byName = new Map<string, Map<number, readonly ZoneRecord[]>>()
  /** How many records are at or below each name. */
  const below = new Map<string, number>()

  const count = (name: string, change: number): void => {
    for (let at = 0; at >= 0; ) {
      const ancestor = at === 0 ? name : name.slice(at)
      const next = (below.get(ancestor) ?? 0) + change
      if (next > 0) below.set(ancestor, next)
      else below.delete(ancestor)
      const dot = name.indexOf('.', at)
      at = dot < 0 ? -1 : dot + 1
    }
  }

  const add = (record: ZoneRecord): void => {
    const perType = byName.get(record.owner) ?? new Map<number, readonly ZoneRecord[]>()
    perType.set(record.type, [...(perType.get(record.type) ?? []), record])
    byName.set(record.owner, perType)
    count(record.owner, 1)
  }

  const remove = (record: ZoneRecord): void => {
    const perType = byName.get(record.owner)
    const left = (perType?.get(record.type) ?? []).filter((each) => each !== record)
    if (left.length > 0) perType?.set(record.type, left)
    else perType?.delete(record.type)
    if (perType?.size === 0) byName.delete(record.owner)
    count(record.owner, -1)
  }

  return {
    set: (source, records) => {
      for (const record of sources.get(source) ?? []) remove(record)
      for (const record of records) add(record)
      if (records.length > 0) sources.set(source, records)
      else sources.delete(source)
    },
    find: (name, type) => {
      const perType = byName.get(name)
      if (perType) return { records: perType.get(type) ?? empty, exists: true }
      return below.has(name) ? { records: empty, exists: true } : nothing
    },
    sources: () => sources.entries(),
    all: (name) => [...(byName.get(name)?.values() ?? [])].flat(),
    get size() {
      return byName.size
    },
  }
}
