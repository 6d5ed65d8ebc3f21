/** `ApiTransport` over HTTPS, through undici. */
// Two parts of undici instead of its index, which loads fetch, mocks, caches and WebSockets: 13 MB in every daemon.
import dispatch from 'undici/lib/api/api-request.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { ApiError } from './errors.ts'
import type { Connection } from './kubeconfig.ts'
import type { ApiRequest, ApiTransport } from './transport.ts'
import type { Status, WatchEvent } from './types/index.ts'

/** A watch that stays silent for longer is taken for dead; servers send a bookmark about once a minute. */
const watchSilenceMs = 75_000
const requestTimeoutMs = 30_000

const pathAndQuery = (request: ApiRequest): string => {
  const query = new URLSearchParams(request.query).toString()
  return query === '' ? request.path : `${request.path}?${query}`
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const failure = (statusCode: number, text: string): ApiError => {
  const body = parseJson(text) as Partial<Status> | undefined
  return body?.kind === 'Status'
    ? ApiError.fromStatus(body, statusCode)
    : new ApiError(statusCode, '', `the server answered ${statusCode}: ${text.slice(0, 200)}`)
}

/** Splits a byte stream into its lines, however the chunks fall. */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    let start = 0
    for (let end = rest.indexOf('\n', start); end >= 0; end = rest.indexOf('\n', start)) {
      yield rest.slice(start, end)
      start = end + 1
    }
    rest = rest.slice(start)
  }
  if (rest !== '') yield rest
}

const openPool = ({ server, ca, cert, key, serverName }: Connection): Pool =>
  new Pool(server, {
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    connect: {
      ...{ ca, cert, key, timeout: 5_000 },
      ...(serverName === undefined ? {} : { servername: serverName }),
      // A server that had a power cut ends nothing: it answers a probe of the connection once it is back.
      keepAlive: true,
      keepAliveInitialDelay: 10_000,
    },
  })

export interface HttpTransport extends ApiTransport {
  /** New connections are made so from now on; what runs over old ones goes on. */
  renew(connection: Connection): void
  close(): Promise<void>
}

/** Opens connections when they are needed; `close` ends them all. */
export const createHttpTransport = (first: Connection): HttpTransport => {
  let connection = first
  let pool = openPool(first)
  const retired = new Set<Pool>()
  const send = (request: ApiRequest, signal: AbortSignal | undefined, bodyTimeout: number) =>
    dispatch.call(pool, {
      method: request.method,
      path: pathAndQuery(request),
      headers: {
        accept: 'application/json',
        'user-agent': 'podway',
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        ...(connection.token === undefined ? {} : { authorization: `Bearer ${connection.token}` }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal: signal ?? null,
      headersTimeout: requestTimeoutMs,
      bodyTimeout,
    })

  return {
    request: async (request, signal) => {
      const { statusCode, body } = await send(request, signal, requestTimeoutMs)
      const text = await body.text()
      if (statusCode >= 400) throw failure(statusCode, text)
      return JSON.parse(text)
    },

    watch: async function* (request, signal) {
      const { statusCode, body } = await send(request, signal, watchSilenceMs)
      if (statusCode >= 400) throw failure(statusCode, await body.text())
      for await (const line of lines(body)) {
        if (line === '') continue
        const event = JSON.parse(line) as WatchEvent
        if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as unknown as Status, 500)
        yield event
      }
    },

    renew: (next) => {
      const old = pool
      connection = next
      pool = openPool(next)
      retired.add(old)
      // Waits for what runs; watches end by themselves. Once it is destroyed, there is nothing to wait for.
      void old
        .close()
        .catch(() => undefined)
        .finally(() => retired.delete(old))
    },

    close: async () => {
      await Promise.all([pool, ...retired].map((each) => each.destroy()))
    },
  }
}
