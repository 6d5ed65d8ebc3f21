/** The links of the pods that run on this node, as far as can be told without the agent. Nothing is changed. */

import { type CommandRunner, prefixed } from '../../host/command.ts'
import { createIproute } from '../../host/iproute.ts'
import { enterNetworkFile } from '../../host/namespaces.ts'
import { addressOf, isIPv6 } from '../../ip/address.ts'
import { cidrOf, contains, networkOf } from '../../ip/cidr.ts'
import { podBridge } from '../../overlay/bridge.ts'
import { isLinkLocal, type Link, showAddresses, showDevice, showLinks, showRoutes } from '../../overlay/kernel-view.ts'
import { nodeEndFaults, podEndFaults } from '../../overlay/link-faults.ts'
import { linkName } from '../../overlay/pod-links.ts'
import { runtimeDirs } from '../runtime/runtime-names.ts'
import { createStateStore, isAnyContainer, type StoredSandbox } from '../runtime/shared/state.ts'

export interface PodLinkFacts {
  /** As `default/web`, or what a container runtime calls it. */
  readonly pod: string
  readonly faults: readonly string[]
}

interface NodeSide {
  readonly links: readonly Link[]
  readonly mtu: number
  /** The node's addresses in its pods' networks: `10.244.1.1/24`. */
  readonly gateways: readonly string[]
}

const isSingle = (address: string): boolean => /\/(32|128)$/.test(address)

const addressIn = (text: string): string => text.split('/')[0] ?? ''

const lookInside = async (
  runner: CommandRunner,
  { spec, process }: StoredSandbox,
  { links, mtu, gateways }: NodeSide,
): Promise<PodLinkFacts> => {
  const end = createIproute(prefixed(runner, enterNetworkFile(`/proc/${process?.pid}/ns/net`)))
  const device = await showDevice(end, 'eth0')
  const families = gateways.some((gateway) => isIPv6(gateway)) ? (['-4', '-6'] as const) : (['-4'] as const)
  const routes = (await Promise.all(families.map((family) => showRoutes(end, family, [])))).flat()
  const link = links.find(({ name }) => name === linkName(spec.id))
  const networks = gateways.map((gateway) => networkOf(addressIn(gateway), Number(gateway.split('/')[1])))
  const missing = networks.filter(
    (network) => device && !device.addresses.some((each) => contains(cidrOf(network), addressOf(addressIn(each)))),
  )
  const wanted = { ifname: 'eth0', mac: device?.mac ?? '', mtu, addresses: [], gateways: gateways.map(addressIn) }
  return {
    pod: `${spec.namespace}/${spec.name}`,
    faults: [
      ...nodeEndFaults(link, spec.id, mtu),
      ...podEndFaults(wanted, device, routes),
      ...missing.map((network) => `eth0 has no address of ${network}`),
    ],
  }
}

/** Undefined when there is no bridge for pods. Pods that ended meanwhile are left out. */
export const readPodLinks = async (
  runner: CommandRunner,
  stateDir: string,
): Promise<readonly PodLinkFacts[] | undefined> => {
  const iproute = createIproute(runner)
  const links = await showLinks(iproute)
  const bridge = links.find(({ name }) => name === podBridge)
  if (!bridge) return undefined
  const gateways = (await showAddresses(iproute, podBridge)).filter((each) => !isSingle(each) && !isLinkLocal(each))
  const side: NodeSide = { links, mtu: bridge.mtu, gateways }
  const stores = runtimeDirs(stateDir).map((folder) => createStateStore(folder, isAnyContainer))
  const sandboxes = (await Promise.all(stores.map((store) => store.load()))).flat()
  const own = sandboxes.filter(({ spec, process }) => process && !spec.hostNetwork)
  const found = await Promise.all(own.map((sandbox) => lookInside(runner, sandbox, side).catch(() => undefined)))
  const others = links
    .filter(({ name, alias }) => alias.includes('/') && name === linkName(alias))
    .map((link) => ({ pod: link.alias, faults: nodeEndFaults(link, link.alias, bridge.mtu) }))
  return [...found.filter((each) => each !== undefined), ...others]
}
