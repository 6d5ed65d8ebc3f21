/** HTTP requests that are a little wrong: right ones, mutated with the tricks that proxies have fallen for. */
import type { SeededRandom } from './seeded-random.ts'

const lines = (...text: readonly string[]): string => `${text.join('\r\n')}\r\n\r\n`

const next = lines('GET /next HTTP/1.1', 'Host: next.lab')

const seeds: readonly [string, ...string[]] = [
  lines('GET / HTTP/1.1', 'Host: a.lab') + next,
  lines('GET /a/b%20c?d=e HTTP/1.1', 'Host: a.lab:8080', 'User-Agent: curl/8.1', 'Accept: */*', 'X-Empty:'),
  lines('GET http://a.lab/x HTTP/1.1', 'Host: a.lab', 'Cookie: a=b; c=d') + next,
  lines('GET / HTTP/1.0', 'Connection: keep-alive', 'X-Old: yes') + next,
  lines('HEAD /x HTTP/1.1', 'Host: [fd00::1]:80', 'Connection: close, X-Hop', 'X-Hop: 1'),
  `${lines('POST /p HTTP/1.1', 'Host: a.lab', 'Content-Length: 5')}hello${next}`,
  `${lines('PUT /p HTTP/1.1', 'Host: a.lab', 'Content-Type: text/plain', 'Content-Length: 0')}${next}`,
  `${lines('POST /c HTTP/1.1', 'Host: a.lab', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n${next}`,
  `${lines('POST /c HTTP/1.1', 'Transfer-Encoding: chunked', 'Host: a.lab')}A\r\n0123456789\r\n3;x="y"\r\nabc\r\n0\r\nX: y\r\n\r\n${next}`,
  `${lines('POST /e HTTP/1.1', 'Host: a.lab', 'Expect: 100-continue', 'Content-Length: 5')}hello${next}`,
  lines('GET /ws HTTP/1.1', 'Host: a.lab', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'),
]

const tricks: readonly [string, ...string[]] = [
  '\r\n',
  '\n',
  '\r',
  '\r\r\n',
  '\n\r',
  '\r\n\r\n',
  ' ',
  '\t',
  '\x00',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '\xff',
  ':',
  ' :',
  ': ',
  ',',
  ';',
  '"',
  '\\',
  '#',
  '%',
  '%0d%0a',
  '0',
  '+',
  '-',
  '5',
  'chunked',
  'identity',
  'Chunked ',
  'gzip, chunked',
  'HTTP/1.1',
  'HTTP/1.0',
  'Host: b.lab\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 6\r\n',
  'Content-Length:\t5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Transfer-Encoding:\x0bchunked\r\n',
  'X: y\r\n z\r\n',
  'Connection: close\r\n',
  '0\r\n\r\n',
  '5\r\n',
  '3\r\nabc\r\n',
  '0x5',
  '00000000',
  'FFFFFFFFFFFFFFFF',
  next,
]

const splice = (text: string, at: number, removed: number, added: string): string =>
  text.slice(0, at) + added + text.slice(at + removed)

type Mutation = (text: string, random: SeededRandom) => string

const mutations: readonly [Mutation, ...Mutation[]] = [
  (text, random) => splice(text, random.below(text.length + 1), 0, random.pick(tricks)),
  (text, random) => splice(text, random.below(text.length + 1), random.below(4), random.pick(tricks)),
  (text, random) => splice(text, random.below(text.length), 1, String.fromCharCode(random.below(256))),
  (text, random) => splice(text, random.below(text.length), 1 + random.below(3), ''),
  // A line taken out, doubled, or moved elsewhere.
  (text, random) => {
    const all = text.split('\r\n')
    const from = random.below(all.length)
    const line = all[from] ?? ''
    if (random.below(2) === 0) all.splice(from, 1)
    all.splice(random.below(all.length + 1), 0, line)
    return all.join('\r\n')
  },
  // A trick at the start of a line or right at its end.
  (text, random) => {
    const all = text.split('\r\n')
    const at = random.below(all.length)
    const trick = random.pick(tricks)
    all[at] = random.below(2) === 0 ? trick + (all[at] ?? '') : (all[at] ?? '') + trick
    return all.join('\r\n')
  },
]

/** One mutated text. */
export const mutatedRequest = (random: SeededRandom): string => {
  let text = random.pick(seeds)
  for (let left = 1 + random.below(3); left > 0; left--) text = random.pick(mutations)(text, random)
  return text
}
