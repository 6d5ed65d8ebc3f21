/** `ip("10.0.0.1")` and `cidr("10.0.0.0/8")`. */
import type { Environment } from '@marcbachmann/cel-js'
import { addressOf, type IpAddress, isMappedAddress, parseAddress } from '../../../ip/address.ts'
import { type Cidr, cidrOf, contains, includes, parseMaskedCidr } from '../../../ip/cidr.ts'

class CelIp {
  readonly address: IpAddress

  constructor(address: IpAddress) {
    this.address = address
  }
}

class CelCidr {
  readonly cidr: Cidr
  /** As it was written: its address may be within. */
  readonly address: string

  constructor(cidr: Cidr, address: string) {
    this.cidr = cidr
    this.address = address
  }
}

const parseIp = (text: string): CelIp | undefined => {
  const address = isMappedAddress(text) ? undefined : parseAddress(text)
  return address && new CelIp(address)
}

const ipOf = (text: string): CelIp => {
  const found = parseIp(text)
  if (!found) throw new Error(`IP Address "${text.slice(0, 64)}" parse error during conversion from string`)
  return found
}

const parseRange = (text: string): CelCidr | undefined => {
  const cidr = parseMaskedCidr(text)
  return cidr && new CelCidr(cidr, text.split('/')[0] ?? '')
}

const cidrFrom = (text: string): CelCidr => {
  const found = parseRange(text)
  if (!found) throw new Error(`network address parse error during conversion from string: "${text.slice(0, 64)}"`)
  return found
}

const ranges = (...texts: readonly string[]): readonly Cidr[] => texts.map(cidrOf)
const unspecified = ranges('0.0.0.0/32', '::/128')
const loopback = ranges('127.0.0.0/8', '::1/128')
const linkLocalMulticast = ranges('224.0.0.0/24', 'ff02::/16')
const linkLocalUnicast = ranges('169.254.0.0/16', 'fe80::/10')
const multicast = ranges('224.0.0.0/4', 'ff00::/8')
const broadcast = ranges('255.255.255.255/32')

const within =
  (all: readonly Cidr[]) =>
  ({ address }: CelIp): boolean =>
    all.some((each) => contains(each, address))

const isGlobal = (ip: CelIp): boolean =>
  ![unspecified, loopback, linkLocalUnicast, multicast, broadcast].some((all) => within(all)(ip))

const isCanonical = (text: string): boolean => ipOf(text).address.text === text

const familyNumber = ({ family }: { readonly family: string }): bigint => (family === 'IPv4' ? 4n : 6n)

const ip = 'net.IP'
const cidr = 'net.CIDR'

/** `ip.isCanonical(…)` is a function of a namespace of the name of another function: the parser is given this name for it. */
export const canonicalName = 'ipIsCanonical'

export const addAddresses = (env: Environment): Environment =>
  env
    .registerType(ip, { ctor: CelIp, fields: {} })
    .registerType(cidr, { ctor: CelCidr, fields: {} })
    .registerFunction(`ip(string): ${ip}`, ipOf)
    .registerFunction('isIP(string): bool', (text: string) => parseIp(text) !== undefined)
    .registerFunction(`${canonicalName}(string): bool`, isCanonical)
    .registerFunction(`string(${ip}): string`, ({ address }: CelIp) => address.text)
    .registerFunction(`${ip}.family(): int`, ({ address }: CelIp) => familyNumber(address))
    .registerFunction(`${ip}.isUnspecified(): bool`, within(unspecified))
    .registerFunction(`${ip}.isLoopback(): bool`, within(loopback))
    .registerFunction(`${ip}.isLinkLocalMulticast(): bool`, within(linkLocalMulticast))
    .registerFunction(`${ip}.isLinkLocalUnicast(): bool`, within(linkLocalUnicast))
    .registerFunction(`${ip}.isGlobalUnicast(): bool`, isGlobal)
    .registerOperator(`${ip} == ${ip}`, (a: CelIp, b: CelIp) => a.address.text === b.address.text)
    .registerFunction(`cidr(string): ${cidr}`, cidrFrom)
    .registerFunction('isCIDR(string): bool', (text: string) => parseRange(text) !== undefined)
    .registerFunction(
      `string(${cidr}): string`,
      ({ cidr: { bits }, address }: CelCidr) => `${addressOf(address).text}/${bits}`,
    )
    .registerFunction(`${cidr}.ip(): ${ip}`, ({ address }: CelCidr) => ipOf(address))
    .registerFunction(`${cidr}.prefixLength(): int`, ({ cidr: { bits } }: CelCidr) => BigInt(bits))
    .registerFunction(`${cidr}.masked(): ${cidr}`, ({ cidr: own }: CelCidr) => cidrFrom(own.text))
    .registerFunction(`${cidr}.containsIP(${ip}): bool`, (own: CelCidr, { address }: CelIp) =>
      contains(own.cidr, address),
    )
    .registerFunction(`${cidr}.containsIP(string): bool`, (own: CelCidr, text: string) =>
      contains(own.cidr, ipOf(text).address),
    )
    .registerFunction(`${cidr}.containsCIDR(${cidr}): bool`, (own: CelCidr, other: CelCidr) =>
      includes(own.cidr, other.cidr),
    )
    .registerFunction(`${cidr}.containsCIDR(string): bool`, (own: CelCidr, text: string) =>
      includes(own.cidr, cidrFrom(text).cidr),
    )
    .registerOperator(`${cidr} == ${cidr}`, (a: CelCidr, b: CelCidr) => a.cidr.text === b.cidr.text)
