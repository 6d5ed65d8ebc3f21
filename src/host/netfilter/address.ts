/**
 * Addresses as hexadecimal digits, eight for IPv4 and 32 for IPv6, so that a prefix of an address is a prefix of a
 * string; and their text as the kernel's tools print it, so that rules compare equal to what iptables-save says.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { IpFamily } from './netfilter.ts'
import { type Argument, always, argument, count, type Rule, rule } from './rule.ts'

declare const addressBrand: unique symbol

/** An address as the kernel's tools print it. */
export type Address = Argument & { readonly [addressBrand]: true }

const bitsPerDigit = 4

/** How many digits an address has. */
export const digitCount = (family: IpFamily): number => (family === 'IPv4' ? 8 : 32)

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0')

const bytes: readonly string[] = Array.from({ length: 256 }, (_, value) => hex(value, 2))

const digitsOf4 = (address: string): string => {
  const [a, b, c, d] = address.split('.')
  return `${bytes[Number(a)]}${bytes[Number(b)]}${bytes[Number(c)]}${bytes[Number(d)]}`
}

const groupsOf = (half: string): readonly string[] => (half === '' ? [] : half.split(':'))

/** Written without an embedded IPv4 address, which `parseAddress` refuses. */
const digitsOf6 = (address: string): string => {
  const [head = '', tail] = address.split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].map((group) => hex(Number.parseInt(group, 16), 4)).join('')
}

/**
 * The digits of an address of this family; undefined for anything else, and for IPv6 addresses that hold an IPv4 one
 * or a zone, which no Service or endpoint may have.
 */
export const parseAddress = (text: string, family: IpFamily): string | undefined => {
  if (typeof text !== 'string') return undefined
  if (family === 'IPv4') return isIPv4(text) ? digitsOf4(text) : undefined
  return isIPv6(text) && !/[.%]/.test(text) ? digitsOf6(text) : undefined
}

/** Text that was checked, or made, by this file. */
const addressWord = (text: string): Address => argument(text) as Address

/** RFC 5952: the longest run of zero groups, the first of equals, becomes `::`. */
const formatGroups = (groups: readonly string[]): string => {
  let best = { at: 0, length: 1 }
  for (let at = 0; at < groups.length; at++) {
    let length = 0
    while (groups[at + length] === '0') length++
    if (length > best.length) best = { at, length }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`
}

/** The address with these digits; missing ones at the end count as zero. */
export const formatAddress = (digits: string, family: IpFamily): Address => addressWord(textOf(digits, family))

const textOf = (digits: string, family: IpFamily): string => {
  const groups = digits.padEnd(digitCount(family), '0').match(family === 'IPv4' ? /../g : /..../g) ?? []
  const values = groups.map((group) => Number.parseInt(group, 16))
  return family === 'IPv4' ? values.join('.') : formatGroups(values.map((value) => hex(value, 1)))
}

/** The one way to write an address of this family; undefined for what is none. */
export const canonicalAddress = (text: string, family: IpFamily): Address | undefined => {
  // isIPv4 takes an address only when it is written the one way there is.
  if (family === 'IPv4') return typeof text === 'string' && isIPv4(text) ? addressWord(text) : undefined
  const digits = parseAddress(text, family)
  return digits === undefined ? undefined : formatAddress(digits, family)
}

/** `10.96.0.0/12` for `0a6`: all addresses that start with the digits. */
export const formatPrefix = (digits: string, family: IpFamily): Argument =>
  argument(`${textOf(digits, family)}/${digits.length * bitsPerDigit}`)

/** An address range. `bits` is its prefix length. */
export interface Cidr {
  readonly digits: string
  readonly bits: number
  /** Without bits set outside the prefix, as iptables prints it. */
  readonly text: Argument
}

/** The first `bits` bits of the digits, the rest zero. */
const masked = (digits: string, bits: number): string => {
  const whole = Math.floor(bits / bitsPerDigit)
  const mask = (0xf << (bitsPerDigit - (bits % bitsPerDigit))) & 0xf
  const partial = digits[whole] === undefined ? '' : hex(Number.parseInt(digits[whole], 16) & mask, 1)
  return (digits.slice(0, whole) + partial).padEnd(digits.length, '0')
}

/** A range of this family, `address/bits`; undefined for anything else. */
export const parseCidr = (text: string, family: IpFamily): Cidr | undefined => {
  const [address = '', length = '', ...rest] = typeof text === 'string' ? text.split('/') : []
  const digits = parseAddress(address, family)
  const bits = Number(length)
  const isLength = /^\d{1,3}$/.test(length) && bits <= digitCount(family) * bitsPerDigit
  if (digits === undefined || !isLength || rest.length > 0) return undefined
  const base = masked(digits, bits)
  return { digits: base, bits, text: argument(`${textOf(base, family)}/${bits}`) }
}

/** Those of the texts that are ranges of this family. */
export const parseCidrs = (texts: readonly string[], family: IpFamily): readonly Cidr[] =>
  texts.map((text) => parseCidr(text, family)).filter((range) => range !== undefined)

/** Whether the address (as digits) lies in the range. */
export const isWithin = (digits: string, range: Cidr): boolean => masked(digits, range.bits) === range.digits

export type Side = '-s' | '-d'

/** `-s 10.1.0.0/24`, or nothing for a range that is everything: iptables does not print those. */
export const rangeMatch = (side: Side, { bits, text }: Cidr): Rule =>
  bits === 0 ? always : side === '-s' ? rule`-s ${text}` : rule`-d ${text}`

/** One address as a range: `10.1.0.2/32`. */
export const hostRange = (address: Address, family: IpFamily): Argument =>
  argument(`${address}/${digitCount(family) * bitsPerDigit}`)

/** Where a connection is sent: `10.1.0.2:8080`, `[fd00::2]:8080`. */
export const destination = (address: Address, port: number, family: IpFamily): Argument =>
  argument(`${family === 'IPv4' ? address : `[${address}]`}:${count(port, 1, 65_535)}`)
