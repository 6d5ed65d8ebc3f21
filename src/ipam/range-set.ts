/** Ranges that do not overlap, each with its owner. */
import { type Cidr, overlaps } from '../ip/cidr.ts'

export interface RangeSet {
  /** The owner of a range that `range` overlaps; undefined for none. */
  overlapping(range: Cidr): string | undefined
  /** Throws when it overlaps one that is there. */
  add(range: Cidr, owner: string): void
}

interface Owned {
  readonly range: Cidr
  readonly owner: string
}

export const createRangeSet = (): RangeSet => {
  /** By family, sorted by first address: of disjoint ranges only the two neighbours can overlap another one. */
  const sorted: Readonly<Record<Cidr['family'], Owned[]>> = { IPv4: [], IPv6: [] }

  const placeOf = ({ family, digits }: Cidr): number => {
    const ranges = sorted[family]
    let [low, high] = [0, ranges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ranges[middle]?.range.digits ?? '') < digits) low = middle + 1
      else high = middle
    }
    return low
  }

  const overlapping = (range: Cidr): string | undefined => {
    const at = placeOf(range)
    return [sorted[range.family][at - 1], sorted[range.family][at]].find(
      (each) => each !== undefined && overlaps(each.range, range),
    )?.owner
  }

  return {
    overlapping,
    add: (range, owner) => {
      const other = overlapping(range)
      if (other !== undefined) throw new Error(`the range of ${owner} overlaps that of ${other}`)
      sorted[range.family].splice(placeOf(range), 0, { range, owner })
    },
  }
}
