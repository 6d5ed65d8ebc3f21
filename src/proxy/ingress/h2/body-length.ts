/** The length of a body, which the head tells and the frames make (RFC 9113 section 8.1.1). */
import { type Framing, framingOf } from '../http/framing.ts'
import { malformed } from '../http/refusal.ts'

/** How long a body is going to be; 'chunked': the frames will tell. */
export type BodyLength = Exclude<Framing, 'close'>

/** `length` is the content-length. Throws `Refusal` when it is not one, or when nothing follows and it is not 0. */
export const bodyLengthOf = (length: string | undefined, ends: boolean): BodyLength => {
  const body = framingOf({ length, transferEncoding: undefined }, 1)
  if (ends && typeof body === 'number' && body > 0) throw malformed('no body for the content-length')
  return ends ? 0 : typeof body === 'number' ? body : 'chunked'
}

/** Called with each piece of DATA. Throws `Refusal` when the content-length turns out to be wrong. */
export type CountBody = (bytes: number, ends: boolean) => void

/** Trailers end a body too: then call with 0 bytes. */
export const countBody = (expected: BodyLength): CountBody => {
  if (expected === 'chunked') return () => {}
  let left = expected
  return (bytes, ends) => {
    left -= bytes
    if (left < 0 || (ends && left > 0)) throw malformed('body differs from its content-length')
  }
}
