/**
 * SPDY/3.1 as clients of Kubernetes speak it: the client opens streams, each with headers and both directions. Nobody there
 * minds the windows of SPDY, so what holds the peer up is the connection itself: it is not read while one of its streams is full.
 */
import { Duplex } from 'node:stream'
import { switchProtocols } from '../../../host/upgrade.ts'
import {
  type ControlFrame,
  type DataFrame,
  dataFrame,
  goAwayFrame,
  openFrame,
  pingFrame,
  readFrames,
  replyFrame,
  resetCodes,
  resetFrame,
  types,
} from './frames.ts'
import { createHeaderReader, type Headers } from './headers.ts'

export interface SpdyStream {
  readonly headers: Headers
  /** Ends for each direction by itself. */
  readonly stream: Duplex
}

export interface SpdySession {
  /** Resolves when the connection has ended; never rejects. All of its streams have ended by then. */
  readonly ended: Promise<void>
  /** Ends the connection when all that was written has left. */
  close(): void
}

/** The client's side of one. */
export interface SpdyClientSession extends SpdySession {
  /** Ends for each direction by itself. It may be written to before the server has agreed. */
  open(headers: ReadonlyMap<string, string>): Duplex
}

/** Streams at the same time. */
const maxStreams = 512
const maxPayload = 32 * 1024
const holdBytes = 64 * 1024
/** For so long the peer may take to close its side of a connection that has ended here. */
const closeMs = 10_000

interface Channel {
  readonly stream: Duplex
  /** Resolves when there is room again. */
  readonly take: (payload: Buffer) => Promise<void> | undefined
  readonly end: () => void
  readonly reset: () => void
  readonly isEnded: () => boolean
}

type Write = (frame: Buffer, done?: (error?: Error | null) => void) => void

const openChannel = (id: number, write: Write, onGone: () => void): Channel => {
  let isEnded = false
  let isReset = false
  let wake: (() => void) | undefined
  const goOn = (): void => {
    const go = wake
    wake = undefined
    go?.()
  }
  const send = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    const part = bytes.subarray(0, maxPayload)
    const rest = bytes.subarray(maxPayload)
    write(dataFrame(id, part, false), (error) => (error || rest.length === 0 ? done(error) : send(rest, done)))
  }
  const stream = new Duplex({
    ...{ allowHalfOpen: true, readableHighWaterMark: holdBytes, writableHighWaterMark: maxPayload },
    read: goOn,
    write: (bytes: Buffer, _encoding, done) => send(bytes, done),
    final: (done) => write(dataFrame(id, Buffer.alloc(0), true), done),
    destroy: (error, done) => {
      if (!isReset && !(isEnded && stream.writableFinished)) write(resetFrame(id, resetCodes.cancel))
      onGone()
      goOn()
      done(error)
    },
  })
  // Whoever uses the stream hears of it; one that nobody uses yet must not end the process.
  stream.on('error', () => undefined)
  return {
    stream,
    take: (payload) => {
      if (stream.destroyed || stream.push(payload)) return undefined
      return new Promise((resolve) => {
        wake = resolve
      })
    },
    end: () => {
      isEnded = true
      if (!stream.destroyed) stream.push(null)
    },
    reset: () => {
      isReset = true
      stream.destroy(new Error('the peer gave the stream up'))
    },
    isEnded: () => isEnded,
  }
}

const word = (payload: Buffer, at = 0): number => {
  if (payload.length < at + 4) throw new Error('a control frame that ends early')
  return payload.readUInt32BE(at)
}
const idBits = 0x7fff_ffff
const finFlag = 1
const synHeadBytes = 10

/** Speaks SPDY from here on, with the protocol chosen for what its streams carry. */
export const switchToSpdy = (socket: Duplex, protocol: string): void =>
  switchProtocols(socket, {
    ...{ connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol },
  })

/** What becomes of a stream that the peer opens; a client, which has no such, lets nobody open any. */
type OnStream = ((stream: SpdyStream) => void) | undefined

