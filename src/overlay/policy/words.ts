/** Parts of rules, in the words of iptables-save. */

import type { Protocol } from '../../api/types/index.ts'
import { rangeMatch, type Side } from '../../host/netfilter/address-words.ts'
import { chainDigest } from '../../host/netfilter/owned.ts'
import {
  type Argument,
  always,
  comment,
  isComment,
  longestComment,
  mark,
  protocolWord,
  type Rule,
  type RuleProtocol,
  rule,
  toPorts,
} from '../../host/netfilter/rule.ts'
import type { Cidr } from '../../ip/cidr.ts'
import type { Direction, PolicyPort } from './model.ts'

/** One bit of the packet mark: "a policy allows this". Nobody else sees it: it is cleared before the packet goes on. */
const bit = 0x20000

export const allow = rule`-j MARK --set-xmark ${mark(bit)}`
export const forgetAllowed = rule`-j MARK --set-xmark ${mark(0, bit)}`
export const isAllowed = rule`-m mark --mark ${mark(bit)}`

/** A policy speaks of the other side: where it comes from, or where it goes. */
export const otherSide: Readonly<Record<Direction, Side>> = { ingress: '-s', egress: '-d' }
export const ownSide: Readonly<Record<Direction, Side>> = { ingress: '-d', egress: '-s' }

/** `-s 10.1.0.2/32`, for a range or an address. */
export const sideMatch = (side: Side, what: Argument): Rule => (side === '-s' ? rule`-s ${what}` : rule`-d ${what}`)

const protocols: Readonly<Record<Protocol, RuleProtocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' }

/** `-p tcp -m tcp --dport 80:90`; nothing for everything. */
export const portMatch = (port: Exclude<PolicyPort, { readonly name: string }> | undefined): Rule => {
  if (port === undefined) return always
  const protocol = protocols[port.protocol]
  return port.from === 0 ? rule`-p ${protocolWord(protocol)}` : toPorts(protocol, port.from, port.to)
}

export const blockMatch = (direction: Direction, cidr: Cidr): Rule => rangeMatch(otherSide[direction], cidr)

const digestLength = 16

/** What a rule says of the policy that it is made for: its key, or as much of it as a comment can hold, and a digest. */
export const labelOf = (policy: string): string =>
  isComment(policy)
    ? policy
    : `${policy.slice(0, longestComment - digestLength - 1).replaceAll(/[^ -~]/g, '?')}~${chainDigest(policy)}`

export const policyComment = (policy: string): Rule => comment(labelOf(policy))
