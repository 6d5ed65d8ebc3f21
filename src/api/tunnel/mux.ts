/**
 * Many byte streams over one connection of messages (a WebSocket), with flow control for each stream. One side opens
 * streams, the other accepts them. A message is one frame: a type, the stream's number (4 bytes), and what the type carries.
 */

import { Duplex } from 'node:stream'
import { errorText } from '../errors.ts'

/** What streams are carried by. Messages arrive whole and in order. */
export interface MessageLink {
  /** `sent` is called when the message has left for the network, or never. */
  send(message: Buffer, sent: () => void): void
  onMessage(handler: (message: Buffer) => void): void
  /** Called once, when nothing more will arrive. */
  onClose(handler: () => void): void
  close(why: string): void
}

export interface Mux {
  /** A new stream. Throws when there are too many already, or when the connection has ended. */
  open(): Duplex
  /** Streams that have not ended. */
  readonly streams: number
}

export interface MuxOptions {
  /** Takes the streams that the other side opens; without it there must be none. */
  readonly accept?: (stream: Duplex) => void
  /** At the same time. */
  readonly maxStreams?: number
  /** What one stream may hold that nobody has read yet. Both sides have the same. */
  readonly windowBytes?: number
}

/** Streams at the same time, over one connection. */
const defaultMaxStreams = 512
const defaultWindowBytes = 256 * 1024
const maxDataBytes = 64 * 1024
const headerBytes = 5
/** No message is longer. */
export const maxMessageBytes = headerBytes + maxDataBytes

const frame = { open: 1, data: 2, end: 3, reset: 4, window: 5 } as const

const frameOf = (type: number, id: number, payload?: Buffer): Buffer => {
  const message = Buffer.allocUnsafe(headerBytes + (payload?.length ?? 0))
  message.writeUInt8(type, 0)
  message.writeUInt32BE(id, 1)
  payload?.copy(message, headerBytes)
  return message
}

const numberFrame = (type: number, id: number, value: number): Buffer => {
  const payload = Buffer.allocUnsafe(4)
  payload.writeUInt32BE(value)
  return frameOf(type, id, payload)
}

/** What arrives for one stream. Each throws when the other side breaks the rules. */
interface Incoming {
  data(bytes: Buffer): void
  end(): void
  reset(): void
  window(bytes: number): void
}

interface Channel {
  readonly stream: Duplex
  readonly incoming: Incoming
}

const openChannel = (
  id: number,
  send: (message: Buffer, sent?: () => void) => void,
  windowBytes: number,
  onGone: () => void,
): Channel => {
  /** What may still be sent, and what may still arrive. */
  let credit = windowBytes
  let room = windowBytes
  let resume: (() => void) | undefined
  let isEnded = false
  let isReset = false

  const grant = (): void => {
    const taken = windowBytes - room
    if (isEnded || taken < windowBytes / 4) return
    room = windowBytes
    send(numberFrame(frame.window, id, taken))
  }
  const goOn = (): void => {
    const go = resume
    resume = undefined
    go?.()
  }
  const writeFrom = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    if (bytes.length === 0) return done()
    if (stream.destroyed) return done(new Error('the stream has ended'))
    if (credit === 0) {
      resume = () => writeFrom(bytes, done)
      return
    }
    const part = bytes.subarray(0, Math.min(credit, maxDataBytes))
    credit -= part.length
    send(frameOf(frame.data, id, part), () => writeFrom(bytes.subarray(part.length), done))
  }

  const stream = new Duplex({
    ...{ allowHalfOpen: true, readableHighWaterMark: 64 * 1024, writableHighWaterMark: maxDataBytes },
    read: grant,
    write: (bytes: Buffer, _encoding, done) => writeFrom(bytes, done),
    final: (done) => send(frameOf(frame.end, id), done),
    destroy: (error, done) => {
      if (!isReset && !(isEnded && stream.writableFinished)) send(frameOf(frame.reset, id))
      onGone()
      done(error)
      goOn()
    },
  })
  // Whoever uses the stream hears of it; one that nobody uses yet must not end the process.
  stream.on('error', () => undefined)

  return {
    stream,
    incoming: {
      data: (bytes) => {
        room -= bytes.length
        if (isEnded || room < 0) throw new Error(`stream ${id} was sent more than it had asked for`)
        if (stream.push(bytes)) grant()
      },
      end: () => {
        if (isEnded) throw new Error(`stream ${id} ended twice`)
        isEnded = true
        stream.push(null)
      },
      reset: () => {
        isReset = true
        stream.destroy(new Error('the other side gave the stream up'))
      },
      window: (bytes) => {
        if (bytes === 0 || credit + bytes > windowBytes) throw new Error(`stream ${id} was granted too much`)
        credit += bytes
        goOn()
      },
    },
  }
}

/** Carries frames of one kind to the stream they are for. */
const deliver = ({ incoming }: Channel, type: number, payload: Buffer): void => {
  if (type === frame.data && payload.length > 0) return incoming.data(payload)
  if (type === frame.end && payload.length === 0) return incoming.end()
  if (type === frame.reset && payload.length === 0) return incoming.reset()
  if (type === frame.window && payload.length === 4) return incoming.window(payload.readUInt32BE())
  throw new Error(`a frame of type ${type} with ${payload.length} bytes`)
}

/** Runs until the link ends. Whoever breaks the rules loses the connection, and with it all of its streams. */
export const createMux = (link: MessageLink, options: MuxOptions = {}): Mux => {
  const { accept, maxStreams = defaultMaxStreams, windowBytes = defaultWindowBytes } = options
  const channels = new Map<number, Channel>()
  let lastId = 0
  let isClosed = false

  const send = (message: Buffer, sent: () => void = () => undefined): void => {
    if (!isClosed) link.send(message, sent)
  }
  const end = (why: string): void => {
    isClosed = true
    for (const { stream } of [...channels.values()]) stream.destroy(new Error(why))
  }
  const add = (id: number): Duplex => {
    lastId = id
    const channel = openChannel(id, send, windowBytes, () => channels.delete(id))
    channels.set(id, channel)
    return channel.stream
  }
  const take = (message: Buffer): void => {
    if (message.length < headerBytes) throw new Error(`a frame of ${message.length} bytes`)
    const type = message.readUInt8(0)
    const id = message.readUInt32BE(1)
    const payload = message.subarray(headerBytes)
    if (payload.length > maxDataBytes) throw new Error(`a frame with ${payload.length} bytes`)
    if (type === frame.open && accept && payload.length === 0 && id > lastId) {
      if (channels.size >= maxStreams) throw new Error(`more than ${maxStreams} streams`)
      return accept(add(id))
    }
    const channel = channels.get(id)
    if (channel) return deliver(channel, type, payload)
    // What the other side sent before it heard of the end.
    if (id === 0 || id > lastId || type === frame.open) throw new Error(`a frame for stream ${id}, which is not there`)
  }

  link.onMessage((message) => {
    if (isClosed) return
    try {
      take(message)
    } catch (error) {
      const why = `broken framing: ${errorText(error)}`
      end(why)
      link.close(why)
    }
  })
  link.onClose(() => end('the connection of the node has ended'))

  return {
    open: () => {
      if (isClosed) throw new Error('the connection of the node has ended')
      if (channels.size >= maxStreams) throw new Error(`more than ${maxStreams} streams to one node`)
      const stream = add(lastId + 1)
      send(frameOf(frame.open, lastId))
      return stream
    },
    get streams() {
      return channels.size
    },
  }
}
