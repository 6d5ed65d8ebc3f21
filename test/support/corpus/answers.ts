/** What backends answer that a client must not get as it is, and what becomes of it. */

export interface AnswerCase {
  /** What the backend says to `GET /x`. It closes the connection after that where `closes`. */
  readonly bytes: string
  readonly closes: boolean
  /** What the client gets: a status, and the body that it reads. Undefined body: the connection is cut off. */
  readonly status: number
  readonly body: string | undefined
  /** Whether the client's connection serves the next request. */
  readonly goesOn: boolean
  readonly lacks?: readonly string[]
  /** The method that is asked with, GET if not said. */
  readonly method?: string
}

export type AnswerCases = Readonly<Record<string, AnswerCase>>

const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`
const ok = (...fields: readonly string[]): string => head('HTTP/1.1 200 OK', ...fields)

/** What an attacker wants the next client to get. */
const evil = `${ok('Content-Length: 4', 'X-Evil: 1')}evil`

const wrong = (bytes: string): AnswerCase => ({
  ...{ bytes, closes: false, status: 502, goesOn: true, lacks: ['X-Evil', 'evil'] },
  body: '502 Bad Gateway: the backend gave a wrong answer\n',
})
const right = (bytes: string, body: string, more: Partial<AnswerCase> = {}): AnswerCase => ({
  ...{ bytes, closes: false, status: 200, body, goesOn: true },
  ...more,
})
/** The answer had begun: there is no other way to say that it went wrong. */
const cutOff = (bytes: string, closes = false): AnswerCase => ({
  ...{ bytes, closes, status: 200, body: undefined, goesOn: false },
})

export const answerCases: AnswerCases = {
  'a length': right(`${ok('Content-Length: 5')}hello`, 'hello'),
  'a length and more bytes': right(`${ok('Content-Length: 5')}hello${evil}`, 'hello', { lacks: ['X-Evil'] }),
  'no body and more bytes': right(`${ok('Content-Length: 0')}${evil}`, '', { lacks: ['X-Evil'] }),
  'to HEAD, with a body': right(`${ok('Content-Length: 5')}hello`, '', { method: 'HEAD', lacks: ['hello'] }),
  '204 with a body': right(`${head('HTTP/1.1 204 No Content', 'Content-Length: 5')}hello`, '', {
    ...{ status: 204, lacks: ['hello', 'content-length'] },
  }),
  '304 with a body': right(`${head('HTTP/1.1 304 Not Modified', 'Content-Length: 5')}hello`, '', {
    ...{ status: 304, lacks: ['hello'] },
  }),
  'until the end': right(`${ok()}hello`, 'hello', { closes: true, goesOn: false }),
  'length and coding': wrong(`${ok('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${evil}`),
  'two lengths': wrong(`${ok('Content-Length: 5', 'Content-Length: 50')}hello${evil}`),
  'two equal lengths': wrong(`${ok('Content-Length: 5', 'Content-Length: 5')}hello`),
  'a list of lengths': wrong(`${ok('Content-Length: 5, 5')}hello`),
  'a signed length': wrong(`${ok('Content-Length: +5')}hello`),
  'two codings': wrong(`${ok('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')}0\r\n\r\n`),
  'an unknown coding': wrong(`${ok('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`),
  'bare LF': wrong('HTTP/1.1 200 OK\nContent-Length: 5\n\r\n\r\nhello'),
  'bare CR in a field': wrong(ok('Content-Length: 0', 'X: y\rX-Evil: 1')),
  'bare LF in a field': wrong(ok('Content-Length: 0', 'X: y\nX-Evil: 1')),
  'NUL in a field': wrong(ok('Content-Length: 0', 'X: y\x00X-Evil: 1')),
  'a folded field': wrong(ok('Content-Length: 0', 'X: y', ' X-Evil: 1')),
  'a blank before a colon': wrong(ok('Content-Length: 0', 'X-Evil : 1')),
  'a head too large': wrong(
    ok('Content-Length: 0', ...Array.from({ length: 50 }, (_, at) => `X-${at}: ${'y'.repeat(1000)}`)),
  ),
  'too many fields': wrong(ok('Content-Length: 0', ...Array.from({ length: 150 }, (_, at) => `X-${at}: y`))),
  'no status': wrong(head('HTTP/1.1 OK', 'Content-Length: 0')),
  'a status of two digits': wrong(head('HTTP/1.1 20 OK', 'Content-Length: 0')),
  'a status of four digits': wrong(head('HTTP/1.1 2000 OK', 'Content-Length: 0')),
  'another version': wrong(head('HTTP/2.0 200 OK', 'Content-Length: 0')),
  'another protocol': wrong('SSH-2.0-OpenSSH_9.6\r\n\r\n'),
  TLS: wrong('\x15\x03\x01\x00\x02\x02\x46\r\n\r\n'),
  '101 that nobody asked for': wrong(
    `${head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: x')}${evil}`,
  ),
  'some 1xx': right(`${head('HTTP/1.1 103 Early Hints', 'Link: x').repeat(3)}${ok('Content-Length: 5')}hello`, 'hello'),
  'a flood of 1xx': wrong(head('HTTP/1.1 103 Early Hints', 'Link: x').repeat(500)),
  'an end before the head is': {
    ...{ bytes: 'HTTP/1.1 200 OK\r\nContent-', closes: true, status: 502, goesOn: true },
    body: '502 Bad Gateway: the backend closed the connection\n',
  },
  'an end before the body is': cutOff(`${ok('Content-Length: 50')}hello`, true),
  'an end before the last chunk is': cutOff(`${ok('Transfer-Encoding: chunked')}5\r\nhello\r\n`, true),
  chunks: right(`${ok('Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`, '5\r\nhello\r\n0\r\n\r\n'),
  'chunks and more bytes': right(`${ok('Transfer-Encoding: chunked')}0\r\n\r\n${evil}`, '0\r\n\r\n', {
    lacks: ['X-Evil'],
  }),
  'a chunk size with a sign': wrong(`${ok('Transfer-Encoding: chunked')}1\r\na\r\n+5\r\nhello\r\n0\r\n\r\n`),
  'a chunk with a bare LF': wrong(`${ok('Transfer-Encoding: chunked')}1\r\na\r\n5\nhello\r\n0\r\n\r\n`),
  'a chunk longer than its size': wrong(`${ok('Transfer-Encoding: chunked')}1\r\na\r\n2\r\nhello\r\n0\r\n\r\n`),
  'a trailer that reframes': wrong(`${ok('Transfer-Encoding: chunked')}1\r\na\r\n0\r\nContent-Length: 50\r\n\r\n`),
  'fields of the connection': right(
    `${ok('Content-Length: 5', 'Connection: X-Hop, close', 'X-Hop: evil', 'Keep-Alive: timeout=1', 'Upgrade: h2c')}hello`,
    'hello',
    { lacks: ['evil', 'keep-alive', 'upgrade', 'connection'] },
  ),
}
