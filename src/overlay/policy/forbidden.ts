/** Conversations that network policies forbid, among those that the kernel goes on carrying. Pure. */

import type { Protocol, StringMap } from '../../api/types/index.ts'
import type { Conversation } from '../../host/conntrack/conversations.ts'
import { canonicalAddress, type IpFamily } from '../../ip/address.ts'
import { type End, evaluate } from './evaluate.ts'
import type { Policy } from './model.ts'
import type { PolicyPod } from './pod.ts'

export interface PolicySituation {
  readonly family: IpFamily
  readonly nodeName: string
  /** This node's own addresses: what it sends to its pods no policy forbids. */
  readonly ownAddresses: ReadonlySet<string>
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PolicyPod>
  readonly namespaces: ReadonlyMap<string, StringMap>
  readonly policies: readonly Policy[]
}

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
])

/** Pods by their addresses, as the kernel writes those. */
const endsOf = ({ pods, family }: PolicySituation): ReadonlyMap<string, End & { readonly key: string }> => {
  const ends = new Map<string, End & { readonly key: string }>()
  for (const [key, pod] of pods)
    for (const address of pod.addresses) {
      const written = canonicalAddress(address, family)
      if (written !== undefined) ends.set(written, { address, pod, key })
    }
  return ends
}

/** The policies that select a pod, looked for once. */
const createSelection = (policies: readonly Policy[]): ((pod: PolicyPod) => readonly Policy[]) => {
  const perNamespace = Map.groupBy(policies, ({ namespace }) => namespace)
  const known = new Map<PolicyPod, readonly Policy[]>()
  return (pod) => {
    const found = known.get(pod) ?? (perNamespace.get(pod.namespace) ?? []).filter(({ selects }) => selects(pod.labels))
    known.set(pod, found)
    return found
  }
}

/**
 * Whether the policies of this node's pods forbid a conversation. Only what a pod that `isAsked` (by key) is in is judged;
 * everybody else's is left alone.
 */
export const createJudge = (
  situation: PolicySituation,
  isAsked: (pod: string) => boolean,
): ((one: Conversation) => boolean) => {
  const { nodeName, ownAddresses, pods, namespaces } = situation
  const ends = endsOf(situation)
  const selecting = createSelection(situation.policies)
  return ({ protocol, source, destination, port = 0 }) => {
    const from = ends.get(source) ?? { address: source, pod: undefined, key: undefined }
    const to = ends.get(destination) ?? { address: destination, pod: undefined, key: undefined }
    const here = [from, to].filter(({ pod }) => pod?.node === nodeName)
    if (ownAddresses.has(source) || !here.some(({ key }) => key !== undefined && isAsked(key))) return false
    const connection = { from, to, protocol: protocols.get(protocol), port }
    const policies = here.flatMap(({ pod }) => (pod ? selecting(pod) : []))
    return evaluate(connection, { pods, namespaces, policies }).some(
      // The other node decides about its own pod.
      ({ direction, isAllowed }) => !isAllowed && here.includes(direction === 'egress' ? from : to),
    )
  }
}
