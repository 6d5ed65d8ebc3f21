/** The annotations in which nodes tell each other their ends of the pod network: those that flannel writes and reads. */
import { GoJsonError, type GoValue, goString, goStruct, readGoJson } from './go-json.ts'
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

/** What flannel's backends write, each its own part of it. */
const backendData = goStruct('open', { VtepMAC: goString, PublicKey: goString })

const readData = (text: string): GoValue<typeof backendData> => {
  try {
    return readGoJson(text, backendData)
  } catch (error) {
    // Whatever it is, it tells us nothing.
    if (error instanceof GoJsonError) return backendData.zero
    throw error
  }
}

const matching = (text: string, pattern: RegExp): string | undefined => (pattern.test(text) ? text : undefined)

/** What a node has told of its end, as far as it makes sense. */
export const readTunnelEnd = (
  { metadata: { annotations = {} } }: Pick<Node, 'metadata'>,
  family: keyof typeof flannelNames,
): TunnelEnd => {
  const { VtepMAC, PublicKey } = readData(annotations[flannelNames[family].data] ?? 'null')
  const vtepMac = matching(VtepMAC.toLowerCase(), macPattern)
  const publicKey = matching(PublicKey, keyPattern)
  return { ...(vtepMac === undefined ? {} : { vtepMac }), ...(publicKey === undefined ? {} : { publicKey }) }
}
