/** What `ip -json` and `bridge -json` say, read into typed values: the border to iproute2's output. */
import type { Iproute } from '../host/iproute.ts'

/** Fields of any JSON object; what is missing or of another type reads as undefined. */
const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

export interface Link {
  readonly index: number
  readonly name: string
  readonly alias: string
  readonly mac: string
  readonly mtu: number
  readonly isUp: boolean
  /** Whether its other end is up, too. */
  readonly isConnected: boolean
  /** The number of the network namespace that its other end is in. */
  readonly namespace: number | undefined
  /** The bridge it is a port of; empty when none. */
  readonly master: string
  /** `vxlan`, `veth`, `bridge` …; empty for a real device. */
  readonly kind: string
  readonly isHairpin: boolean
  /** The parameters of its kind. */
  readonly data: Readonly<Record<string, unknown>>
}

const toLink = (value: unknown): Link => {
  const link = fields(value)
  const info = fields(link['linkinfo'])
  return {
    index: number(link['ifindex']),
    name: text(link['ifname']),
    alias: text(link['ifalias']),
    mac: text(link['address']),
    mtu: number(link['mtu']),
    isUp: list(link['flags']).includes('UP'),
    isConnected: list(link['flags']).includes('LOWER_UP'),
    namespace: typeof link['link_netnsid'] === 'number' ? link['link_netnsid'] : undefined,
    master: text(link['master']),
    kind: text(info['info_kind']),
    isHairpin: fields(info['info_slave_data'])['hairpin'] === true,
    data: fields(info['info_data']),
  }
}

export const showLinks = async (iproute: Iproute): Promise<readonly Link[]> =>
  (await iproute.showIp(['-details', 'link', 'show'])).map(toLink)

const addressesOf = (link: Readonly<Record<string, unknown>>): readonly string[] =>
  list(link['addr_info']).map((info) => `${text(fields(info)['local'])}/${number(fields(info)['prefixlen'])}`)

/** A device with its addresses. */
export interface DeviceView {
  readonly isUp: boolean
  readonly mac: string
  readonly mtu: number
  /** `10.0.0.1/24`. */
  readonly addresses: readonly string[]
}

export const showDevice = async (iproute: Iproute, device: string): Promise<DeviceView | undefined> => {
  const found = (await iproute.showIp(['address', 'show'])).map(fields).find((link) => link['ifname'] === device)
  if (!found) return undefined
  const { isUp, mac, mtu } = toLink(found)
  return { isUp, mac, mtu, addresses: addressesOf(found) }
}

/** `10.0.0.1/24` of a device; empty when there is no such device. */
export const showAddresses = async (iproute: Iproute, device: string): Promise<readonly string[]> =>
  (await iproute.showIp(['address', 'show']))
    .map(fields)
    .filter((link) => text(link['ifname']) === device)
    .flatMap(addressesOf)

/** An interface whose other end is in another network namespace. */
export interface NamespaceLink {
  /** The number of the other end, where that is. */
  readonly peer: number
  /** Without prefix lengths. */
  readonly addresses: readonly string[]
}

export const showNamespaceLinks = async (iproute: Iproute): Promise<readonly NamespaceLink[]> =>
  (await iproute.showIp(['address', 'show'])).map(fields).flatMap((link) =>
    typeof link['link_index'] === 'number'
      ? [
          {
            peer: link['link_index'],
            addresses: list(link['addr_info']).map((info) => text(fields(info)['local'])),
          },
        ]
      : [],
  )

/** One that the kernel gives a device by itself. */
export const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address)

/** The device that holds `address`, with its MTU and the length of the address' prefix; undefined when none does. */
export const findAddress = async (
  iproute: Iproute,
  address: string,
): Promise<{ readonly device: string; readonly mtu: number; readonly prefixLength: number } | undefined> => {
  for (const link of await iproute.showIp(['address', 'show'])) {
    const all = list(fields(link)['addr_info']).map(fields)
    const found = all.find((info) => text(info['local']) === address)
    if (found)
      return {
        device: text(fields(link)['ifname']),
        mtu: number(fields(link)['mtu']),
        prefixLength: number(found['prefixlen']),
      }
  }
  return undefined
}

export interface Route {
  /** `10.0.0.1` stands for `10.0.0.1/32`, as iproute2 writes it. */
  readonly destination: string
  readonly gateway: string
  readonly device: string
}

const toRoute = (value: unknown): Route => {
  const route = fields(value)
  return { destination: text(route['dst']), gateway: text(route['gateway']), device: text(route['dev']) }
}

/** Routes of one family that match, such as `dev podway.1` or `proto 117`. */
export const showRoutes = async (
  iproute: Iproute,
  family: '-4' | '-6',
  selection: readonly string[],
): Promise<readonly Route[]> => (await iproute.showIp([family, 'route', 'show', ...selection])).map(toRoute)

/** True for devices that the pod network makes. */
export const isOwnDevice = (name: string): boolean => /^(podway|pw[0-9a-f]{13}$)/.test(name)

/** All routes of the main table, of both families, that the pod network has not made. */
export const showForeignRoutes = async (iproute: Iproute): Promise<readonly Route[]> => {
  const all = [
    ...(await iproute.showIp(['-4', 'route', 'show'])),
    ...(await iproute.showIp(['-6', 'route', 'show']).catch(() => [])),
  ]
  return all
    .filter((value) => fields(value)['protocol'] !== '117')
    .map(toRoute)
    .filter(({ device }) => !isOwnDevice(device))
}

/** The permanent neighbours of a device: address and MAC. */
export const showNeighbours = async (
  iproute: Iproute,
  family: '-4' | '-6',
  device: string,
): Promise<readonly { readonly address: string; readonly mac: string }[]> =>
  (await iproute.showIp([family, 'neigh', 'show', 'dev', device, 'nud', 'permanent'])).map((value) => ({
    address: text(fields(value)['dst']),
    mac: text(fields(value)['lladdr']),
  }))

/** The forwarding entries of a tunnel: MAC and the node behind it. */
export const showForwarding = async (
  iproute: Iproute,
  device: string,
): Promise<readonly { readonly mac: string; readonly node: string }[]> =>
  (await iproute.showBridge(['fdb', 'show', 'dev', device]))
    .map(fields)
    .filter((entry) => text(entry['dst']) !== '')
    .map((entry) => ({ mac: text(entry['mac']), node: text(entry['dst']) }))
