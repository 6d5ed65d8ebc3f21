/** What everybody who speaks WebSocket needs, on whichever side. */
import type { RawData, WebSocket } from 'ws'

export const bytesOf = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.concat(data)

/**
 * Pings, and ends the connection when nothing was heard from one to the next: whoever is gone says nothing, whatever its TCP
 * says. Those that are read only from time to time are no reason.
 */
export const endWhenSilent = (socket: WebSocket, pingMs: number): void => {
  let isHeard = true
  const heard = (): void => {
    isHeard = true
  }
  socket.on('message', heard).on('ping', heard).on('pong', heard)
  const timer = setInterval(() => {
    if (!isHeard && !socket.isPaused) return socket.terminate()
    isHeard = false
    if (socket.readyState === socket.OPEN) socket.ping()
  }, pingMs)
  socket.once('close', () => clearInterval(timer))
}
