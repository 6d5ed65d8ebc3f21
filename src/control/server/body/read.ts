/** The bytes of a request's body, bounded for each request and for all together. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { badRequest, tooLarge, tooManyRequests } from '../../../api/errors.ts'

/** Of all bodies that are being received. */
const heldLimit = 64 * 1024 * 1024
/** What a client may still send of a body that nobody wants, so that it comes to read the answer. */
const unwantedLimit = 32 * 1024 * 1024
const unwantedMs = 5_000

export interface BodyReader {
  /** Rejects with RequestEntityTooLarge or, while too many send at once, TooManyRequests. */
  read(request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer>
}

/** Whether one follows; its type matters to nobody when none does. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

export const waitsForLeave = ({ headers }: IncomingMessage): boolean => /^100-continue$/i.test(headers.expect ?? '')

export const createBodyReader = (): BodyReader => {
  let held = 0

  const collect = (request: IncomingMessage, limit: number): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let size = 0
      const end = (settle: () => void): void => {
        held -= size
        request.off('data', take).off('end', done).off('close', cut).off('error', cut)
        settle()
      }
      const take = (chunk: Buffer): void => {
        size += chunk.length
        held += chunk.length
        if (size > limit) end(() => reject(bodyTooLarge(limit)))
        else if (held > heldLimit) end(() => reject(tooManyRequests()))
        else chunks.push(chunk)
      }
      const done = (): void => end(() => resolve(Buffer.concat(chunks)))
      const cut = (): void => end(() => reject(badRequest('the body ended before its end')))
      request.on('data', take).once('end', done).once('close', cut).once('error', cut)
    })

  return {
    read: async (request, response, limit) => {
      if (Number(request.headers['content-length'] ?? 0) > limit) throw bodyTooLarge(limit)
      if (waitsForLeave(request)) response.writeContinue()
      return collect(request, limit)
    },
  }
}

const bodyTooLarge = (limit: number) => tooLarge(`the request body is larger than the limit of ${limit} bytes`)

/**
 * Takes what comes of a body that was not read (to its end), and keeps none of it: a client that is still sending gets its
 * answer instead of a reset. One that does not stop is cut off. Resolves when nothing more comes.
 */
export const discardRest = (request: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    if (request.complete || request.destroyed) return resolve()
    let size = 0
    const cutOff = (): void => void request.destroy()
    const timer = setTimeout(cutOff, unwantedMs)
    const over = (): void => {
      clearTimeout(timer)
      resolve()
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > unwantedLimit) cutOff()
    })
    request.once('close', over).once('end', over)
    request.resume()
  })
