/** The PROXY protocol, versions 1 and 2 (HAProxy's specification): a proxy in front says who its client is. */
import { addressWith, type IpAddress, isIPv6, parseAddress, parsePeerAddress } from '../../../ip/address.ts'

export interface ProxyHeader {
  /** Bytes of the header. */
  readonly length: number
  /** Undefined: the proxy speaks for itself (LOCAL, UNKNOWN). */
  readonly source: { readonly address: string; readonly port: number } | undefined
  readonly destination: { readonly address: string; readonly port: number } | undefined
}

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const maxTextBytes = 107
const headBytes = 16
/** What follows the addresses is of no use here, but is skipped only up to here. */
const maxBinaryBytes = 4096

const isPort = (text: string | undefined): boolean => /^(?:0|[1-9]\d{0,4})$/.test(text ?? '') && Number(text) < 65_536

/** A client of IPv4 whom a proxy reached by a socket of both families is one of IPv4. */
const readAddress: Readonly<Record<string, (text: string) => IpAddress | undefined>> = {
  TCP4: (text) => parseAddress(text, 'IPv4'),
  TCP6: (text) => (isIPv6(text) && !text.includes('%') ? parsePeerAddress(text) : undefined),
}

const readText = (bytes: Buffer): ProxyHeader | 'more' | 'wrong' => {
  const end = bytes.indexOf('\r\n')
  if (end < 0) return bytes.length >= maxTextBytes ? 'wrong' : 'more'
  if (end + 2 > maxTextBytes) return 'wrong'
  const [, family, from = '', to = '', fromPort, toPort, ...rest] = bytes.toString('latin1', 0, end).split(' ')
  if (family === 'UNKNOWN') return { length: end + 2, source: undefined, destination: undefined }
  const read = readAddress[family ?? '']
  const [source, destination] = [read?.(from), read?.(to)]
  if (rest.length > 0 || !source || !destination || !isPort(fromPort) || !isPort(toPort)) return 'wrong'
  return {
    length: end + 2,
    source: { address: source.text, port: Number(fromPort) },
    destination: { address: destination.text, port: Number(toPort) },
  }
}

const ipv4 = (bytes: Buffer, at: number): string => addressWith(bytes.toString('hex', at, at + 4), 'IPv4').text

const ipv6 = (bytes: Buffer, at: number): string => {
  const { text } = addressWith(bytes.toString('hex', at, at + 16), 'IPv6')
  return parsePeerAddress(text)?.text ?? text
}

const readBinary = (bytes: Buffer): ProxyHeader | 'more' | 'wrong' => {
  if (bytes.length < headBytes) return 'more'
  const [versionAndCommand = 0, family = 0] = bytes.subarray(12, 14)
  const length = headBytes + bytes.readUInt16BE(14)
  const command = versionAndCommand & 0x0f
  if (versionAndCommand >> 4 !== 2 || command > 1 || length > maxBinaryBytes) return 'wrong'
  if (bytes.length < length) return 'more'
  const nobody = { length, source: undefined, destination: undefined }
  if (command === 0) return nobody
  if (family === 0x11) {
    if (length < headBytes + 12) return 'wrong'
    return {
      length,
      source: { address: ipv4(bytes, 16), port: bytes.readUInt16BE(24) },
      destination: { address: ipv4(bytes, 20), port: bytes.readUInt16BE(26) },
    }
  }
  if (family === 0x21) {
    if (length < headBytes + 36) return 'wrong'
    return {
      length,
      source: { address: ipv6(bytes, 16), port: bytes.readUInt16BE(48) },
      destination: { address: ipv6(bytes, 32), port: bytes.readUInt16BE(50) },
    }
  }
  return nobody
}

const startsAs = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

const textStart = Buffer.from('PROXY ')

/** The header at the start of a connection; `more` while it is not complete, `wrong` when there is none. */
export const readProxyHeader = (bytes: Buffer): ProxyHeader | 'more' | 'wrong' => {
  if (bytes.length === 0) return 'more'
  if (startsAs(bytes, signature)) return bytes.length < signature.length ? 'more' : readBinary(bytes)
  if (startsAs(bytes, textStart)) return bytes.length < textStart.length ? 'more' : readText(bytes)
  return 'wrong'
}
