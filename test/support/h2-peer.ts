/** A connection of ours with a peer made of bytes: frames go in as they are written here, and what comes out is kept. */
import { createH2Connection } from '../../src/proxy/ingress/h2/connection.ts'
import { errorName } from '../../src/proxy/ingress/h2/errors.ts'
import { preface } from '../../src/proxy/ingress/h2/frames.ts'
import { createHpackDecoder } from '../../src/proxy/ingress/h2/hpack-decoder.ts'
import type { H2Limits, H2Stream, StreamUser } from '../../src/proxy/ingress/h2/seam.ts'

export interface SeenFrame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

export const frame = (type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer => {
  const content = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload
  const head = Buffer.alloc(9)
  head.writeUIntBE(content.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, content])
}

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  frame(4, 0, 0, Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)]))))

/** The block of `GET http://a/`, and one of an answer. */
export const getBlock = '8286844101 61'.replaceAll(' ', '')
export const okBlock = '88'

/** HEADERS of a request; with `ends` there is no body. */
export const request = (id: number, ends = true): Buffer => frame(1, ends ? 5 : 4, id, getBlock)

/** What a client sends first. */
export const hello: Buffer = Buffer.concat([preface, settings()])

export const cut = (bytes: Buffer): SeenFrame[] => {
  const frames: SeenFrame[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    const payload = bytes.subarray(at + 9, at + 9 + length)
    frames.push({ type: bytes[at + 3] ?? 0, flags: bytes[at + 4] ?? 0, id: bytes.readUInt32BE(at + 5), payload })
    at += 9 + length
  }
  return frames
}

const types = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST',
  'SETTINGS',
  'PUSH',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
]

/** A frame in a word or two. */
export const describe = ({ type, flags, id, payload }: SeenFrame): string => {
  const name = types[type] ?? `type ${type}`
  if (type === 3) return `RST ${id} ${errorName(payload.readUInt32BE(0))}`
  if (type === 7) return `GOAWAY ${errorName(payload.readUInt32BE(4))}`
  if (type === 8) return `WINDOW_UPDATE ${id} ${payload.readUInt32BE(0)}`
  if (type === 0) return `DATA ${id} ${payload.length}${(flags & 1) === 1 ? ' end' : ''}`
  return `${name} ${id}${(flags & 1) === 1 ? (type === 1 ? ' end' : ' ack') : ''}`
}

/** What the user of a stream has heard. */
export interface Heard {
  readonly stream: H2Stream
  readonly events: string[]
}

export interface PeerOptions {
  readonly role?: 'server' | 'client'
  readonly limits?: Partial<H2Limits>
  readonly now?: () => number
  /** Called for each request. */
  readonly onRequest?: (stream: H2Stream) => void
  /** What the transport says to a write. */
  readonly takes?: () => boolean
}

const listen = (events: string[]): StreamUser => ({
  fields: (fields, ends) => {
    events.push(`fields ${fields.map(({ key, value }) => `${key}=${value}`).join(' ')}${ends ? ' end' : ''}`)
  },
  data: (bytes, ends) => {
    events.push(`data ${bytes.length}${ends ? ' end' : ''}`)
  },
  drained: () => {
    events.push('drained')
  },
  aborted: (why, unprocessed) => {
    events.push(`aborted ${why}${unprocessed ? ' (unprocessed)' : ''}`)
  },
})

export const createBytePeer = ({ role = 'server', limits = {}, now = () => 0, onRequest, takes }: PeerOptions = {}) => {
  let out: Buffer[] = []
  let writes = 0
  const heard: Heard[] = []
  const closed: (string | undefined)[] = []
  const decoder = createHpackDecoder(1024 * 1024)
  const connection = createH2Connection({
    role,
    limits,
    now,
    write: (bytes) => {
      writes++
      out.push(bytes)
      return takes?.() ?? true
    },
    closed: (error) => {
      closed.push(error)
    },
    onStream: (stream, fields, ends) => {
      const events: string[] = []
      const user = listen(events)
      heard.push({ stream, events })
      user.fields(fields, ends)
      onRequest?.(stream)
      return user
    },
  })

  return {
    connection,
    heard,
    closed,
    decoder,
    /** How many pieces were written. */
    writes: () => writes,
    /** What was sent since the last call. */
    sent: (): Buffer => {
      const bytes = Buffer.concat(out)
      out = []
      return bytes
    },
    /** Opens a stream as a client. */
    ask: (ends = true): Heard | undefined => {
      const events: string[] = []
      const fields = [
        { key: ':method', value: 'GET' },
        { key: ':path', value: '/' },
      ]
      const stream = connection.request(fields, ends, listen(events))
      return stream === undefined ? undefined : { stream, events }
    },
    receive: (...frames: readonly Buffer[]): void => connection.receive(Buffer.concat(frames)),
  }
}

export type BytePeer = ReturnType<typeof createBytePeer>

/** What was sent, each frame in a word; the greeting and what only acknowledges are left out. */
export const answers = (peer: BytePeer): string[] => {
  const bytes = peer.sent()
  const start = bytes.subarray(0, preface.length).equals(preface) ? preface.length : 0
  return cut(bytes.subarray(start))
    .map(describe)
    .filter((text) => !text.startsWith('SETTINGS') && !text.startsWith('WINDOW_UPDATE 0 '))
}
