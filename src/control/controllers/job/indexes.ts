/** Sets of completion indexes, written as Jobs write them: `1,3-5,7`. Pure. */

/** Sorted, apart from each other: both ends belong to it. */
export type Indexes = readonly (readonly [number, number])[]

/** What is no such text, or lies beyond `limit`, is left out. */
export const parseIndexes = (text: string | undefined, limit: number): Indexes => {
  const intervals = (text ?? '').split(',').flatMap((part): [number, number][] => {
    const [, from, to = from] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part) ?? []
    if (from === undefined) return []
    const interval: [number, number] = [Number(from), Math.min(Number(to), limit - 1)]
    return interval[0] <= interval[1] ? [interval] : []
  })
  return merge(intervals)
}

const merge = (intervals: readonly (readonly [number, number])[]): Indexes => {
  const merged: [number, number][] = []
  for (const [from, to] of intervals.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1)
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}

export const withIndexes = (indexes: Indexes, more: readonly number[]): Indexes =>
  more.length === 0 ? indexes : merge([...indexes, ...more.map((index) => [index, index] as const)])

export const formatIndexes = (indexes: Indexes): string =>
  indexes.map(([from, to]) => (from === to ? `${from}` : `${from}${to === from + 1 ? ',' : '-'}${to}`)).join(',')

export const countIndexes = (indexes: Indexes): number => indexes.reduce((sum, [from, to]) => sum + to - from + 1, 0)

export const hasIndex = (indexes: Indexes, index: number): boolean => {
  let [low, high] = [0, indexes.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const [from, to] = indexes[middle] ?? [0, 0]
    if (index < from) high = middle - 1
    else if (index > to) low = middle + 1
    else return true
  }
  return false
}

/** Those that are in both. */
export const commonIndexes = (a: Indexes, b: Indexes): Indexes =>
  a.flatMap(([from, to]) =>
    b.flatMap(([start, end]): [number, number][] => {
      const both: [number, number] = [Math.max(from, start), Math.min(to, end)]
      return both[0] <= both[1] ? [both] : []
    }),
  )

/** The first `count` below `limit` that are not among them and that `isFree` takes. */
export const firstMissing = (
  indexes: Indexes,
  limit: number,
  count: number,
  isFree: (index: number) => boolean,
): readonly number[] => {
  const found: number[] = []
  for (let index = 0, at = 0; index < limit && found.length < count; index++) {
    const taken = indexes[at]
    if (taken && index >= taken[0]) {
      index = taken[1]
      at++
    } else if (isFree(index)) found.push(index)
  }
  return found
}