/** Goes on until the connection ends. `head`: what the peer has sent already. */
const speakSpdy = (socket: Duplex, head: Buffer, onStream: OnStream): SpdyClientSession => {
  const channels = new Map<number, Channel>()
  const headers = createHeaderReader()
  let lastId = 0
  let hasHeaders = false

  const write: Write = (frame, done = () => undefined) => {
    if (!socket.writable) return done(new Error('the connection has ended'))
    // While there is room, nobody waits for the network.
    const isHeldUp = socket.writableNeedDrain
    socket.write(frame, isHeldUp ? done : undefined)
    if (!isHeldUp) done()
  }

  const open = (named: Headers): Duplex => {
    const id = lastId === 0 ? 1 : lastId + 2
    lastId = id
    const channel = openChannel(id, write, () => channels.delete(id))
    channels.set(id, channel)
    write(openFrame(id, named, !hasHeaders))
    hasHeaders = true
    return channel.stream
  }

  const synStream = async ({ payload, flags }: ControlFrame): Promise<void> => {
    if (!onStream) throw new Error('a server that opens a stream')
    const id = word(payload) & idBits
    if (payload.length < synHeadBytes) throw new Error('a control frame that ends early')
    if (id <= lastId || id % 2 === 0) throw new Error(`a stream with the number ${id} after ${lastId}`)
    lastId = id
    const found = await headers.read(payload.subarray(synHeadBytes))
    if (channels.size >= maxStreams) return write(resetFrame(id, resetCodes.refusedStream))
    const channel = openChannel(id, write, () => channels.delete(id))
    channels.set(id, channel)
    write(replyFrame(id, !hasHeaders))
    hasHeaders = true
    if ((flags & finFlag) !== 0) channel.end()
    onStream({ headers: found, stream: channel.stream })
  }

  const onControl = async (frame: ControlFrame): Promise<void> => {
    const { type, payload, flags } = frame
    switch (type) {
      case types.synStream:
        return synStream(frame)
      case types.ping: {
        const id = word(payload)
        // One of our own number would be the answer to ours.
        if ((id % 2 === 1) === (onStream !== undefined))
          await new Promise<void>((resolve) => write(pingFrame(id), () => resolve()))
        return
      }
      case types.reset:
        return channels.get(word(payload) & idBits)?.reset()
      case types.synReply:
      case types.headers:
        if (onStream && type === types.synReply) throw new Error('a reply to a stream that was not opened')
        // They have no meaning here, but are part of the one compressed stream.
        await headers.read(payload.subarray(4))
        if ((flags & finFlag) !== 0) channels.get(word(payload) & idBits)?.end()
        return
      default:
      // SETTINGS, GOAWAY, WINDOW_UPDATE, and what comes after SPDY/3.1.
    }
  }

  const onData = async ({ id, payload, isLast }: DataFrame): Promise<void> => {
    const channel = channels.get(id)
    if (!channel) {
      // What was on its way when the stream ended here.
      if (id === 0 || id > lastId) throw new Error(`data for the stream ${id}, which was not opened`)
      return
    }
    if (channel.isEnded()) throw new Error(`data behind the end of the stream ${id}`)
    if (payload.length > 0) await channel.take(payload)
    if (isLast) channel.end()
  }

  const endAll = (): void => {
    for (const { stream } of [...channels.values()]) stream.destroy(new Error('the connection has ended'))
  }
  /** Servers end the connection in place of its streams: what has come may still be read. */
  const endReading = (): void => {
    for (const channel of channels.values()) if (!channel.isEnded()) channel.end()
  }
  // It is not read while one stream is full, so its end might not be seen.
  socket.once('close', (hadError?: boolean) => {
    if (onStream || hadError) endAll()
  })

  const serve = async (): Promise<void> => {
    if (head.length > 0) socket.unshift(head)
    for await (const frame of readFrames(socket)) await (frame.kind === 'data' ? onData(frame) : onControl(frame))
  }
  const ended = serve()
    .then(onStream ? endAll : endReading, endAll)
    .finally(() => {
      headers.close()
      socket.destroy()
    })
  return {
    open,
    ended,
    close: () => {
      if (socket.writable) socket.end(goAwayFrame(lastId))
      setTimeout(() => socket.destroy(), closeMs).unref()
    },
  }
}

/** Serves until the connection ends. `head`: what the client has sent already. */
export const serveSpdy = (socket: Duplex, head: Buffer, onStream: (stream: SpdyStream) => void): SpdySession =>
  speakSpdy(socket, head, onStream)

/** The client's side of a connection that has become one of SPDY. */
export const joinSpdy = (socket: Duplex, head: Buffer): SpdyClientSession => speakSpdy(socket, head, undefined)
