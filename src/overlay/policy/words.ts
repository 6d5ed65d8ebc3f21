/** Parts of rules, in the words of iptables-save. */
import { type Cidr, rangeMatch } from '../../host/netfilter/address.ts'
import type { IpFamily } from '../../host/netfilter/netfilter.ts'
import type { Direction, PolicyPort } from './model.ts'

/** One bit of the packet mark: "a policy allows this". Nobody else sees it: it is cleared before the packet goes on. */
const bit = '0x20000'

export const allow = `-j MARK --set-xmark ${bit}/${bit}`
export const forgetAllowed = `-j MARK --set-xmark 0x0/${bit}`
export const isAllowed = `-m mark --mark ${bit}/${bit}`

/** A policy speaks of the other side: where it comes from, or where it goes. */
export const otherSide: Readonly<Record<Direction, '-s' | '-d'>> = { ingress: '-s', egress: '-d' }
export const ownSide: Readonly<Record<Direction, '-s' | '-d'>> = { ingress: '-d', egress: '-s' }

/** `-p tcp -m tcp --dport 80:90 `; nothing for everything. */
export const portMatch = (port: Exclude<PolicyPort, { readonly name: string }> | undefined): string => {
  if (port === undefined) return ''
  const protocol = port.protocol.toLowerCase()
  if (port.from === 0) return `-p ${protocol} `
  const range = port.from === port.to ? `${port.from}` : `${port.from}:${port.to}`
  return `-p ${protocol} -m ${protocol} --dport ${range} `
}

export const blockMatch = (direction: Direction, cidr: Cidr): string => rangeMatch(otherSide[direction], cidr)

export const hostBits: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 }
