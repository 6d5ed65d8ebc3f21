/** HTTP/1.1 over a connection that somebody else has opened: to an agent, or through it to a pod. */
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { Duplex, Readable } from 'node:stream'

export interface OutgoingRequest {
  readonly method: string
  /** With its query, as it goes over the wire. */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: Readable
}

export interface IncomingAnswer {
  readonly code: number
  readonly message: string
  readonly headers: IncomingHttpHeaders
  readonly body: IncomingMessage
  /** The other side speaks another protocol from here on: `head` first, then whatever the stream brings. */
  readonly upgraded?: { readonly socket: Duplex; readonly head: Buffer }
}

const maxHeaderBytes = 64 * 1024

/**
 * Uses the connection for this one request, and ends it behind the answer. Rejects when the other side breaks off before it
 * has answered, or does not answer within `timeoutMs`.
 */
export const requestOver = (
  connection: Duplex,
  { method, path, headers, body }: OutgoingRequest,
  signal: AbortSignal,
  timeoutMs?: number,
): Promise<IncomingAnswer> =>
  new Promise((resolve, reject) => {
    const outgoing = request({
      ...{ createConnection: () => connection, method, path, headers, signal },
      ...{ maxHeaderSize: maxHeaderBytes, setHost: false, joinDuplicateHeaders: false },
    })
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const answer = (body: IncomingMessage, upgraded?: IncomingAnswer['upgraded']): void => {
      clearTimeout(timer)
      // Who reads the body hears of it; who does not must not be ended by it.
      body.on('error', () => undefined)
      const { statusCode: code = 500, statusMessage: message = '', headers: found } = body
      resolve({ code, message, headers: found, body, ...(upgraded ? { upgraded } : {}) })
    }
    outgoing.once('response', (incoming) => {
      incoming.once('close', () => connection.destroy())
      answer(incoming)
    })
    outgoing.once('upgrade', (incoming, socket, head) => answer(incoming, { socket, head }))
    outgoing.on('error', (error) => {
      clearTimeout(timer)
      connection.destroy()
      reject(error)
    })
    if (body) body.once('error', (error) => outgoing.destroy(error)).pipe(outgoing)
    else outgoing.end()
  })

/** What the other side says, as text without spaces around it: no more than its first bytes are read. */
export const startOf = async (body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> => {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    parts.push(part)
    length += part.length
    if (length > maxBytes) break
  }
  return Buffer.concat(parts).toString('utf8', 0, maxBytes).trim()
}
