/** A backend that reads requests with Node's parser alone, answers each when it is complete, and remembers them. */
import { createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import { createLlhttpReader, type LlhttpRequest } from './llhttp.ts'

export interface Recorded {
  readonly port: number
  /** Those that were complete, in their order. */
  readonly requests: readonly LlhttpRequest[]
  /** All bytes, of requests that were not complete too. */
  heard(): string
  forget(): void
}

export type Answer = string | { readonly text: string; readonly closes: boolean }

/** Serves until the test ends. */
export const recordRequests = async (t: Test, answer: (request: LlhttpRequest) => Answer): Promise<Recorded> => {
  const requests: LlhttpRequest[] = []
  const sockets = new Set<Socket>()
  let heard = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    const answerTo = (request: LlhttpRequest): void => {
      requests.push(request)
      const said = answer(request)
      const { text, closes } = typeof said === 'string' ? { text: said, closes: false } : said
      if (closes) socket.end(text, 'latin1')
      else socket.write(text, 'latin1')
    }
    let reader = createLlhttpReader(answerTo)
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
      // An Upgrade was answered like any other request: the next one follows.
      if (reader.requests.at(-1)?.upgrade) reader = createLlhttpReader(answerTo)
      reader.feed(bytes)
      // A method that llhttp does not know, for one.
      if (reader.failed) socket.destroy()
    })
    // The relay drops connections whose requests it refuses half-way.
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    requests,
    heard: () => heard,
    forget: () => {
      requests.length = 0
      heard = ''
    },
  }
}
