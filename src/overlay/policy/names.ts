/** The names of network policies' chains, all of table mangle. */
import { chainDigest } from '../../host/netfilter/owned.ts'
import { type ChainName, chainName } from '../../host/netfilter/rule.ts'
import type { Direction } from './model.ts'

export const policyChains = {
  /** What is forwarded: from this node's pods, to them, or both. */
  forward: chainName('PODWAY-POLICY'),
  /** What this node's pods send to the node itself. */
  input: chainName('PODWAY-POLICY-HOST'),
  /** By the address of the pod that sends. */
  egress: chainName('PODWAY-NP-EGRESS'),
  /** By the address of the pod that receives. */
  ingress: chainName('PODWAY-NP-INGRESS'),
} as const

/**
 * A group: all policies that apply to a pod (G); the many addresses of a peer (S), a block with exceptions (B); a branch of a
 * tree of addresses (T).
 */
export type ChainKind = 'G' | 'S' | 'B' | 'T'

const fixed: ReadonlySet<string> = new Set<string>(Object.values(policyChains))

export const isFixedPolicyChain = (name: string): boolean => fixed.has(name)

/** True for the chains of network policies. */
export const isPolicyChain = (name: string): boolean => fixed.has(name) || /^PODWAY-NP[A-Z]-/.test(name)

const letters: Readonly<Record<Direction, string>> = { ingress: 'I', egress: 'E' }

/** A chain for a direction; the same parts make the same name on every node and restart. */
export const policyChain = (kind: ChainKind, direction: Direction, ...parts: readonly string[]): ChainName =>
  chainName(`PODWAY-NP${kind}-${letters[direction]}${chainDigest(parts.join('\n')).slice(1)}`)

/** Of a chain that asks policies; undefined for any other. */
export const directionOf = (chain: string): Direction | undefined => {
  const letter = /^PODWAY-NP[GT]-([IE])/.exec(chain)?.[1]
  return letter === 'I' ? 'ingress' : letter === 'E' ? 'egress' : undefined
}
