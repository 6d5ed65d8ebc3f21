/** A backend's answer as it goes to the client, and the answers that the proxy gives itself. */
import type { Field } from './fields.ts'
import type { Framing } from './framing.ts'
import { malformed } from './refusal.ts'
import type { ResponseHead } from './response-head.ts'

/** How the answer travels on the client's connection. */
export interface Delivery {
  /** The x of the client's HTTP/1.x. */
  readonly minor: 0 | 1
  readonly framing: Framing
  readonly keepAlive: boolean
  /** Now, as `httpDate` writes it. */
  readonly date: string
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
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`
  let date: string | undefined = head.status < 200 ? undefined : delivery.date
  let server: string | undefined = head.status < 200 ? undefined : serverName
  for (const { name, key, value } of head.fields) {
    if (hopByHop.has(key) || head.connection.includes(key)) continue
    if (key === 'date') date = undefined
    else if (key === 'server') server = undefined
    text += `${name}: ${value}\r\n`
  }
  const upgrade = upgradeText(head)
  const framing = delivery.framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : lengthText(head)
  return `${text}${ownFields(date, server)}${framing}${upgrade}${connectionText(upgrade !== '', delivery, head.status)}\r\n`
}

const framingFields: ReadonlySet<string> = new Set(['transfer-encoding', 'content-length', 'connection', 'upgrade'])

/** Throws for a trailer of a backend that would reframe the answer. */
export const checkResponseTrailer = ({ key, name }: Field): void => {
  if (framingFields.has(key)) throw malformed(`${name} in a trailer`)
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

/** A whole answer of the proxy's own: a line of text that says what is wrong. */
export const replyText = (status: number, why: string, delivery: Delivery, withBody: boolean): string => {
  const reason = reasons[status] ?? ''
  const body = `${status} ${reason}: ${why}\n`
  const connection = connectionText(false, delivery, status)
  return (
    `HTTP/1.1 ${status} ${reason}\r\n${ownFields(delivery.date, serverName)}Content-Type: text/plain; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n${connection}\r\n${withBody ? body : ''}`
  )
}

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
