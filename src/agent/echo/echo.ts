/**
 * A tiny server for demos and tests: over HTTP and UDP it tells who answers and who asked. Every pod of it is a process of
 * its own, so it imports next to nothing.
 */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { isIPv6 } from '../../ip/address.ts'
import { answerHttp, answerUdp, clientOf, type EchoIdentity } from './answer.ts'

export interface EchoOptions extends EchoIdentity {
  /** TCP and UDP; 0 takes any that is free in both. */
  readonly port: number
  /** All addresses when missing. */
  readonly host?: string
  /** How long requests are still answered once the end has come: as long as others may take to hear of it. */
  readonly lameDuckMs: number
  /** Told in a line what happens. */
  readonly say: (line: string) => void
  /** Told the port when both listen. */
  readonly onListening?: (port: number) => void
}

/** Reads POD_NAME, NODE_NAME and POD_NAMESPACE; a pod is named by its host name otherwise. */
export const echoIdentity = (env: Readonly<Record<string, string | undefined>>, hostname: string): EchoIdentity => ({
  pod: env['POD_NAME'] || hostname,
  node: env['NODE_NAME'] ?? '',
  namespace: env['POD_NAMESPACE'] ?? '',
})

const keepAliveMs = 60_000

const createHttp = (options: EchoOptions, isReady: () => boolean): Server => {
  const server = createServer((request, response) => {
    const { method = '', url = '', headers, socket } = request
    const client = clientOf(socket.remoteAddress, socket.remotePort)
    const { status, type, body } = answerHttp(options, { method, url, headers, client }, isReady())
    // A connection that stays open would bring requests to a server that is about to end.
    const last = isReady() ? {} : { connection: 'close' }
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...last })
    request.resume()
    response.end(body)
  })
  server.keepAliveTimeout = keepAliveMs
  return server
}

const openUdp = async (options: EchoOptions, port: number): Promise<Socket> => {
  const bind = async (type: 'udp4' | 'udp6'): Promise<Socket> => {
    const socket = createSocket(type)
    socket.on('message', (message, { address, port }) => {
      const answer = answerUdp(options, clientOf(address, port), message.length)
      socket.send(answer, port, address, (error) => error && options.say(`cannot answer ${address}: ${error.message}`))
    })
    socket.bind(port, options.host)
    await once(socket, 'listening')
    socket.on('error', (error) => options.say(`udp: ${error.message}`))
    return socket
  }
  if (options.host !== undefined) return bind(isIPv6(options.host) ? 'udp6' : 'udp4')
  try {
    return await bind('udp6')
  } catch (error) {
    // A kernel without IPv6.
    if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return bind('udp4')
  }
}

/**
 * Serves until `signal` aborts, then turns unready and goes on for the lame-duck time; resolves when all is closed.
 * Rejects when it cannot listen.
 */
export const runEcho = async (options: EchoOptions, signal: AbortSignal): Promise<void> => {
  const server = createHttp(options, () => !signal.aborted)
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = await openUdp(options, port).catch((error: unknown) => {
    server.close()
    throw error
  })
  options.say(`echo listens on port ${port} (HTTP and UDP) as ${options.pod}`)
  options.onListening?.(port)
  if (!signal.aborted) await once(signal, 'abort')
  options.say(`echo ends in ${options.lameDuckMs} ms`)
  await pause(options.lameDuckMs)
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  socket.close()
  await closed
}
