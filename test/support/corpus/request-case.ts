/** One trick: what a client sends, and what must come of it. */

export interface RequestCase {
  readonly bytes: string
  /** The statuses the client gets, in turn. */
  readonly answers: readonly number[]
  /** Every complete request that reaches the backend: method, target, and the body with its framing. */
  readonly backend: readonly string[]
  /** Lines that the backend gets, or never gets, in any letters. */
  readonly has?: readonly string[]
  readonly lacks?: readonly string[]
}

export type RequestCases = Readonly<Record<string, RequestCase>>

/** Follows each case on the same connection. */
export const sentinel = 'GET /sentinel HTTP/1.1\r\nHost: a.lab\r\nConnection: close\r\n\r\n'
export const sentinelSeen = 'GET /sentinel'

/** What an attacker wants to be taken for a request. */
export const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a.lab\r\n\r\n'

/** A head of these lines. */
export const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`
export const get = (...fields: readonly string[]): string => head('GET /x HTTP/1.1', 'Host: a.lab', ...fields)
export const post = (...fields: readonly string[]): string => head('POST /x HTTP/1.1', 'Host: a.lab', ...fields)
export const target = (text: string): string => head(`GET ${text} HTTP/1.1`, 'Host: a.lab')
export const host = (text: string): string => head('GET /x HTTP/1.1', `Host: ${text}`)
export const chunked = (body: string): string => `${post('Transfer-Encoding: chunked')}${body}`

type Lines = Pick<RequestCase, 'has' | 'lacks'>

/** The last of its connection: not even what follows it is read. */
export const refused = (status: number, bytes: string): RequestCase => ({ bytes, answers: [status], backend: [] })

/** Forwarded as this one request; the connection goes on. */
export const forwarded = (bytes: string, seen: string, lines: Lines = {}): RequestCase => ({
  ...{ bytes, answers: [200, 200], backend: [seen, sentinelSeen] },
  ...lines,
})

/** Forwarded, and the connection ends. */
export const last = (bytes: string, seen: string, lines: Lines = {}): RequestCase => ({
  ...{ bytes, answers: [200], backend: [seen] },
  ...lines,
})

/** Answered by the proxy; the connection goes on. */
export const answered = (status: number, bytes: string): RequestCase => ({
  ...{ bytes, answers: [status, 200], backend: [sentinelSeen] },
})
