/** Sockets: UDP and TCP on one address. Bounded in everything that a stranger could make large. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Responder } from '../answer/responder.ts'

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

const listenUdp = async ({ address, port, respond }: ListenOptions): Promise<UdpSocket> => {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: receiveBufferBytes })
  socket.on('message', (message, { address: client, port: clientPort }) => {
    // An answer that cannot be sent is a lost packet: the client asks again.
    const send = (answer: Buffer | undefined): void => {
      if (answer) socket.send(answer, clientPort, client, () => undefined)
    }
    const reply = respond(message, client, false)
    if (reply instanceof Promise) void reply.then(send)
    else send(reply)
  })
  socket.bind(port, address)
  await once(socket, 'listening')
  return socket
}

/** Takes the whole messages off the front of what came. */
const splitMessages = (buffer: Buffer): { readonly messages: readonly Buffer[]; readonly rest: Buffer } => {
  const messages: Buffer[] = []
  let at = 0
  while (buffer.length - at >= 2) {
    const length = buffer.readUInt16BE(at)
    if (buffer.length - at - 2 < length) break
    messages.push(buffer.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return { messages, rest: buffer.subarray(at) }
}

const serveConnection = (socket: Socket, respond: Responder): void => {
  let rest: Buffer = Buffer.alloc(0)
  let running = 0
  let isEnded = false
  const client = socket.remoteAddress ?? ''

  const finish = (): void => {
    if (isEnded && running === 0) socket.end()
  }
  const send = (answer: Buffer | undefined): void => {
    running--
    if (answer && socket.writable) {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(answer.length)
      socket.write(Buffer.concat([length, answer]))
    }
    if (running < maxPipelined) socket.resume()
    finish()
  }

  socket.setTimeout(idleMs, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('end', () => {
    isEnded = true
    finish()
  })
  socket.on('data', (chunk) => {
    const { messages, rest: left } = splitMessages(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk)
    rest = left
    for (const message of messages) {
      running++
      const reply = respond(message, client, true)
      if (reply instanceof Promise) void reply.then(send)
      else send(reply)
    }
    if (running >= maxPipelined) socket.pause()
  })
}

const listenTcp = async (options: ListenOptions): Promise<Server> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => serveConnection(socket, options.respond))
  server.maxConnections = maxConnections
  server.listen(options.port, options.address)
  await once(server, 'listening')
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
      udp.close()
      tcp.close()
      await once(udp, 'close')
    },
  }
}
