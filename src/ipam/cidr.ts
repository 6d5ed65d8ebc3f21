/** Addresses and prefixes of both IP families, as numbers. Text is read strictly and written canonically (RFC 5952). */

export type Family = 'IPv4' | 'IPv6'

export interface Address {
  readonly family: Family
  readonly value: bigint
}

export interface Cidr {
  readonly family: Family
  /** The network's first address; host bits are zero. */
  readonly base: bigint
  readonly prefixLength: number
}

const width: Readonly<Record<Family, number>> = { IPv4: 32, IPv6: 128 }

const octet = /^(0|[1-9]\d{0,2})$/
const hextet = /^[0-9a-fA-F]{1,4}$/

const parseIPv4 = (text: string): bigint | undefined => {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => octet.test(part) && Number(part) < 256)) return undefined
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n)
}

/** The last two groups may be written as an IPv4 address: `::ffff:10.0.0.1`. */
const expandTail = (text: string): string | undefined => {
  const at = text.lastIndexOf(':')
  if (!text.includes('.')) return text
  const tail = parseIPv4(text.slice(at + 1))
  return tail === undefined
    ? undefined
    : `${text.slice(0, at + 1)}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
}

const parseIPv6 = (text: string): bigint | undefined => {
  const plain = expandTail(text)
  if (plain === undefined) return undefined
  const [head = '', tail, ...more] = plain.split('::')
  if (more.length > 0) return undefined
  const groups = (side: string | undefined): string[] => (side ? side.split(':') : [])
  const left = groups(head)
  const right = groups(tail)
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const all = [...left, ...Array<string>(tail === undefined ? 0 : missing).fill('0'), ...right]
  if (!all.every((group) => hextet.test(group))) return undefined
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}

/** Undefined when the text is no address: leading zeros, zones and spaces are refused. */
export const parseAddress = (text: string): Address | undefined => {
  const family = text.includes(':') ? 'IPv6' : 'IPv4'
  const value = family === 'IPv6' ? parseIPv6(text) : parseIPv4(text)
  return value === undefined ? undefined : { family, value }
}

/** Throws for text that is no address. */
export const addressOf = (text: string): Address => {
  const address = parseAddress(text)
  if (!address) throw new Error(`${JSON.stringify(text)} is not an IP address`)
  return address
}

const formatIPv4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')

/** The longest run of two or more zero groups becomes `::`; of equals, the first. */
const formatIPv6 = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16))
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`
}

export const formatAddress = ({ family, value }: Address): string =>
  family === 'IPv4' ? formatIPv4(value) : formatIPv6(value)

const hostMask = (family: Family, prefixLength: number): bigint => (1n << BigInt(width[family] - prefixLength)) - 1n

/** Undefined when the text is no prefix, or has host bits set (`10.0.0.1/24`). */
export const parseCidr = (text: string): Cidr | undefined => {
  const [addressText = '', lengthText = '', ...more] = text.split('/')
  const address = parseAddress(addressText)
  if (!address || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined
  const prefixLength = Number(lengthText)
  if (prefixLength > width[address.family]) return undefined
  const { family, value } = address
  return (value & hostMask(family, prefixLength)) === 0n ? { family, base: value, prefixLength } : undefined
}

/** Throws for text that is no prefix. */
export const cidrOf = (text: string): Cidr => {
  const cidr = parseCidr(text)
  if (!cidr) throw new Error(`${JSON.stringify(text)} is not a network, such as 10.244.0.0/16 (without host bits)`)
  return cidr
}

export const formatCidr = ({ family, base, prefixLength }: Cidr): string =>
  `${formatAddress({ family, value: base })}/${prefixLength}`

/** How many addresses it holds, the first and the last included. */
export const cidrSize = ({ family, prefixLength }: Cidr): bigint => hostMask(family, prefixLength) + 1n

export const contains = (cidr: Cidr, address: Address): boolean =>
  cidr.family === address.family && address.value >= cidr.base && address.value < cidr.base + cidrSize(cidr)

export const overlaps = (a: Cidr, b: Cidr): boolean =>
  a.family === b.family && a.base < b.base + cidrSize(b) && b.base < a.base + cidrSize(a)

/** The n-th address of a network as text; 0 is the network's own. Throws when there are not so many. */
export const addressAt = (cidr: Cidr | string, n: number | bigint): string => {
  const network = typeof cidr === 'string' ? cidrOf(cidr) : cidr
  if (BigInt(n) < 0n || BigInt(n) >= cidrSize(network))
    throw new Error(`${formatCidr(network)} has no address number ${n}`)
  return formatAddress({ family: network.family, value: network.base + BigInt(n) })
}

/** The n-th part of a network, of a longer prefix length. Throws when there is none. */
export const subnetAt = (cidr: Cidr, prefixLength: number, n: number): Cidr => {
  const count = subnetCount(cidr, prefixLength)
  if (n < 0 || n >= count)
    throw new Error(`${formatCidr(cidr)} has no part number ${n} of prefix length ${prefixLength}`)
  const size = hostMask(cidr.family, prefixLength) + 1n
  return { family: cidr.family, base: cidr.base + BigInt(n) * size, prefixLength }
}

/** How many parts of this prefix length a network has. Throws when the length does not fit. */
export const subnetCount = (cidr: Cidr, prefixLength: number): number => {
  if (prefixLength < cidr.prefixLength || prefixLength > width[cidr.family])
    throw new Error(`${formatCidr(cidr)} cannot be split into parts of prefix length ${prefixLength}`)
  return 2 ** (prefixLength - cidr.prefixLength)
}

/** The family of an address or network. Throws for text that is none. */
export const familyOf = (text: string): Family => addressOf(text.split('/')[0] ?? '').family

/** The families of addresses or networks, each once, IPv4 first. */
export const familiesOf = (texts: readonly string[]): readonly Family[] =>
  (['IPv4', 'IPv6'] as const).filter((family) => texts.some((text) => familyOf(text) === family))

/** The network of this prefix length that an address is in. */
export const networkOf = (address: string, prefixLength: number): string => {
  const { family, value } = addressOf(address)
  return formatCidr({ family, base: value & ~hostMask(family, prefixLength), prefixLength })
}

/** A network of one address. */
export const hostCidr = (address: string): string => `${address}/${width[familyOf(address)]}`
