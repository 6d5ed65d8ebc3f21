/** The preface of a client (RFC 9113 section 3.4), as a server takes it. */
import { connectionError } from './errors.ts'
import { preface } from './frames.ts'

/** Returns what follows the preface; empty while that is not complete. Throws `ConnectionError` for anything else. */
export type TakeGreeting = (bytes: Buffer) => Buffer

export const createGreeting = (role: 'server' | 'client'): TakeGreeting => {
  let greeted = role === 'server' ? 0 : preface.length
  return (bytes) => {
    if (greeted === preface.length) return bytes
    const length = Math.min(bytes.length, preface.length - greeted)
    if (preface.compare(bytes, 0, length, greeted, greeted + length) !== 0)
      throw connectionError('PROTOCOL_ERROR', 'no preface')
    greeted += length
    return bytes.subarray(length)
  }
}
