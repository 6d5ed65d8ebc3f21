/** How far the two controllers may go at a time: one pod above what is wanted, none below. Pure. */

export interface Counts {
  /** How many pods the new controller is to have in the end. */
  readonly desired: number
  readonly old: number
  readonly next: number
}

/** So many pods more than in the end there may be meanwhile. */
const maxSurge = 1

/** How many pods there are at most. */
export const mostPods = ({ desired }: Counts): number => desired + maxSurge

/** How many pods the new controller may have now. */
export const scaledUp = (counts: Counts): number => {
  const { desired, old, next } = counts
  // Without old pods there is nothing to keep a balance with.
  const room = old === 0 ? desired - next : mostPods(counts) - old - next
  return room <= 0 ? next : Math.min(desired, next + room)
}

/** How many pods the old controller must keep now, of whose successors `available` are. */
export const scaledDown = ({ desired, old, next }: Counts, available: number): number => {
  if (next === desired && available >= desired) return 0
  const surplus = old + next - desired - Math.max(0, next - available)
  return surplus <= 0 ? old : Math.max(0, old - surplus)
}
