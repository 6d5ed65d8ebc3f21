/** Routes by the nodes' own addresses: no overhead, for nodes that are neighbours on one network. */

import { line } from '../host/iproute.ts'
import { isIPv6 } from '../ip/address.ts'
import type { BackendOptions, OverlayBackend } from './backend.ts'
import { diffEntries, type Entry } from './entries.ts'
import { showRoutes } from './kernel-view.ts'
import type { Peer } from './peers.ts'

/** Marks our routes among those of others. */
export const routeProtocol = '117'

/** Pods are reached by the address of their node. Pure. */
export const compileHostGw = (peers: readonly Peer[]): readonly Entry[] =>
  peers.flatMap(({ podCIDRs, address }) =>
    podCIDRs.filter((cidr) => isIPv6(cidr) === isIPv6(address)).map((cidr) => ({ key: cidr, value: address })),
  )

export const createHostGw = ({ iproute, underlay }: BackendOptions): OverlayBackend => {
  const family = isIPv6(underlay.address) ? '-6' : '-4'

  let known: readonly Entry[] | undefined

  const read = async (): Promise<readonly Entry[]> =>
    (await showRoutes(iproute, family, ['proto', routeProtocol])).map(({ destination, gateway }) => ({
      ...{ key: destination, value: gateway },
    }))

  const write = async (wanted: readonly Entry[], look: 'kernel' | 'memory' = 'kernel'): Promise<readonly string[]> => {
    const found = (look === 'memory' ? known : undefined) ?? (await read())
    known = undefined
    const { add, remove } = diffEntries(wanted, found)
    const failures = await iproute.each('ip', [
      ...remove.map(
        ({ key, value }) => line`route del ${key} ${value === '' ? [] : ['via', value]} proto ${routeProtocol}`,
      ),
      ...add.map(
        ({ key, value }) => line`route replace ${key} via ${value} dev ${underlay.device} proto ${routeProtocol}`,
      ),
    ])
    if (failures.length === 0) known = wanted
    return failures
  }

  return {
    name: 'host-gw',
    overhead: 0,
    sync: (peers, look) => write(compileHostGw(peers), look),
    close: async () => void (await write([])),
  }
}
