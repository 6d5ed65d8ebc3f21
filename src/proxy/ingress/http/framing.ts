/** Where a body ends (RFC 9112 section 6), for requests and responses alike. */
import { malformed } from './refusal.ts'

/** So many bytes (0: no body), until the last chunk, or until the connection ends. */
export type Framing = number | 'chunked' | 'close'

/** What the head says about its body, each undefined where there is no such field. */
export interface FramingFields {
  length: string | undefined
  transferEncoding: string | undefined
}

/** 15 digits stay exact in a double. A sign, a list or a padding zero is refused: others read them otherwise. */
const exactLength = /^(?:0|[1-9][0-9]{0,14})$/

/** Undefined when there is neither field. Throws `Refusal` for both at once, and for anything but plain values. */
export const framingOf = ({ length, transferEncoding }: FramingFields, minor: number): Framing | undefined => {
  if (transferEncoding !== undefined) {
    if (length !== undefined) throw malformed('Content-Length beside Transfer-Encoding')
    if (minor === 0) throw malformed('Transfer-Encoding in HTTP/1.0')
    if (transferEncoding.toLowerCase() !== 'chunked') throw malformed('Transfer-Encoding other than chunked')
    return 'chunked'
  }
  if (length === undefined) return undefined
  if (!exactLength.test(length)) throw malformed('wrong Content-Length')
  return Number(length)
}

/** Keeps a field that may stand once only. Throws `Refusal` at the second. */
export const once = (previous: string | undefined, value: string, name: string): string => {
  if (previous !== undefined) throw malformed(`${name} twice`)
  return value
}
