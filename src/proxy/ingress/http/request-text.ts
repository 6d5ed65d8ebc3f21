/** A request head as it goes to a backend. */
import type { Field } from './fields.ts'
import { malformed } from './refusal.ts'
import type { RequestHead } from './request-head.ts'
import { isRequestId } from './request-id.ts'

/** What the proxy knows of a client connection. */
export interface Via {
  /** Where the request came from. */
  readonly clientAddress: string
  readonly scheme: 'http' | 'https'
  /** The port the client talked to. */
  readonly port: number
  /** The address and port the client talked to: Host for an HTTP/1.0 request that has none. */
  readonly localAuthority: string
}

/** Fields that end here, or that only the proxy may set. `Proxy` would become HTTP_PROXY in a CGI program. */
const ours: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'content-length',
  'upgrade',
  'expect',
  'forwarded',
  'x-real-ip',
  'x-request-id',
  'proxy',
])

/** Backends that turn fields into variables take `X_Real_IP` for `X-Real-IP`. */
const isOurs = (key: string): boolean => {
  const name = key.includes('_') ? key.replaceAll('_', '-') : key
  return ours.has(name) || name.startsWith('x-forwarded-')
}

/** The fields that are the same for every request of one client connection. */
export const viaFields = (via: Via): string =>
  `X-Real-IP: ${via.clientAddress}\r\nX-Forwarded-For: ${via.clientAddress}\r\nX-Forwarded-Proto: ${via.scheme}\r\n` +
  `X-Forwarded-Scheme: ${via.scheme}\r\nX-Forwarded-Port: ${via.port}\r\n`

const requestIdOf = (fields: readonly Field[], newId: () => string): string => {
  const given = fields.filter((field) => field.key === 'x-request-id')
  const [only] = given
  return given.length === 1 && only !== undefined && isRequestId(only.value) ? only.value : newId()
}

const framingText = (head: RequestHead): string => {
  if (head.body === 'chunked') return 'Transfer-Encoding: chunked\r\n'
  return head.body > 0 || head.fields.some((field) => field.key === 'content-length')
    ? `Content-Length: ${head.body}\r\n`
    : ''
}

/** The end-to-end fields as received, then ours. `constant` is `viaFields` of the connection. */
export const requestText = (head: RequestHead, via: Via, constant: string, newId: () => string): string => {
  const host = head.authority === '' ? via.localAuthority : head.authority
  let text = `${head.method} ${head.target} HTTP/1.1\r\nHost: ${host}\r\n`
  for (const { name, key, value } of head.fields)
    if (!isOurs(key) && !head.connection.includes(key)) text += `${name}: ${value}\r\n`
  text += `${constant}X-Forwarded-Host: ${host}\r\nX-Request-ID: ${requestIdOf(head.fields, newId)}\r\n`
  text += framingText(head)
  if (head.expectsContinue) text += 'Expect: 100-continue\r\n'
  if (head.upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`
  return `${text}\r\n`
}

/** Throws 400 for a trailer that a backend could take for a field which only the proxy may set. */
export const checkRequestTrailer = ({ key, name }: Field): void => {
  if (isOurs(key)) throw malformed(`${name} in a trailer`)
}

/** Whether asking for the same again does no harm (RFC 9110 section 9.2.2). */
export const isIdempotent = (method: string): boolean =>
  method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'PUT' || method === 'DELETE'
