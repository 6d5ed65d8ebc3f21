/** What the policies say of one connection, told from the objects alone: the meaning that the chains must have. Pure. */

import type { Protocol, StringMap } from '../../api/types/index.ts'
import { parseAddress } from '../../ip/address.ts'
import { contains } from '../../ip/cidr.ts'
import type { Direction, Policy, PolicyPeer, PolicyPort, PolicyRule } from './model.ts'
import type { PolicyPod } from './pod.ts'

/** A cluster as policies see it. */
export interface PolicyWorld {
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PolicyPod>
  readonly namespaces: ReadonlyMap<string, StringMap>
  readonly policies: readonly Policy[]
}

/** One end of a connection: an address, and the pod that has it. */
export interface End {
  readonly address: string
  readonly pod: PolicyPod | undefined
}

export interface Connection {
  readonly from: End
  /** After translation: a pod, not a Service. */
  readonly to: End
  /** Undefined: one without ports, such as ICMP, which no rule with ports allows. */
  readonly protocol: Protocol | undefined
  readonly port: number
}

export interface DirectionVerdict {
  readonly direction: Direction
  readonly isAllowed: boolean
  /** The policies that apply to the pod; without any, everything is allowed. */
  readonly policies: readonly string[]
  /** The rules that allow it, as `default/web spec.ingress[0]`. */
  readonly rules: readonly string[]
}

const isPortMeant = (port: PolicyPort, { protocol, port: number, to }: Connection): boolean => {
  if (port.protocol !== protocol) return false
  if (!('name' in port)) return port.from === 0 || (number >= port.from && number <= port.to)
  return (to.pod?.ports ?? []).some((own) => own.name === port.name && own.protocol === protocol && own.port === number)
}

const isPeerMeant = (peer: PolicyPeer, { address, pod }: End, { namespaces }: PolicyWorld): boolean => {
  if (peer.kind === 'block') {
    const parsed = parseAddress(address, peer.family)
    return parsed !== undefined && contains(peer.cidr, parsed) && !peer.except.some((part) => contains(part, parsed))
  }
  if (!pod?.addresses.includes(address)) return false
  const isThere =
    peer.namespace === undefined ? peer.inNamespace(namespaces.get(pod.namespace)) : peer.namespace === pod.namespace
  return isThere && peer.matches(pod.labels)
}

/** A block is about addresses, and addresses have no named ports. */
const fit = (port: PolicyPort | undefined, peer: PolicyPeer | undefined): boolean =>
  !(port && 'name' in port && peer?.kind === 'block')

const allows = (rule: PolicyRule, direction: Direction, connection: Connection, world: PolicyWorld): boolean => {
  const ports: readonly (PolicyPort | undefined)[] = rule.ports ?? [undefined]
  const peers: readonly (PolicyPeer | undefined)[] = rule.peers ?? [undefined]
  const other = direction === 'ingress' ? connection.from : connection.to
  return ports.some(
    (port) =>
      (port === undefined || isPortMeant(port, connection)) &&
      peers.some(
        (peer) =>
          (peer === undefined || isPeerMeant(peer, other, world)) && (direction === 'ingress' || fit(port, peer)),
      ),
  )
}

const judge = (direction: Direction, connection: Connection, world: PolicyWorld): DirectionVerdict => {
  const own = direction === 'ingress' ? connection.to : connection.from
  const { pod } = own
  const applying = world.policies.filter(
    (policy) =>
      policy[direction] !== undefined &&
      pod?.addresses.includes(own.address) &&
      policy.namespace === pod.namespace &&
      policy.selects(pod.labels),
  )
  const rules = applying.flatMap((policy) =>
    (policy[direction] ?? []).flatMap((rule, at) =>
      allows(rule, direction, connection, world) ? [`${policy.key} spec.${direction}[${at}]`] : [],
    ),
  )
  return {
    direction,
    isAllowed: applying.length === 0 || rules.length > 0,
    policies: applying.map(({ key }) => key).sort(),
    rules,
  }
}

/** Both directions have to allow it: what the sender may send, and what the receiver may receive. */
export const evaluate = (connection: Connection, world: PolicyWorld): readonly DirectionVerdict[] => [
  judge('egress', connection, world),
  judge('ingress', connection, world),
]
