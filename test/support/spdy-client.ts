/** The client's side of SPDY/3.1, as tests need it. */
import type { Duplex } from 'node:stream'
import { constants, createDeflate, inflateSync } from 'node:zlib'
import { dictionary } from '../../src/agent/streams/spdy/dictionary.ts'

export const controlFrame = (type: number, payload: Buffer, flags = 0): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8003)
  head.writeUInt16BE(type, 2)
  head.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4)
  return Buffer.concat([head, payload])
}

export const dataFrameOf = (id: number, payload: Buffer | string, isLast = false): Buffer => {
  const bytes = Buffer.from(payload)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(id)
  head.writeUInt32BE((((isLast ? 1 : 0) << 24) | bytes.length) >>> 0, 4)
  return Buffer.concat([head, bytes])
}

export const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const lengthAndText = (text: string): Buffer => Buffer.concat([word(Buffer.byteLength(text)), Buffer.from(text)])

export const headerBlock = (headers: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat([
    word(Object.keys(headers).length),
    ...Object.entries(headers).flatMap(([name, value]) => [lengthAndText(name), lengthAndText(value)]),
  ])

/** Compresses one block after the other into one zlib stream. */
export const createCompressor = () => {
  const deflate = createDeflate({ dictionary })
  return async (block: Buffer): Promise<Buffer> => {
    const parts: Buffer[] = []
    const take = (part: Buffer): void => void parts.push(part)
    deflate.on('data', take)
    await new Promise<void>((resolve) => deflate.write(block, () => resolve()))
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, () => setImmediate(resolve)))
    deflate.off('data', take)
    return Buffer.concat(parts)
  }
}

export interface SpdyFrame {
  readonly type: 'data' | number
  readonly id: number
  readonly isLast: boolean
  readonly payload: Buffer
}

/** The frames in these bytes. */
export const framesIn = (bytes: Buffer): readonly SpdyFrame[] => {
  const frames: SpdyFrame[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUIntBE(at + 5, 3)
    const payload = bytes.subarray(at + 8, at + 8 + length)
    const isControl = bytes.readUInt8(at) >= 0x80
    frames.push({
      ...{
        type: isControl ? bytes.readUInt16BE(at + 2) : 'data',
        isLast: (bytes.readUInt8(at + 4) & 1) === 1,
        payload,
      },
      id: isControl ? payload.readUInt32BE() : bytes.readUInt32BE(at),
    })
    at += 8 + length
  }
  return frames
}

/** What all replies say, which is one zlib stream. */
export const repliesIn = (frames: readonly SpdyFrame[]): Buffer =>
  inflateSync(Buffer.concat(frames.filter(({ type }) => type === 2).map(({ payload }) => payload.subarray(4))), {
    finishFlush: constants.Z_SYNC_FLUSH,
    dictionary,
  })

/** Opens streams and collects what comes. */
export const createSpdyClient = (socket: Duplex) => {
  const compress = createCompressor()
  let received: Buffer = Buffer.alloc(0)
  let nextId = 1
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
  })
  socket.on('error', () => undefined)
  return {
    frames: () => framesIn(received),
    open: async (headers: Readonly<Record<string, string>>, isLast = false): Promise<number> => {
      const id = nextId
      nextId += 2
      const block = await compress(headerBlock(headers))
      socket.write(controlFrame(1, Buffer.concat([word(id), word(0), Buffer.alloc(2), block]), isLast ? 1 : 0))
      return id
    },
    send: (id: number, payload: Buffer | string, isLast = false): boolean =>
      socket.write(dataFrameOf(id, payload, isLast)),
    /** All bytes of a stream so far, and whether it has ended. */
    read: (id: number) => {
      const own = framesIn(received).filter((frame) => frame.type === 'data' && frame.id === id)
      return {
        text: Buffer.concat(own.map(({ payload }) => payload)).toString(),
        isEnded: own.some(({ isLast }) => isLast),
      }
    },
    compress,
  }
}
