/** A log over a WebSocket, as browsers read it: each message is a piece, in bytes or in base64. */
import type { Readable } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { badRequest } from '../../api/errors.ts'
import { membersOf } from '../../api/header-list.ts'
import type { Answer, Call } from '../server/call.ts'

const base64Protocol = 'base64.binary.k8s.io'
const protocols: readonly string[] = ['binary.k8s.io', base64Protocol]
/** Nobody has anything to say to a log. */
const maxPayload = 1024
/** RFC 6455, 7.4.1. */
const codes = { normal: 1000, internal: 1011 } as const

const send = (socket: WebSocket, message: Buffer | string): Promise<void> =>
  new Promise((resolve, reject) => socket.send(message, (error) => (error ? reject(error) : resolve())))

const pass = async (socket: WebSocket, log: Readable): Promise<void> => {
  socket.on('error', () => undefined)
  socket.once('close', () => log.destroy())
  const isBase64 = socket.protocol === base64Protocol
  try {
    for await (const bytes of log as AsyncIterable<Buffer>)
      await send(socket, isBase64 ? bytes.toString('base64') : bytes)
    socket.close(codes.normal)
  } catch {
    // The client has gone, or the node has.
    socket.close(codes.internal)
  }
}

/** Throws BadRequest for a client that speaks none of the protocols. */
export const logSocket = ({ header }: Call, log: Readable): Answer => {
  const offered = membersOf(header('sec-websocket-protocol'))
  const chosen = offered.find((name) => protocols.includes(name))
  if (header('upgrade').toLowerCase() !== 'websocket' || (offered.length > 0 && chosen === undefined)) {
    log.destroy()
    throw badRequest(`a log is read over WebSockets with one of the protocols ${protocols.join(', ')}`)
  }
  return {
    kind: 'upgraded',
    take: ({ request, socket, head }) => {
      const server = new WebSocketServer({
        ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload },
        handleProtocols: () => chosen ?? false,
      })
      server.handleUpgrade(request, socket, head, (opened) => void pass(opened, log))
    },
    refuse: () => log.destroy(),
  }
}
