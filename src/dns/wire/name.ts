import type { IpAddress } from '../../ip/address.ts'
/** Names on the wire: labels with a length in front, ended by an empty one (RFC 1035, 3.1). */

export const maxNameBytes = 255
const maxLabelBytes = 63

/** A dotted name, with or without the last dot, uncompressed. Throws for one that cannot be written. */
export const encodeName = (name: string): Uint8Array => {
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .filter((label) => label !== '')
  const bytes: number[] = []
  for (const label of labels) {
    const encoded = Buffer.from(label, 'latin1')
    if (encoded.length > maxLabelBytes) throw new Error(`the label ${JSON.stringify(label)} is too long for DNS`)
    bytes.push(encoded.length, ...encoded)
  }
  bytes.push(0)
  if (bytes.length > maxNameBytes) throw new Error(`the name ${JSON.stringify(name)} is too long for DNS`)
  return Uint8Array.from(bytes)
}

/**
 * A name of the API's, as the zone writes names: small, without the last dot; undefined for one that no DNS name can be.
 * Servers of another make may let anything through.
 */
export const parseName = (text: unknown): string | undefined => {
  if (typeof text !== 'string' || text.length > maxNameBytes) return undefined
  const name = text.replace(/\.$/, '').toLowerCase()
  return name.length + 2 <= maxNameBytes &&
    /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(name)
    ? name
    : undefined
}

/** The same for one label. */
export const parseLabel = (text: unknown): string | undefined => {
  const name = parseName(text)
  return name?.includes('.') ? undefined : name
}

export interface ReadName {
  /** Lower case, dotted, without the last dot; a dot within a label is written `\.`. */
  readonly name: string
  /** Where the next field starts. */
  readonly end: number
}

/**
 * Reads an uncompressed name, as a question's has to be: there is nothing before it that it could point to. Undefined
 * when it is not whole or breaks a limit.
 */
export const readName = (message: Uint8Array, start: number): ReadName | undefined => {
  let name = ''
  let at = start
  for (;;) {
    const length = message[at++]
    if (length === undefined || length > maxLabelBytes) return undefined
    if (length === 0) return { name, end: at }
    if (at + length > message.length || at + length - start >= maxNameBytes) return undefined
    if (name !== '') name += '.'
    for (const end = at + length; at < end; at++) {
      const byte = message[at] ?? 0
      if (byte === 0x2e) name += '\\.'
      else name += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte)
    }
  }
}

/** Where the name ends; undefined when it is not whole. Pointers are not followed. */
export const skipName = (message: Uint8Array, start: number): number | undefined => {
  for (let at = start; ; ) {
    const length = message[at]
    if (length === undefined) return undefined
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    if (length > maxLabelBytes) return undefined
    at += 1 + length
  }
}

/** The name of an address in the tree for ways back: `4.3.2.1.in-addr.arpa`, or nibbles under `ip6.arpa`. */
export const reverseName = ({ family, digits, text }: IpAddress): string =>
  family === 'IPv4'
    ? `${text.split('.').reverse().join('.')}.in-addr.arpa`
    : `${[...digits].reverse().join('.')}.ip6.arpa`
