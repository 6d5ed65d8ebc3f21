/** Ranges on a machine: this one asks the machine, so that a control plane need not load what reads it. */
import { readHostResolvConf } from '../agent/host-resolv-conf.ts'
import { createCommandRunner } from '../host/command.ts'
import { createIproute } from '../host/iproute.ts'
import { findOverlaps, type NamedRange } from '../ipam/overlap.ts'
import { showForeignRoutes } from '../overlay/kernel-view.ts'
import { refuseOverlaps } from './ranges.ts'

/** Against each other, this machine's routes and its name servers. */
export const checkRangesHere = async (ranges: readonly NamedRange[]): Promise<void> => {
  const routes = await showForeignRoutes(createIproute(createCommandRunner()))
  const { nameservers: resolvers } = await readHostResolvConf()
  refuseOverlaps(findOverlaps(ranges, { routes, resolvers }), '\n(--allow-overlap: start all the same)')
}
