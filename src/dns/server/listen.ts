/** Sockets: UDP and TCP on one address. Bounded in everything that a stranger could make large. */

import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { isIPv6 } from '../../ip/address.ts'
import type { Responder } from '../answer/responder.ts'
import { type LateAnswer, takeLeave } from './leave.ts'

export interface ListenOptions {
  readonly address: string
  /** 0: any. */
  readonly port: number
  readonly respond: Responder
}

export interface Listener {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/** RFC 7766: the server may end a connection that says nothing. */
const idleMs = 10_000
const maxConnections = 1_000
/** Queries of one connection that are being answered; more wait in its socket. */
const maxPipelined = 64
const receiveBufferBytes = 1 << 20

interface UdpListener {
  readonly socket: UdpSocket
  close(): Promise<void>
}

/** A client of IPv4 at a socket of IPv6 is known by its own address. */
const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, '')

const listenUdp = async ({ address, port, respond }: ListenOptions): Promise<UdpListener> => {
  const family = isIPv6(address) ? 6 : 4
  const socket = createSocket({
    type: `udp${family}`,
    recvBufferSize: receiveBufferBytes,
    // A successor listens before its predecessor ends.
    reusePort: true,
    // Answers go to addresses: there is nothing to look up, and no turn of the loop to wait for.
    lookup: (to, _options, callback) => callback(null, to, family),
  })
  // An answer that cannot be sent is a lost packet: the client asks again.
  socket.on('error', () => undefined)
  let answering = 0
  let heard = 0
  /** Answers of a socket that takes its leave. */
  let late: LateAnswer[] | undefined
  socket.on('message', (message, { address: client, port: clientPort }) => {
    heard++
    const send = (answer: Buffer | undefined): void => {
      if (!answer) return
      if (late) late.push({ answer, client, clientPort })
      else socket.send(answer, clientPort, client)
    }
    const reply = respond(message, family === 6 ? unmapped(client) : client, false)
    if (reply instanceof Promise) {
      answering++
      void reply.then(send).finally(() => answering--)
    } else send(reply)
  })
  const listening = once(socket, 'listening')
  socket.bind(port, address)
  await listening
  const close = async (): Promise<void> => {
    const answers: LateAnswer[] = []
    late = answers
    await takeLeave(socket, {
      heard: () => heard,
      isBusy: () => answering > 0,
      take: () => answers.splice(0),
    })
  }
  return { socket, close }
}

/** Gathers bytes to messages: each has its length in front, two bytes (RFC 1035, 4.2.2). */
export const createMessageReader = (): ((chunk: Buffer) => readonly Buffer[]) => {
  let chunks: Buffer[] = []
  let size = 0
  /** Bytes without which there is no further message. */
  let needed = 2
  return (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    // Many small pieces are put together once, not once for each.
    if (size < needed) return []
    const buffer = chunks.length === 1 ? chunk : Buffer.concat(chunks)
    const messages: Buffer[] = []
    let at = 0
    for (;;) {
      needed = 2
      if (buffer.length - at >= 2) needed += buffer.readUInt16BE(at)
      if (buffer.length - at < needed) break
      messages.push(buffer.subarray(at + 2, at + needed))
      at += needed
    }
    chunks = at < buffer.length ? [buffer.subarray(at)] : []
    size = buffer.length - at
    return messages
  }
}

const serveConnection = (socket: Socket, respond: Responder): void => {
  const read = createMessageReader()
  const waiting: Buffer[] = []
  let running = 0
  let isEnded = false
  const client = unmapped(socket.remoteAddress ?? '')
  // Since the last whole query or answer: who sends a byte now and then says nothing either.
  const idle = setTimeout(() => socket.destroy(), idleMs)

  const send = (answer: Buffer | undefined): void => {
    running--
    idle.refresh()
    if (!answer || !socket.writable) return
    const length = Buffer.alloc(2)
    length.writeUInt16BE(answer.length)
    socket.write(Buffer.concat([length, answer]))
  }

  /** Answers what waits, as long as the client takes the answers. */
  const serve = (): void => {
    while (running < maxPipelined && !socket.writableNeedDrain) {
      const message = waiting.shift()
      if (!message) break
      running++
      const reply = respond(message, client, true)
      if (reply instanceof Promise) void reply.then(send).then(serve)
      else send(reply)
    }
    if (waiting.length > 0) socket.pause()
    else if (!isEnded) socket.resume()
    else if (running === 0) socket.end()
  }

  socket.on('close', () => clearTimeout(idle))
  socket.on('error', () => socket.destroy())
  socket.on('drain', serve)
  socket.on('end', () => {
    isEnded = true
    serve()
  })
  socket.on('data', (chunk) => {
    const messages = read(chunk)
    if (messages.length === 0) return
    idle.refresh()
    waiting.push(...messages)
    serve()
  })
}

const listenTcp = async (options: ListenOptions): Promise<Server> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => serveConnection(socket, options.respond))
  server.maxConnections = maxConnections
  server.listen({ port: options.port, host: options.address, reusePort: true })
  await once(server, 'listening')
  // Accepting may fail for want of files; the next client may have more luck.
  server.on('error', () => undefined)
  return server
}

/** UDP and TCP on the same port. Rejects when either cannot be bound. */
export const listen = async (options: ListenOptions): Promise<Listener> => {
  const tcp = await listenTcp(options)
  const { port } = tcp.address() as AddressInfo
  const udp = await listenUdp({ ...options, port }).catch((error: unknown) => {
    tcp.close()
    throw error
  })
  return {
    address: options.address,
    port,
    close: async () => {
      tcp.close()
      await udp.close()
    },
  }
}
