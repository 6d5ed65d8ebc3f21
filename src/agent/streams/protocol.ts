/** Which protocol a client and the agent speak, of those that both know. */
import type { IncomingMessage } from 'node:http'
import { RequestError } from '../server/log-query.ts'
import { isWebSocket, offeredProtocols } from './web-socket.ts'

/** Throws `RequestError` for a request that asks for neither. */
export const carrierOf = (request: IncomingMessage): 'spdy' | 'websocket' => {
  if (isWebSocket(request)) return 'websocket'
  if (request.headers.upgrade?.toLowerCase() === 'spdy/3.1') return 'spdy'
  throw new RequestError(
    400,
    `unable to upgrade: unexpected upgrade header ${JSON.stringify(request.headers.upgrade ?? '')}: only SPDY/3.1 and websocket are served`,
  )
}

const choose = <T extends string>(offered: readonly string[], known: readonly T[]): T | undefined => {
  for (const name of offered) {
    const found = known.find((each) => each === name)
    if (found !== undefined) return found
  }
  return undefined
}

/** The client's first that is known; `unnamed` for a client that names none. Throws `RequestError`. */
export const spdyProtocolOf = <T extends string>(request: IncomingMessage, known: readonly T[], unnamed: T): T => {
  const offered = offeredProtocols(request, 'x-stream-protocol-version')
  const found = offered.length === 0 ? unnamed : choose(offered, known)
  if (found !== undefined) return found
  throw new RequestError(
    403,
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server supports [${known.join(' ')}]`,
  )
}

/** As `spdyProtocolOf`; undefined for a client that names none. */
export const webSocketProtocolOf = <T extends string>(request: IncomingMessage, known: readonly T[]): T | undefined => {
  const offered = offeredProtocols(request)
  const found = choose(offered, known)
  if (found !== undefined || offered.length === 0) return found
  throw new RequestError(
    400,
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server supports [${known.join(' ')}]`,
  )
}
