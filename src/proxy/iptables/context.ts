/** What rules depend on besides Services: the node's place in the cluster and the operator's choices. */

import { type Argument, mark, type Rule, rule } from '../../host/netfilter/rule.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { Cidr } from '../../ip/cidr.ts'

export interface RuleContext {
  readonly family: IpFamily
  /** Where this node's pods live; empty when unknown: then no source is foreign. */
  readonly podRanges: readonly Cidr[]
  /** What only cluster addresses are in; one that is in none of these is looked after by itself. */
  readonly serviceRanges: readonly Cidr[]
  /** The bit of the packet mark that stands for "masquerade this". */
  readonly masqueradeMark: number
  /** Masquerade connections to cluster addresses whoever makes them. */
  readonly masqueradeAll: boolean
  /** Node ports answer at the node's addresses within these ranges only; undefined for all but loopback. */
  readonly nodePortRanges: readonly Cidr[] | undefined
  /** Node ports answer at 127.0.0.1 too; needs the sysctl route_localnet. IPv4 only. */
  readonly localhostNodePorts: boolean
  /** Drop forwarded packets that belong to no known connection; a kernel that is liberal about TCP wants them. */
  readonly dropInvalid: boolean
}

/** `0x4000/0x4000`: the bit is set. */
export const masqueradeBit = ({ masqueradeMark }: RuleContext): Argument => mark(masqueradeMark)

/** The target that asks for masquerade and lets the packet go on. */
export const askForMasquerade = (context: RuleContext): Rule => rule`-j MARK --set-xmark ${masqueradeBit(context)}`

/** The target that flips the bit back. */
export const unmark = ({ masqueradeMark }: RuleContext): Rule => rule`-j MARK --set-xmark ${mark(masqueradeMark, 0)}`
