/** The agent's HTTPS socket. Only who bears a certificate of the cluster, and is approved of, gets an answer. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import { aborted } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import type { ServingCertificate } from '../certificates/serving-certificate.ts'
import { type HttpHandlers, serveHttp } from './http.ts'

/** Who asks, by the subject of the certificate. */
export interface Peer {
  readonly name: string
  readonly groups: readonly string[]
}

export interface AgentServerOptions {
  readonly handlers: HttpHandlers
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

export const createAgentServer = (options: AgentServerOptions): AgentServer => {
  const { handlers, ca, certificate, authorize, host, port, log } = options
  const listening = Promise.withResolvers<number>()
  // Whoever runs the server hears of a failure from there.
  listening.promise.catch(() => undefined)

  /** Whom the answer is for; a refusal is sent here. */
  const mayAsk = (request: IncomingMessage, refuse: (status: number, message: string) => void): boolean => {
    const peer = peerOf(request)
    const isAllowed = authorize(peer)
    if (!isAllowed) refuse(403, `Forbidden: user=${peer.name}`)
    return isAllowed
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
      const server = createServer({ ...pair, ca, requestCert: true, rejectUnauthorized: true })
      serveHttp(server, handlers, mayAsk)
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
