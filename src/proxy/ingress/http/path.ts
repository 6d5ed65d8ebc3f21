/** The path that routes are compared with. What a request says is forwarded as it was received; see the README. */
import { malformed } from './refusal.ts'

/** What may stand in a path as it is: `pchar` and the slash. An escape that was kept in a routing path stays one. */
const unsafe = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]/g

/** One byte of latin1 text, escaped. */
export const escapedByte = (byte: string): string =>
  `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** A routing path as it may travel. */
export const pathText = (path: string): string => path.replace(unsafe, escapedByte)

/** Most paths hold none of these and are their own normal form. */
const unusual = /[%\\]|\/\/|\/\./

const escapes = /%([0-9A-Fa-f]{2})?/g

/** An escaped slash is not a separator, and an escaped percent sign starts no escape: these two stay, in one spelling. */
const kept: Readonly<Record<string, string>> = { '2F': '%2F', '25': '%25' }

const decode = (path: string): string =>
  path.replace(escapes, (_, digits: string | undefined) => {
    if (digits === undefined) throw malformed('wrong escape in the path')
    if (digits === '00') throw malformed('NUL in the path')
    return kept[digits.toUpperCase()] ?? String.fromCharCode(Number.parseInt(digits, 16))
  })

/**
 * A step up or a step nowhere, in any spelling that some server takes for one: after `/`, `\` or an escaped slash, and
 * with path parameters (`..;x`).
 */
const dotSegment = /(?:^|\/|\\|%2F)\.{1,2}(?:;|\/|\\|%2F|$)/

/** A letter in more bytes than it has: some decoders take `%c0%ae` for a dot. Never right, in UTF-8 or latin1 text. */
const overlong = /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}/

/**
 * Escapes decoded but for `%2F` and `%25`, runs of slashes merged. Bytes beyond ASCII come out as latin1. Throws
 * `Refusal` for what two readers may take for two different places: dot segments, backslashes, broken escapes, overlong UTF-8, NUL.
 */
export const routingPath = (path: string): string => {
  if (!unusual.test(path)) return path
  if (path.includes('\\')) throw malformed('backslash in the path')
  const decoded = decode(path)
  if (dotSegment.test(decoded)) throw malformed('dot segment in the path')
  if (overlong.test(decoded)) throw malformed('overlong UTF-8 in the path')
  return decoded.replace(/\/{2,}/g, '/')
}

const pastSlashes = (text: string, start: number): number => {
  let at = start
  while (text[at] === '/') at++
  return at
}

const pushRoutingPlaces = (offsets: number[], received: string, at: number): number => {
  offsets.push(at)
  if (received[at] === '/') return pastSlashes(received, at)
  if (received[at] !== '%') return at + 1
  // An escape that was kept has three places.
  if (received.slice(at + 1, at + 3).toUpperCase() in kept) offsets.push(at + 1, at + 2)
  return at + 3
}

/**
 * Tells of each place in `path`, the routing path of `received`, where in `received` it is: what matched of the one can
 * so be cut out of the other. The place behind a slash is behind its whole run.
 */
export const receivedOffsets = (received: string, path: string): ((place: number) => number) => {
  // Reading it makes a path shorter, or leaves each character where it was.
  if (received.length === path.length) return (place) => place
  const offsets: number[] = []
  for (let at = 0; at < received.length; ) at = pushRoutingPlaces(offsets, received, at)
  return (place) => offsets[place] ?? received.length
}
