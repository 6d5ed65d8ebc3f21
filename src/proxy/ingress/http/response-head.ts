/** Reads the head of a backend's answer, as strictly as a request's. */
import { type Field, listOf, readFields } from './fields.ts'
import { type Framing, framingOf, once } from './framing.ts'
import type { HeadLimits } from './limits.ts'
import { malformed } from './refusal.ts'

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

const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/

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
  const seconds = /\btimeout=([0-9]{1,6})/.exec(keepAlive ?? '')?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

const none: readonly string[] = []

/** Reads a whole head, given as latin1, of an answer to `method`. Throws `Refusal` when it is not exactly right. */
export const parseResponseHead = (text: string, method: string, limits: HeadLimits): ResponseHead => {
  const line = statusLine.exec(text)
  if (!line) throw malformed('wrong status line')
  const minor = Number(line[1])
  const status = Number(line[2])
  const fields = readFields(text, line[0].length, limits.fields)
  const control = controlOf(fields)
  const framing = framingOf(control, minor) ?? 'close'
  const connection = control.connection === undefined ? none : listOf(control.connection)
  return {
    status,
    reason: line[3] ?? '',
    fields,
    body: isBodiless(method, status) ? 0 : framing,
    connection,
    keepAlive: minor === 1 && !connection.includes('close'),
    keepAliveMs: timeoutMs(control.keepAlive),
  }
}
