/** The names of this room's chains: at most 28 characters, the same for the same thing on every node and restart. */
import { chainDigest } from '../../host/netfilter/owned.ts'
import { type ChainName, chainName } from '../../host/netfilter/rule.ts'

/** Chains that are always there. */
export const fixedChains = {
  /** nat: every new connection; by destination to its Service. */
  services: chainName('PODWAY-SERVICES'),
  /** nat: by port, for connections to an address of the node. */
  nodePorts: chainName('PODWAY-NODEPORTS'),
  /** nat: marks connections to a cluster address that come from anywhere but this node's pods. */
  foreign: chainName('PODWAY-FOREIGN'),
  postrouting: chainName('PODWAY-POSTROUTING'),
  /** nat: pods that reach themselves through a Service. */
  hairpin: chainName('PODWAY-HAIRPIN'),
  /** filter: Services that have nowhere to send a connection. */
  refuse: chainName('PODWAY-REFUSE'),
  refuseNodePorts: chainName('PODWAY-REFUSE-PORTS'),
  /** filter: what must never be forwarded. */
  guard: chainName('PODWAY-GUARD'),
  /** filter: what a Service sent on its way. */
  accept: chainName('PODWAY-ACCEPT'),
  /** filter: keeps outsiders from addresses in 127.0.0.0/8; only with localhost NodePorts. */
  localnet: chainName('PODWAY-LOCALNET'),
} as const

/**
 * The families of generated chains: dispatch by address (IP, and HP for hairpin) and port (PORT); a service port's
 * endpoints with policy Cluster (SVC) and Local (SVL), its way in from outside (EXT), a group of many endpoints (GRP),
 * an endpoint with affinity (SEP).
 */
export type ChainFamily = 'IP' | 'HP' | 'PORT' | 'SVC' | 'SVL' | 'EXT' | 'GRP' | 'SEP'

const families: readonly ChainFamily[] = ['IP', 'HP', 'PORT', 'SVC', 'SVL', 'EXT', 'GRP', 'SEP']
const fixed: ReadonlySet<string> = new Set<string>(Object.values(fixedChains))
const generated = new RegExp(`^PODWAY-(${families.join('|')})-.`)

/** True for the chains that are there whatever Services there are. */
export const isFixedChain = (name: string): boolean => fixed.has(name)

/** True for the chains of this room, whatever version of it made them; false for other rooms' and strangers'. */
export const isProxyChain = (name: string): boolean => isFixedChain(name) || generated.test(name)

/** A chain whose name is too long to be spelled out. */
export const hashedChain = (family: ChainFamily, ...parts: readonly string[]): ChainName =>
  chainName(`PODWAY-${family}-${chainDigest(parts.join(' '))}`)

/** A chain that is named for what leads to it: `PODWAY-IP-10.96.1.0/24`. */
export const spelledChain = (family: ChainFamily, what: string): ChainName => chainName(`PODWAY-${family}-${what}`)
