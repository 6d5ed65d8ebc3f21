/** Finds heads in a stream of bytes. */
import type { HeadLimits } from './limits.ts'
import { malformed, Refusal } from './refusal.ts'
import { CR, LF, methodBytes } from './syntax.ts'

const emptyLine = Buffer.from('\r\n\r\n')

/** The longest method in use has 17 letters. */
export const maxMethodLength = 24
const longestVersion = 'HTTP/1.1\r\n'.length

/**
 * The number of bytes of the head at the start of `bytes`, its empty line included; 0 while it is not complete.
 * `searched` bytes were there the last time. Throws 431 when it grows beyond `maxBytes`.
 */
export const headLength = (bytes: Buffer, searched: number, maxBytes: number): number => {
  const found = bytes.indexOf(emptyLine, Math.max(0, searched - emptyLine.length + 1))
  const length = found < 0 ? bytes.length : found + emptyLine.length
  if (length > maxBytes) throw new Refusal(431, 'head too large')
  return found < 0 ? 0 : length
}

/** An empty line may precede a request (RFC 9112 section 2.2): the length of one, or 0. */
export const emptyLineLength = (bytes: Buffer): number => (bytes[0] === CR && bytes[1] === LF ? 2 : 0)

/** Throws for the start of a request head that cannot become a right one, so that nobody waits for the rest of it. */
export const refuseEarly = (bytes: Buffer, limits: HeadLimits): void => {
  if (bytes.length === 1 && bytes[0] === CR) return
  if (methodBytes[bytes[0] ?? 0] !== 1) throw malformed('wrong method')
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1))
    if (bytes[at - 1] !== CR) throw malformed('line feed without carriage return')
  if (bytes.length > maxMethodLength + limits.targetBytes + longestVersion && !bytes.includes(LF))
    throw new Refusal(414, 'target too long')
}
