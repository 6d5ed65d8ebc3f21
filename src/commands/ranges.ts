/** Refuses to start with ranges that would take packets away from somebody else. */
import { findOverlaps, type NamedRange } from '../ipam/overlap.ts'
import { UsageError } from './usage-error.ts'

export const refuseOverlaps = (problems: readonly string[], more = ''): void => {
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}${more}`)
}

/** Ranges against each other alone. */
export const checkRangesApart = (ranges: readonly NamedRange[]): void =>
  refuseOverlaps(findOverlaps(ranges, { routes: [], resolvers: [] }))

export const namedRanges = (
  podOption: string,
  clusterCIDRs: readonly string[],
  serviceCIDRs: readonly string[],
): readonly NamedRange[] => [
  ...clusterCIDRs.map((cidr) => ({ name: podOption, cidr })),
  ...serviceCIDRs.map((cidr) => ({ name: '--service-cidr', cidr })),
]
