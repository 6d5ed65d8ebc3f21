/**
 * What a node tells the others about its end of the pod network, in annotations of its Node: the same that flannel writes and
 * reads, so that nodes of either kind can be in one network.
 */
import type { Node, StringMap } from '../api/types/index.ts'
import { type Family, familyOf, formatAddress, parseAddress } from '../ipam/cidr.ts'
import type { BackendName } from './backend.ts'

const prefix = 'flannel.alpha.coreos.com/'

/** By the family of the network between the nodes. */
const names: Readonly<Record<Family, { readonly address: string; readonly data: string }>> = {
  IPv4: { address: `${prefix}public-ip`, data: `${prefix}backend-data` },
  IPv6: { address: `${prefix}public-ipv6`, data: `${prefix}backend-v6-data` },
}
const overwrite: Readonly<Record<Family, string>> = {
  IPv4: `${prefix}public-ip-overwrite`,
  IPv6: `${prefix}public-ipv6-overwrite`,
}
const typeName = `${prefix}backend-type`

/** This node's end of the network. */
export interface OverlayIdentity {
  /** The MAC address of its end of the tunnel. */
  readonly vtepMac: string
  /** Its WireGuard key, in base64. */
  readonly publicKey?: string
}

export interface ToldByNode extends Partial<OverlayIdentity> {
  readonly address: string | undefined
}

const vni = 1

const dataOf = (backend: BackendName, { vtepMac, publicKey }: OverlayIdentity): object | null => {
  if (backend === 'vxlan') return { VNI: vni, VtepMAC: vtepMac }
  return backend === 'wireguard' && publicKey !== undefined ? { PublicKey: publicKey } : null
}

/** The annotations of a node with this address between the nodes. */
export const overlayAnnotations = (backend: BackendName, identity: OverlayIdentity, address: string): StringMap => {
  if (backend === 'none') return {}
  const { address: addressName, data } = names[familyOf(address)]
  return {
    [typeName]: backend,
    [addressName]: address,
    [data]: JSON.stringify(dataOf(backend, identity)),
    [`${prefix}kube-subnet-manager`]: 'true',
  }
}

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
/** 32 bytes in base64. */
const keyPattern = /^[A-Za-z0-9+/]{43}=$/

const readData = (text: string | undefined): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    // Whatever it is, it tells us nothing.
    return {}
  }
}

const matching = (value: unknown, pattern: RegExp): string | undefined =>
  typeof value === 'string' && pattern.test(value) ? value : undefined

/** What a node has told, as far as it makes sense. */
export const readOverlayAnnotations = ({ metadata: { annotations = {} } }: Node, underlay: Family): ToldByNode => {
  const text = annotations[overwrite[underlay]] ?? annotations[names[underlay].address] ?? ''
  const address = parseAddress(text)
  const data = readData(annotations[names[underlay].data])
  const mac = typeof data['VtepMAC'] === 'string' ? data['VtepMAC'].toLowerCase() : undefined
  const vtepMac = matching(mac, macPattern)
  const publicKey = matching(data['PublicKey'], keyPattern)
  return {
    address: address?.family === underlay ? formatAddress(address) : undefined,
    ...(vtepMac === undefined ? {} : { vtepMac }),
    ...(publicKey === undefined ? {} : { publicKey }),
  }
}
