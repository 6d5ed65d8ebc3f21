/** From a packet to its answer, through the handlers in their order. */
import { rcodes, tcpLimit } from '../wire/constants.ts'
import { readQuery, udpLimit } from '../wire/query.ts'
import { writeBareResponse } from '../wire/response.ts'
import type { Handler, Reply, Request } from './request.ts'

/** Answers a packet; undefined: it gets none. Never throws or rejects, whatever the packet holds. */
export type Responder = (message: Buffer, client: string, overTcp: boolean) => Reply

/**
 * The first handler is asked first. What the last leaves to the next is refused. What goes wrong in a handler is told to
 * `onError`, and to the client as a failure.
 */
export const createResponder =
  (handlers: readonly Handler[], onError: (error: unknown) => void): Responder =>
  (message, client, overTcp) => {
    const query = readQuery(message)
    if (query === 'drop') return undefined
    if ('malformed' in query) return writeBareResponse(query.malformed, query.flags, rcodes.malformed)
    const request: Request = { query, message, client, overTcp, limit: overTcp ? tcpLimit : udpLimit(query) }
    const ask = (at: number): Reply => {
      const handler = handlers[at]
      return handler ? handler(request, () => ask(at + 1)) : writeBareResponse(query.id, query.flags, rcodes.refused)
    }
    const fail = (error: unknown): Buffer => {
      onError(error)
      return writeBareResponse(query.id, query.flags, rcodes.failed)
    }
    try {
      const reply = ask(0)
      return reply instanceof Promise ? reply.catch(fail) : reply
    } catch (error) {
      return fail(error)
    }
  }
