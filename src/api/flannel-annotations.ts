/** The annotations in which nodes tell each other their ends of the pod network: those that flannel writes and reads. */
import type { Node } from './types/index.ts'

const prefix = 'flannel.alpha.coreos.com/'

export const flannelTypeName = `${prefix}backend-type`
export const flannelManagerName = `${prefix}kube-subnet-manager`

/** By the family of the network between the nodes; `overwrite` goes before `address`. */
export const flannelNames = {
  IPv4: {
    address: `${prefix}public-ip`,
    overwrite: `${prefix}public-ip-overwrite`,
    data: `${prefix}backend-data`,
  },
  IPv6: {
    address: `${prefix}public-ipv6`,
    overwrite: `${prefix}public-ipv6-overwrite`,
    data: `${prefix}backend-v6-data`,
  },
} as const

/** What the end of a tunnel is known by. */
export interface TunnelEnd {
  /** In small letters. */
  readonly vtepMac?: string
  /** A WireGuard key in base64. */
  readonly publicKey?: string
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

/** What a node has told of its end, as far as it makes sense. */
export const readTunnelEnd = (
  { metadata: { annotations = {} } }: Pick<Node, 'metadata'>,
  family: keyof typeof flannelNames,
): TunnelEnd => {
  const data = readData(annotations[flannelNames[family].data])
  const mac = typeof data['VtepMAC'] === 'string' ? data['VtepMAC'].toLowerCase() : undefined
  const vtepMac = matching(mac, macPattern)
  const publicKey = matching(data['PublicKey'], keyPattern)
  return { ...(vtepMac === undefined ? {} : { vtepMac }), ...(publicKey === undefined ? {} : { publicKey }) }
}
