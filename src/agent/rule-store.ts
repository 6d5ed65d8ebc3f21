/** Which of the kernel's two rule stores this node uses. */

import type { CommandRunner } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import { detectBackend } from '../host/netfilter/backend.ts'
import { createNetfilter, type Netfilter } from '../host/netfilter/netfilter.ts'
import type { IpFamily } from '../ip/address.ts'

/** Looks once, tells when both stores are in use, and returns what makes rules for a family. */
export const openRuleStore = async (runner: CommandRunner, log: Logger): Promise<(family: IpFamily) => Netfilter> => {
  const { backend, mixed } = await detectBackend(runner)
  if (mixed) log.warn({ backend }, 'both rule stores hold rules: packets pass through both, each tool sees its own')
  // One for all rooms: what they ask at one time is asked together.
  const stores = {
    IPv4: createNetfilter(runner, 'IPv4', backend),
    IPv6: createNetfilter(runner, 'IPv6', backend),
  }
  return (family) => stores[family]
}
