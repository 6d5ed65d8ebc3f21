/** The agent's HTTPS socket. Only who bears a certificate of the cluster, and is approved of, gets an answer. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TLSSocket } from 'node:tls'
import { aborted } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import type { ServingCertificate } from '../certificates/serving-certificate.ts'
import type { Answer } from './routes.ts'

/** Who asks, by the subject of the certificate. */
export interface Peer {
  readonly name: string
  readonly groups: readonly string[]
}

export interface AgentServerOptions {
  readonly answer: Answer
  /** PEM; signs the certificates of those who may ask. */
  readonly ca: string
  /** What the server shows: it listens as soon as there is one, and shows every later one to new connections. */
  readonly certificate: Pick<ServingCertificate, 'first' | 'onRenewed'>
  readonly authorize: (peer: Peer) => boolean
  readonly host: string
  /** 10250, or 0 for any. */
  readonly port: number
  readonly log: Logger
}

export interface AgentServer {
  /** Listens until `signal` aborts, then ends all connections. Rejects when it cannot listen. */
  run(signal: AbortSignal): Promise<void>
  /** The port, once it listens. */
  readonly listening: Promise<number>
}

const asList = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value

const peerOf = ({ socket }: IncomingMessage): Peer => {
  const subject = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined
  return { name: asList(subject?.CN)[0] ?? '', groups: asList(subject?.O) }
}

const plain = (response: ServerResponse, status: number, message: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(message)
}

export const createAgentServer = (options: AgentServerOptions): AgentServer => {
  const { answer, ca, certificate, authorize, host, port, log } = options
  const listening = Promise.withResolvers<number>()
  // Whoever runs the server hears of a failure from there.
  listening.promise.catch(() => undefined)

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const peer = peerOf(request)
    if (!authorize(peer)) return plain(response, 403, `Forbidden: user=${peer.name}`)
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const { status, type, body } = await answer({
      ...{ method: request.method ?? 'GET', url: request.url ?? '/' },
      signal: gone.signal,
    })
    response.writeHead(status, { 'content-type': type })
    if (typeof body === 'string' || request.method === 'HEAD')
      return void response.end(typeof body === 'string' ? body : '')
    // A follower wants to know that it is connected before there is anything to read.
    response.flushHeaders()
    await pipeline(Readable.from(body, { objectMode: false }), response)
  }

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    respond(request, response).catch((error: unknown) => {
      if (response.destroyed) return
      log.error({ err: error, url: request.url }, 'cannot answer')
      if (response.headersSent) response.destroy()
      else plain(response, 500, 'internal error')
    })
  }

  const close = (server: Server): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })

  return {
    listening: listening.promise,
    run: async (signal) => {
      const pair = await Promise.race([certificate.first, aborted(signal)])
      if (!pair) return
      const server = createServer({ ...pair, ca, requestCert: true, rejectUnauthorized: true }, handle)
      certificate.onRenewed((next) => server.setSecureContext({ ...next, ca }))
      server.on('tlsClientError', (error) => log.debug({ err: error }, 'a connection without a valid certificate'))
      try {
        server.listen(port, host)
        await once(server, 'listening')
      } catch (error) {
        listening.reject(error)
        throw error
      }
      listening.resolve((server.address() as AddressInfo).port)
      if (!signal.aborted) await once(signal, 'abort')
      await close(server)
    },
  }
}
