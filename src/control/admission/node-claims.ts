/** What a Node says that others send its traffic by: addresses and ends of tunnels. Pure. */

import { flannelNames, readTunnelEnd } from '../../api/flannel-annotations.ts'
import type { Node } from '../../api/types/index.ts'
import { type IpAddress, parseAddress } from '../../ip/address.ts'
import { contains, parseCidr } from '../../ip/cidr.ts'

/** What no node may have for an address of its own. */
export interface ClusterNetworks {
  readonly serviceCIDRs: readonly string[]
  readonly podCIDRs: readonly string[]
  /** Where the control plane is reached. */
  readonly controlAddresses: readonly string[]
  /** The node that runs on the control plane's machine, and shares its addresses. */
  readonly localNode: string | undefined
}

const families = ['IPv4', 'IPv6'] as const
const addressTypes = ['InternalIP', 'ExternalIP']

const addressTexts = ({ metadata: { annotations = {} }, status }: Node): readonly string[] => [
  ...(status?.addresses ?? []).filter(({ type }) => addressTypes.includes(type)).map(({ address }) => address),
  ...families.flatMap((family) => {
    const { address, overwrite } = flannelNames[family]
    return [annotations[address] ?? [], annotations[overwrite] ?? []].flat()
  }),
]

/** `10.0.0.1` and its like in canonical form; `tunnel end …` for what is none. */
const claimsOf = (node: Node): ReadonlySet<string> =>
  new Set([
    ...addressTexts(node).map((text) => {
      const address = parseAddress(text)
      return address ? address.text : text
    }),
    ...families.flatMap((family) => {
      const { vtepMac, publicKey } = readTunnelEnd(node, family)
      return [vtepMac ?? [], publicKey ?? []].flat().map((end) => `tunnel end ${end}`)
    }),
  ])

const special = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/128', '::1/128', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'],
]

const rangeOf = (address: IpAddress, cidrs: readonly string[]): string | undefined =>
  cidrs.find((text) => {
    const cidr = parseCidr(text)
    return cidr !== undefined && contains(cidr, address)
  })

/** Why an address cannot be this node's; undefined when it can. */
export const wrongAddress = (text: string, nodeName: string, networks: ClusterNetworks): string | undefined => {
  const address = parseAddress(text)
  if (!address) return 'is not an IP address'
  const range = rangeOf(address, special)
  if (range !== undefined) return `is in ${range}, which is no node's`
  const service = rangeOf(address, networks.serviceCIDRs)
  if (service !== undefined) return `is in the Service range ${service}`
  const pod = rangeOf(address, networks.podCIDRs)
  if (pod !== undefined) return `is in the pod range ${pod}`
  const isControl = networks.controlAddresses.includes(address.text)
  return isControl && networks.localNode !== nodeName
    ? `is the control plane's (a node on its machine is named by podway control --local-node ${nodeName})`
    : undefined
}

/** What is wrong with the claims that `node` makes anew; undefined for nothing. Other nodes count while they exist. */
export const wrongClaim = (
  node: Node,
  old: Node | undefined,
  others: Iterable<Node>,
  networks: ClusterNetworks,
): string | undefined => {
  const { name } = node.metadata
  const before = old ? claimsOf(old) : new Set()
  const fresh = [...claimsOf(node)].filter((claim) => !before.has(claim))
  if (fresh.length === 0) return undefined
  for (const claim of fresh) {
    const wrong = claim.startsWith('tunnel end ') ? undefined : wrongAddress(claim, name, networks)
    if (wrong !== undefined) return `the address ${claim} ${wrong}`
  }
  for (const other of others) {
    if (other.metadata.name === name) continue
    const claims = claimsOf(other)
    const taken = fresh.find((claim) => claims.has(claim))
    if (taken !== undefined)
      return `${taken} is that of node "${other.metadata.name}"; if that node is gone, delete it: kubectl delete node ${other.metadata.name}`
  }
  return undefined
}
