/** A WebSocket as the link of a mux: one frame is one binary message. Whether the other side is still there is asked by pings. */
import type { WebSocket } from 'ws'
import { bytesOf, endWhenSilent } from '../web-socket.ts'
import { type MessageLink, maxMessageBytes } from './mux.ts'

/** Where an agent asks for its tunnel, and how the two call what they then speak. */
export const tunnelPath = '/podway/v1/tunnel'
export const tunnelProtocol = 'v1.tunnel.podway.dev'

/** The same on both sides. Compressed once at most: what flows is often encrypted or compressed already. */
export const tunnelSocketOptions = { perMessageDeflate: false, maxPayload: maxMessageBytes } as const

/** A side that has been silent for two pings is gone, whatever its TCP says. */
const defaultPingMs = 10_000

/** What may wait for the network before its senders do, too. */
const backlogBytes = 512 * 1024

/** WebSocket close codes: 1002 is a protocol error. RFC 6455, 7.4.1. */
const protocolError = 1002
const reasonBytes = 123

export const webSocketLink = (socket: WebSocket, pingMs = defaultPingMs): MessageLink => {
  endWhenSilent(socket, pingMs)
  // The end follows; it says all that there is to know.
  socket.on('error', () => undefined)

  return {
    send: (message, sent) => {
      if (socket.readyState !== socket.OPEN) return
      const isHeldUp = socket.bufferedAmount > backlogBytes
      socket.send(message, { binary: true }, (error) => {
        if (!error && isHeldUp) sent()
      })
      // While there is room, nobody waits for the network.
      if (!isHeldUp) sent()
    },
    onMessage: (handler) =>
      void socket.on('message', (data, isBinary) => handler(isBinary ? bytesOf(data) : Buffer.alloc(0))),
    onClose: (handler) => void socket.once('close', handler),
    close: (why) => {
      socket.close(protocolError, Buffer.from(why).subarray(0, reasonBytes).toString())
      // Whoever broke the rules may not answer, either.
      setTimeout(() => socket.terminate(), 1_000).unref()
    },
  }
}
