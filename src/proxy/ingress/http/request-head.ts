/** Reads the head of a request, as strictly as can be: what two readers could read in two ways is refused. */
import { type Authority, parseAuthority } from './authority.ts'
import { type Field, listOf, readFields } from './fields.ts'
import { type Framing, framingOf, once } from './framing.ts'
import { maxMethodLength } from './head-end.ts'
import type { HeadLimits } from './limits.ts'
import { routingPath } from './path.ts'
import { malformed, Refusal } from './refusal.ts'
import { methodBytes, skip, targetBytes } from './syntax.ts'
import { parseTarget, type Target } from './target.ts'

export interface RequestHead {
  readonly method: string
  /** Path and query as received: what is forwarded. */
  readonly target: string
  /** The path that routes are compared with; see `routingPath`. */
  readonly path: string
  /** The host that routes are compared with; empty in an HTTP/1.0 request without one. */
  readonly host: string
  /** Host as received, with its port. */
  readonly authority: string
  readonly version: '1.0' | '1.1' | '2.0'
  /** The x of HTTP/1.x; 1 for HTTP/2. */
  readonly minor: 0 | 1
  readonly fields: readonly Field[]
  readonly body: Exclude<Framing, 'close'>
  /** Whether the client wants to go on using the connection. */
  readonly keepAlive: boolean
  /** Members of Connection: fields that end here. */
  readonly connection: readonly string[]
  /** What the client would rather speak, when that can be offered to a backend. */
  readonly upgrade: string | undefined
  readonly expectsContinue: boolean
}

interface RequestLine {
  readonly method: string
  readonly target: string
  readonly minor: 0 | 1
  readonly end: number
}

const anyVersion = /^HTTP\/[0-9]\.[0-9]$/

const versionOf = (text: string): 0 | 1 => {
  if (text === 'HTTP/1.1') return 1
  if (text === 'HTTP/1.0') return 0
  if (anyVersion.test(text)) throw new Refusal(505, `${text} is not spoken here`)
  throw malformed('wrong request line')
}

const usual = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']

/** One string for all requests of a method. */
const methodOf = (text: string, end: number): string => {
  for (const method of usual) if (method.length === end && text.startsWith(method)) return method
  return text.slice(0, end)
}

const parseRequestLine = (text: string, limits: HeadLimits): RequestLine => {
  const methodEnd = skip(text, 0, methodBytes)
  if (methodEnd === 0 || methodEnd > maxMethodLength || text[methodEnd] !== ' ') throw malformed('wrong method')
  const targetEnd = skip(text, methodEnd + 1, targetBytes)
  if (targetEnd - methodEnd - 1 > limits.targetBytes) throw new Refusal(414, 'target too long')
  if (text[targetEnd] !== ' ') throw malformed('wrong request line')
  const end = text.indexOf('\r\n', targetEnd)
  const minor = versionOf(text.slice(targetEnd + 1, end))
  return { method: methodOf(text, methodEnd), target: text.slice(methodEnd + 1, targetEnd), minor, end: end + 2 }
}

/** The fields that decide how the message is read, each at most once but for Connection and Upgrade. */
interface Control {
  host: string | undefined
  length: string | undefined
  transferEncoding: string | undefined
  expect: string | undefined
  connection: string | undefined
  upgrade: string | undefined
}

const joined = (previous: string | undefined, value: string): string =>
  previous === undefined ? value : `${previous},${value}`

const controlOf = (fields: readonly Field[]): Control => {
  const control: Control = {
    host: undefined,
    length: undefined,
    transferEncoding: undefined,
    expect: undefined,
    connection: undefined,
    upgrade: undefined,
  }
  for (const { key, value } of fields) {
    if (key === 'host') control.host = once(control.host, value, 'Host')
    else if (key === 'content-length') control.length = once(control.length, value, 'Content-Length')
    else if (key === 'transfer-encoding')
      control.transferEncoding = once(control.transferEncoding, value, 'Transfer-Encoding')
    else if (key === 'expect') control.expect = once(control.expect, value, 'Expect')
    else if (key === 'connection') control.connection = joined(control.connection, value)
    else if (key === 'upgrade') control.upgrade = joined(control.upgrade, value)
  }
  return control
}

const nowhere: Authority = { host: '', port: undefined }
const httpPort = 80

const sameAuthority = (a: Authority, b: Authority): boolean =>
  a.host === b.host && (a.port ?? httpPort) === (b.port ?? httpPort)

/** Host must be there in HTTP/1.1, and must agree with an absolute target. */
const authorityOf = (host: string | undefined, target: Target, minor: 0 | 1): { text: string; parsed: Authority } => {
  if (host === undefined) {
    if (minor === 1) throw malformed('no Host')
    return target.authority ?? { text: '', parsed: nowhere }
  }
  const parsed = parseAuthority(host)
  if (target.authority && !sameAuthority(parsed, target.authority.parsed))
    throw malformed('Host differs from the target')
  return { text: host, parsed }
}

const expectsContinue = (expect: string | undefined, minor: 0 | 1): boolean => {
  if (expect === undefined || minor === 0) return false
  if (expect.toLowerCase() !== '100-continue') throw new Refusal(417, 'Expect other than 100-continue')
  return true
}

/** A body, an old client, or a wish for cleartext HTTP/2 (a way around the proxy) leave an Upgrade unheard. */
const upgradeOf = (control: Control, connection: readonly string[], minor: 0 | 1, body: Framing): string | undefined =>
  control.upgrade !== undefined &&
  connection.includes('upgrade') &&
  minor === 1 &&
  body === 0 &&
  !listOf(control.upgrade).some((protocol) => protocol.startsWith('h2'))
    ? control.upgrade
    : undefined

const none: readonly string[] = []

/**
 * Reads a whole head, empty line included, given as latin1. Throws `Refusal` with the status to answer: 400, 414, 417,
 * 431, 501 or 505.
 */
export const parseRequestHead = (text: string, limits: HeadLimits): RequestHead => {
  const { method, target: rawTarget, minor, end } = parseRequestLine(text, limits)
  const target = parseTarget(method, rawTarget)
  const fields = readFields(text, end, limits.fields)
  const control = controlOf(fields)
  const authority = authorityOf(control.host, target, minor)
  const body = framingOf(control, minor) ?? 0
  if (body === 'close') throw malformed('endless request')
  const connection = control.connection === undefined ? none : listOf(control.connection)
  return {
    method,
    target: target.origin,
    path: routingPath(target.origin.slice(0, target.pathEnd)),
    host: authority.parsed.host,
    authority: authority.text,
    version: minor === 0 ? '1.0' : '1.1',
    minor,
    fields,
    body,
    keepAlive: minor === 1 ? !connection.includes('close') : connection.includes('keep-alive'),
    connection,
    upgrade: upgradeOf(control, connection, minor, body),
    expectsContinue: expectsContinue(control.expect, minor),
  }
}
