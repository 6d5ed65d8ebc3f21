/** Byte streams as channels of a WebSocket: each message is a channel's number and bytes of it. */
import { Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { bytesOf } from '../../api/web-socket.ts'

export interface ChannelSocket {
  /** What the client sends on this channel. Asked for once. */
  readable(channel: number): Readable
  writable(channel: number): Writable
  /** Ends the connection behind what was written. */
  close(): void
  /** Aborts when the client is gone, or has broken the rules. */
  readonly gone: AbortSignal
}

export interface ChannelSocketOptions {
  /** Texts of a digit and base64, for clients that cannot send bytes. */
  readonly isBase64: boolean
  /** The client may end a channel, by a message of this number and the channel's (v5). */
  readonly closeNumber?: number
}

const holdBytes = 64 * 1024
const backlogBytes = 256 * 1024
const closeMs = 10_000
/** RFC 6455, 7.4.1. */
const codes = { normal: 1000, protocolError: 1002 } as const

const decode = (
  message: Buffer,
  isBase64: boolean,
): { readonly channel: number; readonly bytes: Buffer } | undefined => {
  const first = message[0]
  if (first === undefined) return undefined
  if (!isBase64) return { channel: first, bytes: message.subarray(1) }
  const digit = first - 0x30
  return digit >= 0 && digit <= 9
    ? { channel: digit, bytes: Buffer.from(message.toString('latin1', 1), 'base64') }
    : undefined
}

export const createChannelSocket = (
  socket: WebSocket,
  { isBase64, closeNumber }: ChannelSocketOptions,
): ChannelSocket => {
  const readables = new Map<number, Readable>()
  const full = new Set<number>()
  const gone = new AbortController()

  const end = (channel: number): void => {
    const readable = readables.get(channel)
    readables.delete(channel)
    readable?.push(null)
  }
  const take = (message: Buffer): void => {
    if (closeNumber !== undefined && message[0] === closeNumber && message.length === 2) return end(message[1] ?? 0)
    const found = decode(message, isBase64)
    if (!found) return socket.close(codes.protocolError, 'a message without a channel')
    const { channel, bytes } = found
    const readable = readables.get(channel)
    if (bytes.length === 0 || !readable || readable.destroyed || readable.push(bytes)) return
    full.add(channel)
    socket.pause()
  }
  const goOn = (channel: number): void => {
    if (full.delete(channel) && full.size === 0) socket.resume()
  }

  socket.on('message', (data) => take(bytesOf(data)))
  socket.once('close', () => {
    gone.abort()
    for (const readable of readables.values()) readable.destroy(new Error('the client has gone'))
  })

  const encode = (channel: number, bytes: Buffer): Buffer | string =>
    isBase64 ? `${channel}${bytes.toString('base64')}` : Buffer.concat([Buffer.from([channel]), bytes])

  return {
    gone: gone.signal,
    readable: (channel) => {
      const readable = new Readable({
        highWaterMark: holdBytes,
        read: () => goOn(channel),
        destroy: (error, done) => {
          readables.delete(channel)
          goOn(channel)
          done(error)
        },
      })
      readable.on('error', () => undefined)
      readables.set(channel, readable)
      return readable
    },
    writable: (channel) => {
      const writable = new Writable({
        write: (bytes: Buffer, _encoding, done) => {
          if (socket.readyState !== socket.OPEN) return done(new Error('the client has gone'))
          // While there is room, nobody waits for the network.
          const isHeldUp = socket.bufferedAmount > backlogBytes
          socket.send(encode(channel, bytes), { binary: !isBase64 }, (error) => {
            if (isHeldUp) done(error ?? null)
          })
          if (!isHeldUp) done()
        },
      })
      writable.on('error', () => undefined)
      return writable
    },
    close: () => {
      socket.resume()
      socket.close(codes.normal)
      setTimeout(() => socket.terminate(), closeMs).unref()
    },
  }
}
