/** Whether the node runs short of something, and since when: the decision about evictions. Pure. */
import { type Observation, type Observations, type Pressure, type Signal, signals } from '../pressure/signals.ts'
import { isMet, type Threshold } from '../pressure/thresholds.ts'

export interface EvictionState {
  /** Those whose grace period was over at the last look. */
  readonly met: readonly Threshold[]
  /** Since when each has been met without a break, in milliseconds since 1970. */
  readonly since: ReadonlyMap<Threshold, number>
  /** When the node was last seen under pressure. */
  readonly lastSeen: ReadonlyMap<Pressure, number>
}

export const firstState: EvictionState = { met: [], since: new Map(), lastSeen: new Map() }

/** One for which pods are to be evicted now. */
export interface DueThreshold {
  readonly threshold: Threshold
  readonly observation: Observation
}

export interface EvictionDecision {
  readonly state: EvictionState
  readonly pressures: ReadonlySet<Pressure>
  /** The most pressing first. */
  readonly due: readonly DueThreshold[]
}

export interface EvictionRules {
  readonly thresholds: readonly Threshold[]
  /** For so long the node stays under pressure after it was last seen so: it should not go to and fro. */
  readonly pressureTransitionMs: number
}

/** Memory is short for all at once; nobody can be told apart by the processes of a pod so well. */
const order: readonly Signal[] = [
  'memory.available',
  'nodefs.available',
  'imagefs.available',
  'nodefs.inodesFree',
  'imagefs.inodesFree',
  'pid.available',
]

/** Equal ones: the hard one first. */
const byUrgency = (a: Threshold, b: Threshold): number =>
  order.indexOf(a.signal) - order.indexOf(b.signal) || a.graceMs - b.graceMs

/** One that cannot be observed now is taken for not met. */
const metAmong = (
  thresholds: readonly Threshold[],
  observations: Observations,
  isKept: boolean,
): readonly Threshold[] =>
  thresholds.filter((threshold) => {
    const observation = observations.get(threshold.signal)
    return observation !== undefined && isMet(threshold, observation, isKept)
  })

/** What to make of observations at a moment, after what was decided before. */
export const decide = (
  { thresholds, pressureTransitionMs }: EvictionRules,
  before: EvictionState,
  observations: Observations,
  now: number,
): EvictionDecision => {
  const seen = new Set([...metAmong(thresholds, observations, false), ...metAmong(before.met, observations, true)])
  const since = new Map([...seen].map((each) => [each, before.since.get(each) ?? now]))
  const lastSeen = new Map(before.lastSeen)
  for (const { signal } of seen) lastSeen.set(signals[signal].condition, now)
  const pressures = new Set(
    [...lastSeen].flatMap(([pressure, at]) => (at === now || now - at < pressureTransitionMs ? [pressure] : [])),
  )
  const met = [...seen].filter((each) => now - (since.get(each) ?? now) >= each.graceMs).toSorted(byUrgency)
  const due = met.flatMap((threshold) => {
    const observation = observations.get(threshold.signal)
    return observation ? [{ threshold, observation }] : []
  })
  return { state: { met, since, lastSeen }, pressures, due }
}
