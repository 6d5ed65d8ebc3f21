/** The dynamic table of HPACK as its reader keeps it (RFC 7541 section 2.3.2). */
import type { Field } from '../http/fields.ts'

/** What an entry counts beside its name and value (section 4.1). */
export const entryOverhead = 32

/** The size until SETTINGS say otherwise: what we allow a peer, and the most that we use of what it allows us. */
export const tableBytes = 4096

export const sizeOf = ({ key, value }: { readonly key: string; readonly value: string }): number =>
  key.length + value.length + entryOverhead

export interface DynamicTable {
  /** 0 is the newest; undefined beyond the oldest. */
  at(index: number): Field | undefined
  /** Evicts what has no room beside the new entry, which may be all, and then the entry itself (section 4.4). */
  add(field: Field): void
  resize(bytes: number): void
}

/** A ring, long enough for as many entries of the least size as fit. */
const ringLength = tableBytes / entryOverhead

export const createDynamicTable = (): DynamicTable => {
  const ring: (Field | undefined)[] = []
  let newest = ringLength - 1
  let count = 0
  let bytes = 0
  let limit = tableBytes

  const evictTo = (room: number): void => {
    while (bytes > room) {
      const oldest = (newest - count + 1) & (ringLength - 1)
      const field = ring[oldest]
      ring[oldest] = undefined
      count--
      bytes -= field === undefined ? 0 : sizeOf(field)
    }
  }

  return {
    at: (index) => (index < count ? ring[(newest - index) & (ringLength - 1)] : undefined),
    add: (field) => {
      const size = sizeOf(field)
      evictTo(Math.max(0, limit - size))
      if (size > limit) return
      newest = (newest + 1) & (ringLength - 1)
      ring[newest] = field
      count++
      bytes += size
    },
    resize: (wanted) => {
      limit = wanted
      evictTo(limit)
    },
  }
}
