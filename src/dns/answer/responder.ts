/** From a packet to its answer, through the handlers in their order. */

import type { Handler, Reply, Request, Resolved } from '../chain/request.ts'
import { readAnswer } from '../wire/answer.ts'
import { rcodes, tcpLimit } from '../wire/constants.ts'
import { type Query, queryInPlace, readQuery, udpLimit } from '../wire/query.ts'
import { writeBareResponse, writeResponse } from '../wire/response.ts'

/** Answers a packet; undefined: it gets none. Never throws or rejects, whatever the packet holds. */
export type Responder = (message: Buffer, client: string, overTcp: boolean) => Reply

/** A chain of aliases that is longer has gone wrong. */
const maxAliases = 8

const failure: Resolved = { rcode: rcodes.failed, answers: [], authority: [] }

const says = (query: Query, limit: number, rcode: number): Buffer =>
  writeResponse(query, { rcode, isAuthoritative: false, answers: [] }, limit)

const resolved = (reply: Buffer | undefined): Resolved => {
  const answer = reply && readAnswer(reply)
  return !answer || answer.isTruncated ? failure : answer
}

/**
 * The first handler is asked first. What the last leaves to the next is refused. What goes wrong in a handler is told to
 * `onError`, and to the client as a failure.
 */
export const createResponder = (handlers: readonly Handler[], onError: (error: unknown) => void): Responder => {
  const run = (request: Request): Reply => {
    const ask = (at: number): Reply => {
      const handler = handlers[at]
      return handler ? handler(request, () => ask(at + 1)) : says(request.query, request.limit, rcodes.refused)
    }
    return ask(0)
  }

  /** `path` holds the questions that led here. */
  const requestOf = (
    query: Query,
    client: string,
    overTcp: boolean,
    limit: number,
    path: readonly string[],
  ): Request => ({
    query,
    client,
    overTcp,
    limit,
    resolve: (target, type) => {
      const here = [...path, `${query.type} ${query.name}`]
      const name = target.toLowerCase()
      if (here.length > maxAliases || here.includes(`${type} ${name}`)) return failure
      // Whole, however short this client's own answer has to be.
      const reply = run(requestOf(queryInPlace(query, name, type), client, true, tcpLimit, here))
      return reply instanceof Promise ? reply.then(resolved) : resolved(reply)
    },
  })

  return (message, client, overTcp) => {
    const query = readQuery(message)
    if (query === 'drop') return undefined
    if ('isMalformed' in query) return writeBareResponse(query, rcodes.malformed)
    const limit = overTcp ? tcpLimit : udpLimit(query)
    const fail = (error: unknown): Buffer => {
      onError(error)
      return says(query, limit, rcodes.failed)
    }
    try {
      const reply = run(requestOf(query, client, overTcp, limit, []))
      return reply instanceof Promise ? reply.catch(fail) : reply
    } catch (error) {
      return fail(error)
    }
  }
}
