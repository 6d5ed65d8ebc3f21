/** WebSockets whose messages begin with the number of a channel: `v5.channel.k8s.io` and its elders. */
import type { IncomingMessage } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { membersOf } from '../../api/header-list.ts'
import { endWhenSilent } from '../../api/web-socket.ts'
import type { Upgrade } from '../../host/upgrade.ts'

/** What a message may be; clients cut what they send into 32 KiB and less. */
const maxPayload = 1024 * 1024
const pingMs = 20_000

const protocolHeader = 'sec-websocket-protocol'

/** Names of protocols that a client offers, in its order. */
export const offeredProtocols = ({ headers }: IncomingMessage, name = protocolHeader): readonly string[] => {
  const value = headers[name]
  return membersOf(Array.isArray(value) ? value.join() : (value ?? ''))
}

export const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket'

/**
 * Speaks WebSocket from here on, with the protocol chosen, if any. Names that are no tokens (`SPDY/3.1+…`) are clients' habit, so
 * the choice is not left to the library, which takes them for damage.
 */
export const acceptWebSocket = (
  { request, socket, head }: Upgrade,
  protocol: string | undefined,
  take: (socket: WebSocket) => void,
): void => {
  delete request.headers[protocolHeader]
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload })
  server.on('headers', (headers) => {
    if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
  })
  server.handleUpgrade(request, socket, head, (found) => {
    found.on('error', () => undefined)
    endWhenSilent(found, pingMs)
    take(found)
  })
}
