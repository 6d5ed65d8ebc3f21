/** Reads the head of a backend's answer, as strictly as a request's. */
import { type Field, listOf, readFields } from './fields.ts'
import { type Framing, framingOf, once } from './framing.ts'
import type { HeadLimits } from './limits.ts'
import { malformed } from './refusal.ts'
import { isLineEnd, skip, valueBytes } from './syntax.ts'

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  readonly fields: readonly Field[]
  readonly body: Framing
  /** Members of Connection: fields that end here. */
  readonly connection: readonly string[]
  /** Whether the backend goes on serving this connection. */
  readonly keepAlive: boolean
  /** Milliseconds for which the backend says it keeps the idle connection. */
  readonly keepAliveMs: number | undefined
}

interface StatusLine {
  readonly minor: 0 | 1
  readonly status: number
  readonly reason: string
  readonly end: number
}

const statusEnd = 'HTTP/1.1 200'.length

/** `HTTP/1.x`, three digits, and perhaps a reason. */
const parseStatusLine = (text: string): StatusLine => {
  const minor = text.startsWith('HTTP/1.1 ') ? 1 : text.startsWith('HTTP/1.0 ') ? 0 : undefined
  const digits = text.slice(statusEnd - 3, statusEnd)
  if (minor === undefined || !threeDigits.test(digits)) throw malformed('wrong status line')
  const hasReason = text[statusEnd] === ' '
  const lineEnd = hasReason ? skip(text, statusEnd + 1, valueBytes) : statusEnd
  if (!isLineEnd(text, lineEnd)) throw malformed('wrong status line')
  return {
    minor,
    status: Number(digits),
    reason: hasReason ? text.slice(statusEnd + 1, lineEnd) : '',
    end: lineEnd + 2,
  }
}

const threeDigits = /^[1-9][0-9]{2}$/

/** The fields that decide how the answer is read. */
interface Control {
  length: string | undefined
  transferEncoding: string | undefined
  connection: string | undefined
  keepAlive: string | undefined
}

const controlOf = (fields: readonly Field[]): Control => {
  const control: Control = {
    length: undefined,
    transferEncoding: undefined,
    connection: undefined,
    keepAlive: undefined,
  }
  for (const { key, value } of fields) {
    if (key === 'content-length') control.length = once(control.length, value, 'Content-Length')
    else if (key === 'transfer-encoding')
      control.transferEncoding = once(control.transferEncoding, value, 'Transfer-Encoding')
    else if (key === 'connection')
      control.connection = control.connection === undefined ? value : `${control.connection},${value}`
    else if (key === 'keep-alive') control.keepAlive = value
  }
  return control
}

/** Answers that have no body whatever their fields say (RFC 9112 section 6.3). */
export const isBodiless = (method: string, status: number): boolean =>
  method === 'HEAD' || status < 200 || status === 204 || status === 304

const timeoutMs = (keepAlive: string | undefined): number | undefined => {
  if (keepAlive === undefined) return undefined
  const seconds = /\btimeout=([0-9]{1,6})/.exec(keepAlive)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

const none: readonly string[] = []

/** Reads a whole head, given as latin1, of an answer to `method`. Throws `Refusal` when it is not exactly right. */
export const parseResponseHead = (text: string, method: string, limits: HeadLimits): ResponseHead => {
  const { minor, status, reason, end } = parseStatusLine(text)
  const fields = readFields(text, end, limits.fields)
  const control = controlOf(fields)
  const framing = framingOf(control, minor) ?? 'close'
  const connection = control.connection === undefined ? none : listOf(control.connection)
  return {
    status,
    reason,
    fields,
    body: isBodiless(method, status) ? 0 : framing,
    connection,
    keepAlive: minor === 1 && !connection.includes('close'),
    keepAliveMs: timeoutMs(control.keepAlive),
  }
}
