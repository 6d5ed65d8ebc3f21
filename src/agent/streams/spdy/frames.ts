/** The frames of SPDY/3.1, to and from bytes. Pure but for the source that is read. */

export interface DataFrame {
  readonly kind: 'data'
  readonly id: number
  readonly isLast: boolean
  readonly payload: Buffer
}

export interface ControlFrame {
  readonly kind: 'control'
  readonly type: number
  readonly flags: number
  readonly payload: Buffer
}

export type Frame = DataFrame | ControlFrame

/** Types of control frames. */
export const types = {
  synStream: 1,
  synReply: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  window: 9,
} as const

/** Why a stream is reset. */
export const resetCodes = { protocolError: 1, refusedStream: 3, cancel: 5 } as const

const version = 3
const headBytes = 8
const finFlag = 1
/** A frame may be longer by its length's 24 bits; nobody sends one. */
const maxDataBytes = 1024 * 1024
const maxControlBytes = 64 * 1024

const head = (first: number, flags: number, length: number): Buffer => {
  const bytes = Buffer.alloc(headBytes)
  bytes.writeUInt32BE(first >>> 0)
  bytes.writeUInt32BE(((flags << 24) | length) >>> 0, 4)
  return bytes
}

export const dataFrame = (id: number, payload: Buffer, isLast: boolean): Buffer =>
  Buffer.concat([head(id, isLast ? finFlag : 0, payload.length), payload])

const control = (type: number, numbers: readonly number[], rest: Buffer = Buffer.alloc(0)): Buffer => {
  const body = Buffer.alloc(numbers.length * 4)
  for (const [at, number] of numbers.entries()) body.writeUInt32BE(number >>> 0, at * 4)
  return Buffer.concat([head(0x8000_0000 | (version << 16) | type, 0, body.length + rest.length), body, rest])
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const lengthAndText = (text: string): readonly Buffer[] => [number(Buffer.byteLength(text)), Buffer.from(text)]

/** As a zlib stream: a block stored as it is, and the empty one by which a flush ends (readers wait for it). */
const headerBlock = (headers: ReadonlyMap<string, string>, isFirst: boolean): Buffer => {
  const block = Buffer.concat([
    number(headers.size),
    ...[...headers].flatMap(([name, value]) => [...lengthAndText(name), ...lengthAndText(value)]),
  ])
  const lengths = Buffer.alloc(4)
  lengths.writeUInt16LE(block.length)
  lengths.writeUInt16LE(~block.length & 0xffff, 2)
  return Buffer.concat([
    Buffer.from(isFirst ? [0x78, 0x01, 0x00] : [0x00]),
    ...[lengths, block, Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff])],
  ])
}

/** `isFirst`: of the session, whose headers are one stream in each direction. */
export const replyFrame = (id: number, isFirst: boolean): Buffer =>
  control(types.synReply, [id], headerBlock(new Map(), isFirst))
/** Headers are few, and short. */
export const openFrame = (id: number, headers: ReadonlyMap<string, string>, isFirst: boolean): Buffer =>
  control(types.synStream, [id, 0], Buffer.concat([Buffer.alloc(2), headerBlock(headers, isFirst)]))
export const resetFrame = (id: number, code: number): Buffer => control(types.reset, [id, code])
export const pingFrame = (id: number): Buffer => control(types.ping, [id])
export const goAwayFrame = (lastId: number): Buffer => control(types.goAway, [lastId, 0])

const parseHead = (bytes: Buffer): { readonly length: number; readonly make: (payload: Buffer) => Frame } => {
  const first = bytes.readUInt32BE(0)
  const flags = bytes.readUInt8(4)
  const length = bytes.readUIntBE(5, 3)
  if (first < 0x8000_0000) {
    if (length > maxDataBytes) throw new Error(`a data frame of ${length} bytes`)
    return { length, make: (payload) => ({ kind: 'data', id: first, isLast: (flags & finFlag) !== 0, payload }) }
  }
  const found = (first >>> 16) & 0x7fff
  if (found !== version) throw new Error(`a frame of SPDY/${found}`)
  if (length > maxControlBytes) throw new Error(`a control frame of ${length} bytes`)
  return { length, make: (payload) => ({ kind: 'control', type: first & 0xffff, flags, payload }) }
}

/** Reads no faster than it is asked. Throws for what is no frame. */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0)
  const waiting: Buffer[] = []
  let held = 0
  let needed = headBytes
  for await (const chunk of source) {
    waiting.push(chunk)
    held += chunk.length
    if (rest.length + held < needed) continue
    rest = Buffer.concat([rest, ...waiting])
    waiting.length = 0
    held = 0
    for (;;) {
      needed = headBytes
      if (rest.length < needed) break
      const { length, make } = parseHead(rest)
      needed = headBytes + length
      if (rest.length < needed) break
      yield make(rest.subarray(headBytes, needed))
      rest = rest.subarray(needed)
    }
  }
  if (rest.length + held > 0) throw new Error('the connection ended within a frame')
}
