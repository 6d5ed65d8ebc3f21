/** The conditions of a rule, told from data alone: does this packet meet them? */

import { isIPv6, parseAddress } from '../../ip/address.ts'
import { contains, parseAddressOrCidr } from '../../ip/cidr.ts'
import { ruleWords } from './tables.ts'

/** A packet on its way, as the rules see it at one point. */
export interface PacketView {
  readonly from: string
  readonly to: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly sourcePort: number
  readonly port: number
  readonly mark: number
  /** Whether its destination was rewritten. */
  readonly translated: boolean
}

/** What the rules may ask of the machine they are on. */
export interface TraceHost {
  /** Addresses of the machine itself; loopback ones need not be named. */
  readonly addresses: readonly string[]
}

/** `either`: it hangs on something that the rules do not tell, such as a counter or who came before. */
export type Answer = boolean | 'either'

interface Condition {
  readonly flag: string
  readonly value: string
  readonly negated: boolean
}

/** A rule taken apart. `target` is missing for one that only counts. */
export interface ParsedRule {
  readonly text: string
  readonly conditions: readonly Condition[]
  readonly target: string | undefined
  /** `-g`: the target's end is the end of this chain too. */
  readonly leaves: boolean
  /** The words after the target. */
  readonly options: readonly string[]
}

const modules = new Set('tcp udp sctp icmp6 comment addrtype conntrack mark statistic recent'.split(' '))
/** How many words follow a flag; one, for all that are not here. */
const arity = new Map(Object.entries({ '--rcheck': 0, '--set': 0, '--reap': 0, '--rsource': 0, '--tcp-flags': 2 }))

/** Takes a rule apart. Throws on a match module it does not know: a guess would be worse than no answer. */
export const parseRule = (text: string): ParsedRule => {
  const words = ruleWords(text)
  const conditions: Condition[] = []
  let negated = false
  for (let at = 0; at < words.length; at++) {
    const flag = words[at] ?? ''
    if (flag === '-j' || flag === '-g')
      return { text, conditions, target: words[at + 1], leaves: flag === '-g', options: words.slice(at + 2) }
    if (flag === '!') {
      negated = true
      continue
    }
    const last = at + (arity.get(flag) ?? 1)
    const value = words.slice(at + 1, last + 1).join(' ')
    at = last
    if (flag !== '-m') conditions.push({ flag, value, negated })
    else if (!modules.has(value)) throw new Error(`cannot trace the match "${value}" in: ${text}`)
    negated = false
  }
  return { text, conditions, target: undefined, leaves: false, options: [] }
}

const isWithin = (address: string, range: string): boolean => {
  // Most rules name one address, and an IPv4 address has one way to be written.
  if (range.endsWith('/32') && !isIPv6(range)) return address === range.slice(0, -3)
  const cidr = parseAddressOrCidr(range)
  const parsed = parseAddress(address)
  if (!cidr || !parsed) throw new Error(`cannot trace the address ${cidr ? address : range}`)
  return contains(cidr, parsed)
}

const isLocal = (address: string, host: TraceHost): boolean =>
  isWithin(address, '127.0.0.0/8') || address === '::1' || host.addresses.includes(address)

const isPortWithin = (port: number, range: string): boolean => {
  const [first = '', last = first] = range.split(':')
  return port >= Number(first) && port <= Number(last)
}

/** Only first packets of connections meet the rules here. */
const hasState = (packet: PacketView, states: string): boolean =>
  states.split(',').some((state) => state === 'NEW' || (state === 'DNAT' && packet.translated))

/** Of the flags that are looked at, the first packet of a connection bears SYN and no other. */
const hasFlags = (looked: string, set: string): boolean =>
  looked.split(',').every((flag) => (flag === 'SYN') === set.split(',').includes(flag))

const hasMark = (mark: number, wanted: string): boolean => {
  const [value = '', mask = '0xffffffff'] = wanted.split('/')
  return (mark & Number(mask)) >>> 0 === Number(value)
}

type Test = (packet: PacketView, value: string, host: TraceHost) => Answer

const always: Test = () => true
const onlyLocal = (value: string): void => {
  if (value !== 'LOCAL') throw new Error(`cannot trace the address type ${value}`)
}

const tests: Readonly<Record<string, Test>> = {
  '-s': (packet, value) => isWithin(packet.from, value),
  '-d': (packet, value) => isWithin(packet.to, value),
  '-p': (packet, value) => packet.protocol === value,
  '--sport': (packet, value) => isPortWithin(packet.sourcePort, value),
  '--dport': (packet, value) => isPortWithin(packet.port, value),
  '--src-type': (packet, value, host) => {
    onlyLocal(value)
    return isLocal(packet.from, host)
  },
  '--dst-type': (packet, value, host) => {
    onlyLocal(value)
    return isLocal(packet.to, host)
  },
  '--ctstate': (packet, value) => hasState(packet, value),
  '--mark': (packet, value) => hasMark(packet.mark, value),
  '--tcp-flags': (packet, value) => {
    const [looked = '', set = ''] = value.split(' ')
    return packet.protocol === 'tcp' && hasFlags(looked, set)
  },
  '--comment': always,
  '--mode': () => 'either',
  '--every': always,
  '--packet': always,
  '--probability': always,
  '--rcheck': () => 'either',
  '--set': always,
  '--seconds': always,
  '--reap': always,
  '--name': always,
  '--mask': always,
  '--rsource': always,
}

const negate = (answer: Answer): Answer => (answer === 'either' ? answer : !answer)

/** Whether the packet meets all conditions of the rule. Throws on a condition it does not know. */
export const meets = (rule: ParsedRule, packet: PacketView, host: TraceHost): Answer => {
  let result: Answer = true
  for (const { flag, value, negated } of rule.conditions) {
    const test = Object.hasOwn(tests, flag) ? tests[flag] : undefined
    if (!test) throw new Error(`cannot trace the condition ${flag} in: ${rule.text}`)
    const answer = test(packet, value, host)
    const held = negated ? negate(answer) : answer
    if (held === false) return false
    if (held === 'either') result = held
  }
  return result
}

/** Whether the machine itself is the destination. */
export const isForHost = (packet: PacketView, host: TraceHost): boolean => isLocal(packet.to, host)
