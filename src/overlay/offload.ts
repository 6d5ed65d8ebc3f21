/**
 * Devices of some virtual machines get the checksums wrong that they compute for packets in a tunnel: nodes answer each
 * other, and pods do not. Computed by the kernel they are right. Whether that is the trouble is found out by trying.
 */

import { type CommandRunner, isCommandMissing } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import { addressAt } from '../ip/cidr.ts'
import type { Peer } from './peers.ts'

export interface OffloadProbeOptions {
  readonly runner: CommandRunner
  /** The tunnel's device. */
  readonly device: string
  /** Whether somebody answers at this address. */
  readonly answers: (address: string) => Promise<boolean>
  readonly log: Logger
}

/** `fine`: nothing to do. `cured`: the kernel computes checksums now. `other`: it is not the checksums. */
export type OffloadOutcome = 'fine' | 'cured' | 'other' | 'nobody'

/** Nodes that do not answer at all say nothing; no more than so many are asked. */
const mostAsked = 3

export const probeOffload = async (
  { runner, device, answers, log }: OffloadProbeOptions,
  peers: readonly Peer[],
): Promise<OffloadOutcome> => {
  const set = (state: 'on' | 'off') => runner.run('ethtool', ['-K', device, 'tx-checksum-ip-generic', state])
  for (const { name, address, podCIDRs } of peers.slice(0, mostAsked)) {
    if (!(await answers(address))) continue
    const inTunnel = addressAt(podCIDRs[0] ?? '', 0)
    if (await answers(inTunnel)) return 'fine'
    try {
      await set('off')
    } catch (error) {
      const cure = isCommandMissing(error) ? 'install ethtool' : `ethtool -K ${device} tx-checksum-ip-generic off`
      log.warn(
        { err: error, node: name, cure },
        'a node answers, but not through the tunnel; checksums cannot be tried',
      )
      return 'other'
    }
    if (await answers(inTunnel)) {
      log.warn({ node: name, device }, 'the device gets checksums in the tunnel wrong: the kernel computes them now')
      return 'cured'
    }
    await set('on')
    log.warn(
      { node: name, cure: 'allow UDP port 8472 between the nodes, both ways' },
      'a node answers, but not through the tunnel',
    )
    return 'other'
  }
  return 'nobody'
}
