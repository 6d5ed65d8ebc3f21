/**
 * IP addresses of both families. Text is read strictly and once, at the border; inside, an address is its hexadecimal
 * digits, so that a prefix of an address is a prefix of a string, and two addresses of a family are in the order of their
 * digits.
 */

export type IpFamily = 'IPv4' | 'IPv6'

export const ipFamilies: readonly IpFamily[] = ['IPv4', 'IPv6']

export interface IpAddress {
  readonly family: IpFamily
  /** Eight for IPv4, 32 for IPv6, in small letters. */
  readonly digits: string
  /** The one way to write it (RFC 5952), as the kernel's tools print it. */
  readonly text: string
}

/** How many bits an address has. */
export const addressBits = (family: IpFamily): number => (family === 'IPv4' ? 32 : 128)

export const bitsPerDigit = 4

/** How many hexadecimal digits an address has. */
export const digitCount = (family: IpFamily): number => addressBits(family) / bitsPerDigit

const hexBytes: readonly string[] = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'))

const codes = { dot: 46, zero: 48, nine: 57 } as const

/** Four numbers up to 255 without leading zeros. Read by hand: proxies and DNS read tens of thousands. */
const digitsOf4 = (text: string): string | undefined => {
  if (text.length < 7 || text.length > 15) return undefined
  let digits = ''
  let value = -1
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? codes.dot : text.charCodeAt(at)
    if (code === codes.dot) {
      const byte = hexBytes[value]
      if (byte === undefined) return undefined
      digits += byte
      value = -1
    } else if (code < codes.zero || code > codes.nine || value === 0) return undefined
    else value = (value === -1 ? 0 : value * 10) + code - codes.zero
  }
  return digits.length === 8 ? digits : undefined
}

const hextet = /^[0-9a-fA-F]{1,4}$/

/** The last two groups may be written as an IPv4 address: `64:ff9b::192.0.2.1`. */
const expandTail = (text: string): string | undefined => {
  if (!text.includes('.')) return text
  const at = text.lastIndexOf(':') + 1
  const tail = digitsOf4(text.slice(at))
  return tail && `${text.slice(0, at)}${tail.slice(0, 4)}:${tail.slice(4)}`
}

const groupsOf = (side: string): readonly string[] => (side === '' ? [] : side.split(':'))

const digitsOf6 = (text: string): string | undefined => {
  const [head, tail, ...more] = (text.length > 45 ? undefined : expandTail(text))?.split('::') ?? []
  if (head === undefined || more.length > 0) return undefined
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...before, ...Array<string>(missing).fill('0'), ...after]
  return groups.every((group) => hextet.test(group))
    ? groups.map((group) => group.padStart(4, '0').toLowerCase()).join('')
    : undefined
}

/** The longest run of two or more zero groups becomes `::`; of equals, the first. */
const groupsText = (groups: readonly string[]): string => {
  let best = { at: 0, length: 1 }
  for (let at = 0; at < groups.length; at++) {
    let length = 0
    while (groups[at + length] === '0') length++
    if (length > best.length) best = { at, length }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`
}

const textOf = (digits: string, family: IpFamily): string => {
  const groups = digits.match(family === 'IPv4' ? /../g : /..../g) ?? []
  const values = groups.map((group) => Number.parseInt(group, 16))
  return family === 'IPv4' ? values.join('.') : groupsText(values.map((value) => value.toString(16)))
}

/** The address with these digits; missing ones at the end count as zero. */
export const addressWith = (digits: string, family: IpFamily): IpAddress => {
  const all = digits.padEnd(digitCount(family), '0')
  return { family, digits: all, text: textOf(all, family) }
}

const mappedPrefix = `${'0'.repeat(20)}ffff`

const readIPv6 = (text: string): IpAddress | undefined => {
  const digits = digitsOf6(text)
  return digits === undefined ? undefined : addressWith(digits, 'IPv6')
}

const readIPv4 = (text: string): IpAddress | undefined => {
  const digits = digitsOf4(text)
  return digits === undefined ? undefined : { family: 'IPv4', digits, text }
}

const isColonForm = (text: string): boolean => text.includes(':')

/**
 * Undefined for what is no address (of this family). Strict as Kubernetes is with new objects: no leading zeros, zones,
 * ports or blanks, and no IPv4 address written as an IPv6 one (`::ffff:10.0.0.1`), which programs take for either.
 */
export const parseAddress = (text: string, family?: IpFamily): IpAddress | undefined => {
  // Objects are read as their types say only once they are validated.
  if (typeof text !== 'string') return undefined
  const found = isColonForm(text) ? readIPv6(text) : readIPv4(text)
  if (found === undefined || (family !== undefined && found.family !== family)) return undefined
  return found.family === 'IPv6' && found.digits.startsWith(mappedPrefix) ? undefined : found
}

/**
 * The address of whoever is at the other end, as sockets and proxies tell it: one of IPv4 may be written as one of IPv6,
 * and one of a link may have a zone, which is left out. Undefined for what is none.
 */
export const parsePeerAddress = (text: string): IpAddress | undefined => {
  if (!isColonForm(text)) return readIPv4(text)
  const found = readIPv6(text.replace(/%[^%]+$/, ''))
  return found?.digits.startsWith(mappedPrefix) ? addressWith(found.digits.slice(mappedPrefix.length), 'IPv4') : found
}

/** Whether it is an IPv4 address written as an IPv6 one: `::ffff:10.0.0.1`. */
export const isMappedAddress = (text: string): boolean =>
  isColonForm(text) && readIPv6(text)?.digits.startsWith(mappedPrefix) === true

/** Throws for text that is no address. */
export const addressOf = (text: string): IpAddress => {
  const address = parseAddress(text)
  if (!address) throw new Error(`${JSON.stringify(text)} is not an IP address`)
  return address
}

/** Whether a text is an IP address, read strictly. */
export const isAddress = (text: string): boolean => parseAddress(text) !== undefined

/** The one way to write an address (of this family); undefined for what is none. */
export const canonicalAddress = (text: string, family?: IpFamily): string | undefined =>
  parseAddress(text, family)?.text

/** An address as a number. */
export const addressNumber = ({ digits }: { readonly digits: string }): bigint => BigInt(`0x${digits}`)

/** The address with this number. */
export const addressNumbered = (value: bigint, family: IpFamily): IpAddress =>
  addressWith(value.toString(16).padStart(digitCount(family), '0'), family)

/** The family of an address or range that was read before: of IPv6 are those with a colon. */
export const familyOf = (text: string): IpFamily => (isColonForm(text) ? 'IPv6' : 'IPv4')

export const isIPv6 = (text: string): boolean => familyOf(text) === 'IPv6'

/** The families of addresses or ranges, each once, IPv4 first. */
export const familiesOf = (texts: readonly string[]): readonly IpFamily[] =>
  ipFamilies.filter((family) => texts.some((text) => familyOf(text) === family))

/** A host as it stands in a URL or before a port: an IPv6 address in brackets. */
export const bracketed = (host: string): string => (isColonForm(host) ? `[${host}]` : host)

/** `10.1.0.2:8080`, `[fd00::2]:8080`, `web:8080`. */
export const joinHostPort = (host: string, port: number | string): string => `${bracketed(host)}:${port}`
