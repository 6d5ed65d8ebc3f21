/** The links between the node and its pods. */

import { createHash } from 'node:crypto'
import { CommandError, type CommandRunner, prefixed } from '../host/command.ts'
import { createForker } from '../host/forker.ts'
import { batchOf, createIproute, type Iproute, type Line, line, lineWords, word } from '../host/iproute.ts'
import { createIprouteSession } from '../host/iproute-session.ts'
import { enterNetworkFile } from '../host/namespaces.ts'
import { isIPv6 } from '../ip/address.ts'
import { hostCidr } from '../ip/cidr.ts'
import { type Bandwidth, shapeLine } from './bandwidth.ts'
import { macOf, podBridge, podLinkPrefix } from './bridge.ts'
import { showDevice, showLinks, showRoutes } from './kernel-view.ts'
import { nodeEndFaults, podEndFaults } from './link-faults.ts'

export interface PodOnLink {
  readonly id: string
  /** The pod's network namespace: `/proc/PID/ns/net`, `/run/netns/NAME`. */
  readonly netns: string
  readonly addresses: readonly string[]
  /** What its interface is called; `eth0` when missing. */
  readonly ifname?: string
  /** Follows from the first address when missing. */
  readonly mac?: string
  readonly bandwidth?: Bandwidth
}

export interface PodLinks {
  /** Gives the pod its interface. One that has it with these addresses keeps it; a half-made one is made anew. */
  attach(pod: PodOnLink): Promise<void>
  /** Nothing happens when the pod has no link. */
  detach(id: string): Promise<void>
  /** The pods that have a link. */
  list(): Promise<readonly string[]>
  /** What is not as `attach` makes it, at both ends; empty when all is. Rejects when nobody can tell. */
  faults(pod: PodOnLink): Promise<readonly string[]>
  /** Ends the programs that it keeps. */
  close(): void
}

export interface PodLinksOptions {
  readonly runner: CommandRunner
  readonly mtu: number
  /** The node's address in the pods' network, one for each family. */
  readonly gateways: readonly string[]
}

/** At most 15 characters: 52 bits of the id's hash. */
export const linkName = (id: string): string =>
  `${podLinkPrefix}${createHash('sha256').update(id).digest('hex').slice(0, 13)}`

/** The MAC of a pod's interface. */
export const podMac = ({ mac, addresses }: Pick<PodOnLink, 'mac' | 'addresses'>): string =>
  mac ?? macOf(addresses[0] ?? '')

/** The pod's side: it knows nobody but the node. Pure. */
export const podLines = (
  addresses: readonly string[],
  gateways: readonly string[],
  ifname = 'eth0',
): readonly Line[] => [
  line`link set lo up`,
  line`link set ${ifname} up`,
  ...addresses.map(
    (address) => line`address add ${hostCidr(address)} dev ${ifname} ${isIPv6(address) ? ['nodad'] : []}`,
  ),
  // Lines of a batch take no -6: the address tells the family. Of several interfaces the first keeps the default route.
  ...gateways.flatMap((gateway) => [
    line`route append ${hostCidr(gateway)} dev ${ifname} ${isIPv6(gateway) ? [] : ['scope', 'link']}`,
    line`route append ${isIPv6(gateway) ? '::/0' : 'default'} via ${gateway} dev ${ifname}`,
  ]),
]

const says = (error: unknown, text: string): boolean => error instanceof CommandError && error.stderr.includes(text)

export const createPodLinks = ({ runner, mtu, gateways }: PodLinksOptions): PodLinks => {
  const iproute = createIproute(runner)
  const session = createIprouteSession(runner)
  const forker = createForker(runner)
  const runnerIn = (netns: string): CommandRunner => prefixed(runner, enterNetworkFile(word(netns)))
  const inside = (netns: string): Iproute => createIproute(runnerIn(netns))

  const nodeLines = (pod: PodOnLink): readonly Line[] => {
    const { id, netns, ifname = 'eth0' } = pod
    return [
      line`link add ${linkName(id)} mtu ${mtu} up master ${podBridge} type veth peer name ${ifname} address ${podMac(pod)} mtu ${mtu} netns ${netns}`,
      line`link set dev ${linkName(id)} alias ${id} type bridge_slave hairpin on`,
    ]
  }

  const remove = async (id: string): Promise<void> => {
    try {
      await iproute.ip([line`link del dev ${linkName(id)}`])
    } catch (error) {
      // It goes with its pod's namespace, too.
      if (!says(error, 'Cannot find device')) throw error
    }
  }

  /** Each side limits what it sends: what the pod receives is sent by the node. */
  const shape = async ({ id, netns, ifname = 'eth0', bandwidth = {} }: PodOnLink): Promise<void> => {
    const { ingress, egress } = bandwidth
    if (ingress !== undefined) await runner.run('tc', lineWords(shapeLine(linkName(id), ingress)))
    if (egress !== undefined) await runnerIn(netns).run('tc', lineWords(shapeLine(ifname, egress)))
  }

  /** The node's side. A session that has gone stale fails at once; a program that starts afresh tells the truth. */
  const onNode = async (pod: PodOnLink): Promise<void> => {
    const lines = nodeLines(pod)
    try {
      await session.ip(lines)
    } catch (error) {
      if (!(error instanceof CommandError) || says(error, 'File exists')) throw error
      await remove(pod.id)
      await iproute.ip(lines)
    }
  }

  const make = async (pod: PodOnLink): Promise<void> => {
    const lines = podLines(pod.addresses, gateways, pod.ifname)
    await onNode(pod)
    try {
      const [file, ...args] = enterNetworkFile(word(pod.netns))
      await forker.run(file, [...args, 'ip', '-batch', '-'], batchOf(lines))
      await shape(pod)
    } catch (error) {
      await remove(pod.id)
      throw error
    }
  }

  const faults = async (pod: PodOnLink): Promise<readonly string[]> => {
    const { id, netns, addresses, ifname = 'eth0' } = pod
    const link = (await showLinks(iproute)).find(({ name }) => name === linkName(id))
    const end = inside(netns)
    const families = gateways.some((gateway) => isIPv6(gateway)) ? (['-4', '-6'] as const) : (['-4'] as const)
    const routes = (await Promise.all(families.map((family) => showRoutes(end, family, [])))).flat()
    const wanted = { ifname, mac: podMac(pod), mtu, addresses, gateways }
    return [...nodeEndFaults(link, id, mtu), ...podEndFaults(wanted, await showDevice(end, ifname), routes)]
  }

  const list = async (): Promise<readonly string[]> =>
    (await showLinks(iproute))
      .filter(({ name, alias }) => alias !== '' && name === linkName(alias))
      .map(({ alias }) => alias)

  return {
    list,
    attach: async (pod) => {
      try {
        await make(pod)
      } catch (error) {
        if (!says(error, 'File exists')) throw error
        if ((await faults(pod)).length === 0) return
        await remove(pod.id)
        await make(pod)
      }
    },
    detach: remove,
    faults,
    close: () => {
      session.close()
      forker.close()
    },
  }
}
