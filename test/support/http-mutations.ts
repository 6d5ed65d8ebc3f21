/** HTTP requests that are a little wrong: right ones and the whole corpus, mutated with the tricks that proxies have fallen for. */
import * as framing from './corpus/framing.ts'
import * as heads from './corpus/heads.ts'
import type { RequestCases } from './corpus/request-case.ts'
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

/** Longer ones cost time and hold nothing new. */
const longestSeed = 1_000

const groups: readonly RequestCases[] = [...Object.values(framing), ...Object.values(heads)]

const corpus: readonly [string, ...string[]] = [
  seeds[0],
  ...groups
    .flatMap((cases) => Object.values(cases).map(({ bytes }) => bytes))
    .filter(({ length }) => length <= longestSeed),
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
  '\xa0',
  '\x85',
  '\xc4\x8a',
  '\xe2\x84\xaa',
  '\xc0\xae',
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
  'Connection: keep-alive\r\n',
  'Connection: Host, Content-Length\r\n',
  'Connection: Upgrade\r\nUpgrade: x\r\n',
  'Expect: 100-continue\r\n',
  'Trailer: X\r\n',
  'X: y\r\n',
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

const pickSeed = (random: SeededRandom): string => random.pick(random.below(3) > 0 ? seeds : corpus)

/** Changes one line. */
const online =
  (change: (line: string, random: SeededRandom) => string): Mutation =>
  (text, random) => {
    const all = text.split('\r\n')
    const at = random.below(all.length)
    all[at] = change(all[at] ?? '', random)
    return all.join('\r\n')
  }

const otherCase = (text: string): string => (text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase())

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
  online((line, random) => {
    const trick = random.pick(tricks)
    return random.below(2) === 0 ? trick + line : line + trick
  }),
  online((line, random) => line.slice(0, random.below(line.length + 1))),
  online((line) => `${line}\r\n${line}`),
  online(otherCase),
  online((line) => line.replace(/\d+/, (digits) => String(Number(digits) + 1))),
  online((line) => line.replace(/\d+/, (digits) => `0${digits}`)),
  online((line, random) =>
    splice(line, random.below(line.length + 1), 0, random.pick(tricks).repeat(1 + random.below(300))),
  ),
  // A bit flipped.
  (text, random) => {
    const at = random.below(text.length)
    return splice(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8))))
  },
  (text, random) => {
    const at = random.below(text.length)
    const length = 1 + random.below(8)
    return splice(text, at, length, otherCase(text.slice(at, at + length)))
  },
  (text, random) => text.slice(0, random.below(text.length + 1)),
  // The start of one and the end of another.
  (text, random) => {
    const start = text.split('\r\n')
    const end = pickSeed(random).split('\r\n')
    return [...start.slice(0, random.below(start.length + 1)), ...end.slice(random.below(end.length))].join('\r\n')
  },
  (text, random) => text + pickSeed(random),
]

/** One mutated text. */
export const mutatedRequest = (random: SeededRandom): string => {
  let text = pickSeed(random)
  for (let left = 1 + random.below(3); left > 0; left--)
    text = random.pick(mutations)(text === '' ? '\r\n' : text, random)
  return text
}
