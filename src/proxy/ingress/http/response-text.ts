/** A backend's answer as it goes to the client, and the answers that the proxy gives itself. */
import { STATUS_CODES } from 'node:http'
import { type Changes, changed } from './changes.ts'
import type { Field } from './fields.ts'
import type { Framing } from './framing.ts'
import { malformed } from './refusal.ts'
import { fieldLines } from './request-text.ts'
import type { ResponseHead } from './response-head.ts'
import { fieldValue } from './syntax.ts'

type WireField = { readonly key: string; readonly value: string }

/** How the answer travels on the client's connection. */
export interface Delivery {
  /** The x of the client's HTTP/1.x. */
  readonly minor: 0 | 1
  readonly framing: Framing
  readonly keepAlive: boolean
  /** Now, as `httpDate` writes it. */
  readonly date: string
  readonly changes?: Changes | undefined
}

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'content-length',
  'te',
  'upgrade',
])

/** Written by the proxy where a backend leaves them out (RFC 9110 section 6.6.1). */
const ownFields = (date: string | undefined, server: string | undefined): string =>
  `${date === undefined ? '' : `Date: ${date}\r\n`}${server === undefined ? '' : `Server: ${server}\r\n`}`

const serverName = 'podway'

/** The answer to HEAD and 304 tell the length of a body that they do not have; 1xx and 204 must not. */
const lengthText = (head: ResponseHead): string => {
  if (head.status < 200 || head.status === 204) return ''
  const length = head.fields.find((field) => field.key === 'content-length')
  return length === undefined ? '' : `Content-Length: ${length.value}\r\n`
}

/** Switching protocols, or asking for it: the two statuses whose Upgrade means the client. */
const upgradeText = (head: ResponseHead): string => {
  if (head.status !== 101 && head.status !== 426) return ''
  const upgrade = head.fields.filter((field) => field.key === 'upgrade').map((field) => field.value)
  return upgrade.length === 0 ? '' : `Upgrade: ${upgrade.join(', ')}\r\n`
}

const connectionText = (upgrades: boolean, { keepAlive, minor }: Delivery, status: number): string => {
  if (status < 200) return upgrades ? 'Connection: Upgrade\r\n' : ''
  const members = [...(upgrades ? ['Upgrade'] : []), ...(keepAlive ? (minor === 0 ? ['keep-alive'] : []) : ['close'])]
  return members.length === 0 ? '' : `Connection: ${members.join(', ')}\r\n`
}

/** The end-to-end fields as received, then ours. */
export const responseText = (head: ResponseHead, delivery: Delivery): string => {
  const { changes } = delivery
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`
  let date: string | undefined = head.status < 200 ? undefined : delivery.date
  let server: string | undefined = head.status < 200 ? undefined : serverName
  for (const field of head.fields) {
    const { name, key } = field
    if (hopByHop.has(key) || head.connection.includes(key)) continue
    if (key === 'date') date = undefined
    else if (key === 'server') server = undefined
    const value = changed(field, changes)
    if (value !== undefined) text += `${name}: ${value}\r\n`
  }
  if (changes && head.status >= 200) text += fieldLines(changes.appended)
  const upgrade = upgradeText(head)
  const framing = delivery.framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : lengthText(head)
  return `${text}${ownFields(date, server)}${framing}${upgrade}${connectionText(upgrade !== '', delivery, head.status)}\r\n`
}

/** The same for an HTTP/2 client. */
export const responseFields = (head: ResponseHead, date: string, changes?: Changes): WireField[] => {
  const isFinal = head.status >= 200
  const fields: WireField[] = [{ key: ':status', value: String(head.status) }]
  const missing = new Map(
    isFinal
      ? [
          ['date', date],
          ['server', serverName],
        ]
      : [],
  )
  for (const field of head.fields) {
    const { key } = field
    if (key !== 'content-length' && (hopByHop.has(key) || head.connection.includes(key))) continue
    missing.delete(key)
    const value = changed(field, changes)
    if (value !== undefined) fields.push({ key, value })
  }
  for (const [name, value] of isFinal ? (changes?.appended ?? []) : [])
    fields.push({ key: name.toLowerCase(), value: fieldValue(value) })
  for (const [key, value] of missing) fields.push({ key, value })
  return fields
}

const framingFields: ReadonlySet<string> = new Set(['transfer-encoding', 'content-length', 'connection', 'upgrade'])

/** Throws for a trailer of a backend that would reframe the answer. */
export const checkResponseTrailer = ({ key, name }: Field): void => {
  if (framingFields.has(key)) throw malformed(`${name} in a trailer`)
}

/** An answer of the proxy's own. */
export interface Reply {
  readonly status: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** A line of text that says what is wrong. */
export const plainReply = (status: number, why: string): Reply => ({
  status,
  fields: [['Content-Type', 'text/plain; charset=utf-8']],
  body: `${status} ${STATUS_CODES[status] ?? ''}: ${why}\n`,
})

/** Like all text of messages, as latin1; the body's bytes are UTF-8. */
export const replyText = (reply: Reply, delivery: Delivery, withBody: boolean): string => {
  const { status, fields, body } = reply
  const connection = connectionText(false, delivery, status)
  const length = status === 204 || status === 304 ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${ownFields(delivery.date, serverName)}` +
    `${fieldLines(fields)}${length}${connection}\r\n${withBody ? Buffer.from(body, 'utf8').toString('latin1') : ''}`
  )
}

export const replyFields = ({ status, fields, body }: Reply, date: string): WireField[] => [
  { key: ':status', value: String(status) },
  { key: 'date', value: date },
  { key: 'server', value: serverName },
  ...fields.map(([name, value]) => ({ key: name.toLowerCase(), value: fieldValue(value) })),
  ...(status === 204 || status === 304 ? [] : [{ key: 'content-length', value: String(Buffer.byteLength(body)) }]),
]

/** The value of a Date field (RFC 9110 section 5.6.7), worked out once a second. */
export const createHttpDate = (now: () => number): (() => string) => {
  let second = Number.NaN
  let text = ''
  return () => {
    const current = Math.floor(now() / 1000)
    if (current !== second) {
      second = current
      text = new Date(current * 1000).toUTCString()
    }
    return text
  }
}
