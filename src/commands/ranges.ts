/** Refuses to start with ranges that would take packets away from somebody else. */
import { readHostResolvConf } from '../agent/agent.ts'
import { createCommandRunner } from '../host/command.ts'
import { createIproute } from '../host/iproute.ts'
import { findOverlaps, type NamedRange, type Surroundings } from '../ipam/overlap.ts'
import { isOwnDevice, showForeignRoutes } from '../overlay/kernel-view.ts'
import { UsageError } from './usage-error.ts'

const nothing: Surroundings = { routes: [], resolvers: [] }

const readSurroundings = async (): Promise<Surroundings> => {
  const iproute = createIproute(createCommandRunner())
  const routes = await showForeignRoutes(iproute)
  return {
    routes: routes.filter(({ device }) => !isOwnDevice(device)),
    resolvers: (await readHostResolvConf()).nameservers,
  }
}

const refuse = (problems: readonly string[], more = ''): void => {
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}${more}`)
}

/** Ranges against each other alone. */
export const checkRangesApart = (ranges: readonly NamedRange[]): void => refuse(findOverlaps(ranges, nothing))

/** And against this machine's routes and name servers. */
export const checkRangesHere = async (ranges: readonly NamedRange[]): Promise<void> =>
  refuse(findOverlaps(ranges, await readSurroundings()), '\n(--allow-overlap: start all the same)')

export const namedRanges = (
  podOption: string,
  clusterCIDRs: readonly string[],
  serviceCIDRs: readonly string[],
): readonly NamedRange[] => [
  ...clusterCIDRs.map((cidr) => ({ name: podOption, cidr })),
  ...serviceCIDRs.map((cidr) => ({ name: '--service-cidr', cidr })),
]
