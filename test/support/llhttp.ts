/** Node's own HTTP parser as a second opinion: what it makes of bytes, without a socket. */
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'

export interface SecondOpinion {
  readonly method: string
  readonly target: string
  /** Names and values in turn. */
  readonly fields: readonly string[]
  /** Without its framing. */
  readonly body: string
  /** Whether the body was there to its end. */
  readonly complete: boolean
}

/** A connection that says `text` and then waits. */
const talker = (text: string): Duplex => {
  const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
  stream.push(Buffer.from(text, 'latin1'))
  return stream
}

interface Seen {
  readonly message: IncomingMessage
  body: string
  complete: boolean
}

const watch = (message: IncomingMessage): Seen => {
  const seen: Seen = { message, body: '', complete: false }
  message.on('data', (piece: Buffer) => {
    seen.body += piece.toString('latin1')
  })
  message.on('end', () => {
    seen.complete = true
  })
  return seen
}

const opinion = ({ message, body, complete }: Seen): SecondOpinion => ({
  method: message.method ?? '',
  target: message.url ?? '',
  fields: message.rawHeaders,
  body,
  complete,
})

/** Streams work in turns of the event loop; nothing here waits for the outside. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const events = ['request', 'checkContinue', 'checkExpectation', 'connect', 'upgrade'] as const

/** The requests that each of the texts begins with, read strictly up to the first error. */
export const readWithLlhttp = async (texts: readonly string[]): Promise<readonly (readonly SecondOpinion[])[]> => {
  const server = createServer({ maxHeaderSize: 1024 * 1024, insecureHTTPParser: false })
  server.maxHeadersCount = 0
  // An error ends the reading of one text; what was read before it stays.
  server.on('clientError', () => {})
  const seen = new Map<Duplex, Seen[]>()
  for (const event of events)
    server.on(event, (message: IncomingMessage) => seen.get(message.socket)?.push(watch(message)))
  for (const text of texts) {
    const stream = talker(text)
    seen.set(stream, [])
    server.emit('connection', stream)
  }
  await settled()
  const opinions = [...seen.values()].map((requests) => requests.map(opinion))
  for (const stream of seen.keys()) stream.destroy()
  server.close()
  return opinions
}
