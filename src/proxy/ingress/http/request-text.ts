/** A request head as it goes to a backend. */
import { isIPv6 } from '../../../ip/address.ts'
import { type Changes, changed } from './changes.ts'
import type { Field } from './fields.ts'
import { malformed } from './refusal.ts'
import type { RequestHead } from './request-head.ts'
import { isRequestId } from './request-id.ts'
import { fieldValue } from './syntax.ts'

/** What the proxy knows of where a request came from. */
export interface Via {
  /** Who asked. */
  readonly clientAddress: string
  /** Everybody it passed before us, the client first. */
  readonly forwardedFor: string
  readonly scheme: 'http' | 'https'
  /** The port the client talked to. */
  readonly port: number
  /** The address and port the client talked to: Host for an HTTP/1.0 request that has none. */
  readonly localAuthority: string
  /** The host that a trusted proxy says was asked; ours otherwise. */
  readonly forwardedHost?: string
  /** X-Forwarded-For as a trusted proxy has sent it. */
  readonly originalForwardedFor?: string
}

/** A request as it goes on. */
export interface Outgoing {
  readonly head: RequestHead
  /** Path and query. */
  readonly target: string
  /** Empty for the address that the client talked to. */
  readonly host: string
  readonly changes: Changes | undefined
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
  'x-scheme',
  'proxy',
  // What ingress-nginx says of the request that an auth server is asked about.
  ...['x-original-forwarded-for', 'x-original-uri', 'x-original-url', 'x-original-method'],
  ...['x-auth-request-redirect', 'x-sent-from'],
  ...['ssl-client-verify', 'ssl-client-subject-dn', 'ssl-client-issuer-dn', 'ssl-client-cert'],
])

/** Backends that turn fields into variables take `X_Real_IP` for `X-Real-IP`. */
const dashed = (key: string): string => (key.includes('_') ? key.replaceAll('_', '-') : key)

/** Whether a field, named in small letters, ends here or is the proxy's own to set. */
export const isOnlyOurs = (key: string): boolean => {
  const name = dashed(key)
  return ours.has(name) || name.startsWith('x-forwarded-')
}

/** What a client's field becomes; undefined when it does not go on. */
const passedOn = (field: Field, { connection }: RequestHead, changes: Changes | undefined): string | undefined => {
  const { key } = field
  if (isOnlyOurs(key) || connection.includes(key) || changes?.dropped.has(dashed(key))) return undefined
  return changed(field, changes)
}

const forwardedNode = (address: string): string => (isIPv6(address) ? `"[${address}]"` : address)

/** What every request of one client connection gets (RFC 7239 for Forwarded). */
export const originFields = (via: Via): readonly (readonly [name: string, value: string])[] => [
  ['X-Real-IP', via.clientAddress],
  ['X-Forwarded-For', via.forwardedFor],
  ['X-Forwarded-Proto', via.scheme],
  ['X-Forwarded-Scheme', via.scheme],
  ['X-Scheme', via.scheme],
  ['X-Forwarded-Port', String(via.port)],
  ['Forwarded', `for=${forwardedNode(via.clientAddress)};proto=${via.scheme}`],
  ...(via.originalForwardedFor === undefined ? [] : [['X-Original-Forwarded-For', via.originalForwardedFor] as const]),
]

/** The same as text. */
export const viaFields = (via: Via): string => fieldLines(originFields(via))

export const fieldLines = (fields: readonly (readonly [name: string, value: string])[]): string => {
  let text = ''
  for (const [name, value] of fields) text += `${name}: ${fieldValue(value)}\r\n`
  return text
}

type Pair = readonly [name: string, value: string]

/** What each request gets beside what its connection gets. */
const ownFields = (head: RequestHead, via: Via, newId: () => string): readonly Pair[] => [
  ['X-Forwarded-Host', askedHost(head, via)],
  ['X-Request-ID', requestIdOf(head.fields, newId)],
]

const askedHost = ({ authority }: RequestHead, via: Via): string =>
  via.forwardedHost ?? (authority === '' ? via.localAuthority : authority)

/** What a policy sets or removes is not ours to say as well. */
const withoutDropped = (fields: readonly Pair[], changes: Changes | undefined): readonly Pair[] =>
  changes && changes.dropped.size > 0 ? fields.filter(([name]) => !changes.dropped.has(name.toLowerCase())) : fields

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
export const requestText = (outgoing: Outgoing, via: Via, constant: string, newId: () => string): string => {
  const { head, target, changes } = outgoing
  const host = outgoing.host === '' ? via.localAuthority : outgoing.host
  let text = `${head.method} ${target} HTTP/1.1\r\nHost: ${host}\r\n`
  for (const field of head.fields) {
    const value = passedOn(field, head, changes)
    if (value !== undefined) text += `${field.name}: ${value}\r\n`
  }
  if (changes) {
    const own = [...originFields(via), ...ownFields(head, via, newId)]
    text += fieldLines(withoutDropped(own, changes)) + fieldLines(changes.appended)
  } else
    text += `${constant}X-Forwarded-Host: ${askedHost(head, via)}\r\nX-Request-ID: ${requestIdOf(head.fields, newId)}\r\n`
  text += framingText(head)
  if (head.expectsContinue) text += 'Expect: 100-continue\r\n'
  if (head.upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`
  return `${text}\r\n`
}

type WireField = { readonly key: string; readonly value: string }

/** The same for an HTTP/2 backend. gRPC needs to hear of `te: trailers`. */
export const requestFields = (outgoing: Outgoing, via: Via, scheme: string, newId: () => string): WireField[] => {
  const { head, target, changes } = outgoing
  const fields: WireField[] = [
    { key: ':method', value: head.method },
    { key: ':scheme', value: scheme },
    { key: ':authority', value: outgoing.host === '' ? via.localAuthority : outgoing.host },
    { key: ':path', value: target },
  ]
  for (const field of head.fields) {
    const value = passedOn(field, head, changes)
    if (value !== undefined) fields.push({ key: field.key, value })
  }
  const own = [...originFields(via), ...ownFields(head, via, newId)]
  const more = [...withoutDropped(own, changes), ...(changes?.appended ?? [])]
  for (const [name, value] of more) fields.push({ key: name.toLowerCase(), value: fieldValue(value) })
  fields.push({ key: 'te', value: 'trailers' })
  if (typeof head.body === 'number' && head.body > 0) fields.push({ key: 'content-length', value: String(head.body) })
  return fields
}

/** Fields that decide what a request is allowed to, or how its content is read (RFC 9110 section 6.5.1). */
const neverLast =
  /^(?:authorization|cookie|cache-control|pragma|range|max-forwards|if-.*|content-(?:type|encoding|range|disposition))$/

/**
 * Throws 400 for a trailer that a backend could take for a field which only the proxy may set, `changes` among them, or
 * that must come before the content.
 */
export const checkRequestTrailer = ({ key, name }: Field, changes?: Changes): void => {
  const plain = dashed(key)
  if (isOnlyOurs(key) || neverLast.test(plain) || changes?.dropped.has(plain)) throw malformed(`${name} in a trailer`)
}

/** Whether asking for the same again does no harm (RFC 9110 section 9.2.2). */
export const isIdempotent = (method: string): boolean =>
  method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'PUT' || method === 'DELETE'
