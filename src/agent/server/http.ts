/** The agent's answers on sockets, whoever has opened them. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Logger } from '../../host/log.ts'
import { asStream, responseTo, type Upgrade } from '../../host/upgrade.ts'
import { RequestError } from './log-query.ts'
import type { AgentResponse, Answer } from './routes.ts'

/** Decides about a request for another protocol: throws `RequestError`, or tells who takes the connection. */
export type Upgrader = (request: IncomingMessage, signal: AbortSignal) => Promise<(upgrade: Upgrade) => void>

export interface HttpHandlers {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void
  readonly upgrade: (upgrade: Upgrade) => void
}

export const plain = (response: ServerResponse, status: number, message: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(message)
}

const send = async (request: IncomingMessage, response: ServerResponse, answer: AgentResponse): Promise<void> => {
  const { status, type, body } = answer
  response.writeHead(status, { 'content-type': type })
  if (typeof body === 'string' || request.method === 'HEAD')
    return void response.end(typeof body === 'string' ? body : '')
  // A follower wants to know that it is connected before there is anything to read.
  response.flushHeaders()
  await pipeline(Readable.from(body, { objectMode: false }), response)
}

export const createHttpHandlers = (answer: Answer, upgrader: Upgrader, log: Logger): HttpHandlers => {
  const fail = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
    if (response.destroyed || response.headersSent) return void response.destroy()
    if (error instanceof RequestError) return plain(response, error.status, error.message)
    log.error({ err: error, url: request.url }, 'cannot answer')
    plain(response, 500, 'internal error')
  }
  const signalOf = (response: ServerResponse): AbortSignal => {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    return gone.signal
  }

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = request
    await send(request, response, await answer({ method, url, signal: signalOf(response) }))
  }
  const handOver = async (upgrade: Upgrade, response: ServerResponse, release: () => void): Promise<void> => {
    const take = await upgrader(upgrade.request, signalOf(response))
    release()
    asStream(upgrade.socket)
    take(upgrade)
  }

  return {
    request: (request, response) => {
      respond(request, response).catch((error: unknown) => fail(request, response, error))
    },
    upgrade: (upgrade) => {
      const { response, release } = responseTo(upgrade)
      handOver(upgrade, response, release).catch((error: unknown) => fail(upgrade.request, response, error))
    },
  }
}

/** Lets a server that is not listening yet answer by these. `mayAsk` answers itself whom it turns away. */
export const serveHttp = (
  server: Server,
  handlers: HttpHandlers,
  mayAsk: (request: IncomingMessage, refuse: (status: number, message: string) => void) => boolean = () => true,
): void => {
  server.on('request', (request, response) => {
    if (mayAsk(request, (status, message) => plain(response, status, message))) handlers.request(request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    const upgrade = { request, socket, head }
    const refuse = (status: number, message: string): void => plain(responseTo(upgrade).response, status, message)
    if (mayAsk(request, refuse)) handlers.upgrade(upgrade)
  })
}
