/** Node's own HTTP parser (llhttp, strict) as a second opinion: what it makes of bytes, without a server around it. */
import { createRequire } from 'node:module'

export interface LlhttpRequest {
  readonly method: string
  readonly target: string
  /** The x of HTTP/1.x. */
  readonly minor: number
  /** Names and values in turn. */
  readonly fields: readonly string[]
  readonly trailers: readonly string[]
  /** Without its framing. */
  readonly body: string
  readonly keepAlive: boolean
  /** Whether another protocol may begin after it: nothing more is read then. */
  readonly upgrade: boolean
  /** Whether it was there to its end. */
  readonly complete: boolean
  /** How many bytes had been given when it was complete. */
  readonly end: number
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void
  /** The number of bytes read; fewer than all before another protocol. */
  execute(bytes: Buffer): number | Error
  /** Gives its memory back, which garbage collection knows little of. */
  close(): void
  [callback: number]: unknown
}

interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

const { HTTPParser, methods } = createRequire(import.meta.url)('node:_http_common') as {
  readonly HTTPParser: ParserClass
  readonly methods: readonly string[]
}

const maxHeadBytes = 1024 * 1024

type Mutable<T> = { -readonly [key in keyof T]: T[key] }

export interface LlhttpReader {
  /** Reads on; false once nothing more can be read. */
  feed(bytes: Buffer): boolean
  /** Each request whose head was complete. */
  readonly requests: readonly LlhttpRequest[]
  /** Whether it met an error. */
  readonly failed: boolean
  /** To be called at last, and not from `onRequest`. */
  close(): void
}

/** Reads the requests of one connection up to the first error. `onRequest` is told of each that is complete. */
export const createLlhttpReader = (onRequest?: (request: LlhttpRequest) => void): LlhttpReader => {
  const parser = new HTTPParser()
  const requests: Mutable<LlhttpRequest>[] = []
  let current: Mutable<LlhttpRequest> | undefined
  /** Of a head with many fields, which comes in parts. */
  let fields: string[] = []
  let target = ''
  let fed = 0
  let over = false
  let failed = false

  parser.initialize(HTTPParser.REQUEST, {}, maxHeadBytes, 0)
  parser[HTTPParser.kOnHeaders] = (some: readonly string[], url: string) => {
    if (current) current.trailers = [...current.trailers, ...some]
    else {
      fields.push(...some)
      target += url
    }
  }
  parser[HTTPParser.kOnHeadersComplete] = (
    ...[, minor, some, method, url, , , upgrade, keepAlive]: readonly [
      ...[major: number, minor: number, fields: readonly string[] | undefined, method: number, url: string | undefined],
      ...[status: undefined, reason: undefined, upgrade: boolean, keepAlive: boolean],
    ]
  ): number => {
    current = {
      ...{
        method: methods[method] ?? '',
        target: url ?? target,
        minor,
        fields: some ?? fields,
        trailers: [],
        body: '',
      },
      ...{ keepAlive, upgrade, complete: false, end: 0 },
    }
    requests.push(current)
    fields = []
    target = ''
    return 0
  }
  parser[HTTPParser.kOnBody] = (piece: Buffer) => {
    if (current) current.body += piece.toString('latin1')
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (!current) return
    const done = current
    current = undefined
    done.complete = true
    done.end = fed
    onRequest?.(done)
  }

  return {
    feed: (bytes) => {
      if (over) return false
      fed += bytes.length
      const read = parser.execute(bytes)
      failed = typeof read !== 'number'
      over = read !== bytes.length
      return !over
    },
    requests,
    get failed() {
      return failed
    },
    close: () => parser.close(),
  }
}

/** Reads what the bytes begin with. They are fed in parts that end at `cuts`, in rising order. */
export const readWithLlhttp = (
  bytes: Buffer,
  cuts: readonly number[] = [],
): Pick<LlhttpReader, 'requests' | 'failed'> => {
  const reader = createLlhttpReader()
  let start = 0
  for (const cut of [...cuts, bytes.length]) {
    if (cut <= start) continue
    if (!reader.feed(bytes.subarray(start, cut))) break
    start = cut
  }
  reader.close()
  return reader
}
