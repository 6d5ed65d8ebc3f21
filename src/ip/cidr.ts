/** Ranges of addresses: `10.1.0.0/24`. */
import {
  addressBits,
  addressNumber,
  addressNumbered,
  addressOf,
  addressWith,
  bitsPerDigit,
  familyOf,
  type IpAddress,
  type IpFamily,
  parseAddress,
} from './address.ts'

export interface Cidr {
  readonly family: IpFamily
  /** Of its first address: bits outside of the prefix are zero. */
  readonly digits: string
  /** The length of its prefix. */
  readonly bits: number
  /** The one way to write it, as the kernel's tools print it. */
  readonly text: string
}

/** The first `bits` bits of the digits, the rest zero. */
const masked = (digits: string, bits: number): string => {
  const whole = Math.floor(bits / bitsPerDigit)
  const mask = (0xf << (bitsPerDigit - (bits % bitsPerDigit))) & 0xf
  const partial = digits[whole] === undefined ? '' : (Number.parseInt(digits[whole], 16) & mask).toString(16)
  return (digits.slice(0, whole) + partial).padEnd(digits.length, '0')
}

const cidrAt = (digits: string, bits: number, family: IpFamily): Cidr => {
  const base = addressWith(masked(digits, bits), family)
  return { family, digits: base.digits, bits, text: `${base.text}/${bits}` }
}

const lengthPattern = /^(?:0|[1-9]\d{0,2})$/

interface Prefix {
  readonly address: IpAddress
  readonly bits: number
}

const parsePrefix = (text: string, family: IpFamily | undefined): Prefix | undefined => {
  const [addressText = '', length = '', ...more] = typeof text === 'string' ? text.split('/') : []
  const address = parseAddress(addressText, family)
  const bits = Number(length)
  if (!address || more.length > 0 || !lengthPattern.test(length) || bits > addressBits(address.family)) return undefined
  return { address, bits }
}

/** Undefined when the text is no range (of this family), or has bits outside of its prefix (`10.0.0.1/24`). */
export const parseCidr = (text: string, family?: IpFamily): Cidr | undefined => {
  const prefix = parsePrefix(text, family)
  const cidr = prefix && cidrAt(prefix.address.digits, prefix.bits, prefix.address.family)
  return cidr?.digits === prefix?.address.digits ? cidr : undefined
}

/** The range that an address with a length is in: `10.0.0.1/24` is `10.0.0.0/24`. Undefined for anything else. */
export const parseMaskedCidr = (text: string, family?: IpFamily): Cidr | undefined => {
  const prefix = parsePrefix(text, family)
  return prefix && cidrAt(prefix.address.digits, prefix.bits, prefix.address.family)
}

/** Throws for text that is no range. */
export const cidrOf = (text: string): Cidr => {
  const cidr = parseCidr(text)
  if (!cidr) throw new Error(`${JSON.stringify(text)} is not a network, such as 10.244.0.0/16 (without host bits)`)
  return cidr
}

/** Those of the texts that are ranges of this family; bits outside of the prefix are forgiven. */
export const cidrsIn = (texts: readonly string[], family: IpFamily): readonly Cidr[] =>
  texts.map((text) => parseMaskedCidr(text, family)).filter((range) => range !== undefined)

/** How many addresses it holds, the first and the last included. */
export const cidrSize = ({ family, bits }: Cidr): bigint => 1n << BigInt(addressBits(family) - bits)

/** Whether an address, or the first one of a range, lies in the range. */
export const contains = (cidr: Cidr, { family, digits }: Pick<IpAddress, 'family' | 'digits'>): boolean => {
  if (family !== cidr.family) return false
  const whole = cidr.bits >> 2
  for (let at = 0; at < whole; at++) if (cidr.digits.charCodeAt(at) !== digits.charCodeAt(at)) return false
  return cidr.bits % bitsPerDigit === 0 || masked(digits, cidr.bits) === cidr.digits
}

/** Of two ranges that overlap, one lies in the other. */
export const overlaps = (a: Cidr, b: Cidr): boolean => contains(a, b) || contains(b, a)

/** Whether all of `part` lies in `whole`. */
export const includes = (whole: Cidr, part: Cidr): boolean => whole.bits <= part.bits && contains(whole, part)

/** The n-th address of a range as text; 0 is its first. Throws when there are not so many. */
export const addressAt = (cidr: Cidr | string, n: number | bigint): string => {
  const range = typeof cidr === 'string' ? cidrOf(cidr) : cidr
  if (BigInt(n) < 0n || BigInt(n) >= cidrSize(range)) throw new Error(`${range.text} has no address number ${n}`)
  return addressNumbered(addressNumber(range) + BigInt(n), range.family).text
}

/** How many parts of this prefix length a range has. Throws when the length does not fit. */
export const subnetCount = (cidr: Cidr, bits: number): number => {
  if (bits < cidr.bits || bits > addressBits(cidr.family))
    throw new Error(`${cidr.text} cannot be split into parts of prefix length ${bits}`)
  return 2 ** (bits - cidr.bits)
}

/** The n-th part of a range, of a longer prefix length. Throws when there is none. */
export const subnetAt = (cidr: Cidr, bits: number, n: number): Cidr => {
  if (n < 0 || n >= subnetCount(cidr, bits))
    throw new Error(`${cidr.text} has no part number ${n} of prefix length ${bits}`)
  const shift = BigInt(addressBits(cidr.family) - bits)
  return cidrAt(addressNumbered(addressNumber(cidr) + (BigInt(n) << shift), cidr.family).digits, bits, cidr.family)
}

/** The range of this prefix length that an address is in, as text. Throws for text that is no address. */
export const networkOf = (address: string, bits: number): string => {
  const { digits, family } = addressOf(address)
  return cidrAt(digits, bits, family).text
}

/** A range of one address. */
export const hostCidr = (address: string): string => `${address}/${addressBits(familyOf(address))}`

/** A range of one address. */
export const hostRange = ({ digits, family }: IpAddress): Cidr => cidrAt(digits, addressBits(family), family)

/** A range, or an address as a range of one. Undefined for anything else; bits outside of the prefix are forgiven. */
export const parseAddressOrCidr = (text: string): Cidr | undefined =>
  parseMaskedCidr(text.includes('/') ? text : hostCidr(text))
