/** `ApiTransport` over HTTPS, through undici. */
// Two parts of undici instead of its index, which loads fetch, mocks, caches and WebSockets: 13 MB in every daemon.
import { isDeepStrictEqual } from 'node:util'
import type { Dispatcher } from 'undici'
import dispatch from 'undici/lib/api/api-request.js'
import { type ConnectionsOptions, createConnections, type Way } from './connections.ts'
import { ApiError } from './errors.ts'
import { readInClusterConnection } from './in-cluster.ts'
import { type Connection, readKubeconfig } from './kubeconfig.ts'
import type { ApiRequest, ApiTransport } from './transport.ts'
import type { Status, WatchEvent } from './types/index.ts'

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

const unheard = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

/** No connection came about. */
const isUnheard = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && unheard.includes(String(error.code))

export interface HttpTransport extends ApiTransport {
  /** The bytes of an answer that is no JSON, as they come, however long it is silent. Rejects as `request`. */
  read(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  /** As `Connections.refresh`. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** Opens connections when they are needed; `close` ends them all. */
export const createHttpTransport = (first: Connection, options: ConnectionsOptions = {}): HttpTransport => {
  const connections = createConnections(first, options)

  const dispatchOver = (
    { pool, connection: { token } }: Way,
    request: ApiRequest,
    signal: AbortSignal | undefined,
    bodyTimeout: number,
  ): Promise<Dispatcher.ResponseData> =>
    dispatch.call(pool, {
      method: request.method,
      path: pathAndQuery(request),
      headers: {
        accept: 'application/json',
        'user-agent': 'podway',
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal: signal ?? null,
      headersTimeout: requestTimeoutMs,
      bodyTimeout,
    })

  /** Of each server once, as long as none of them has heard the request. */
  const ask = async (
    request: ApiRequest,
    signal: AbortSignal | undefined,
    bodyTimeout: number,
  ): Promise<{ readonly way: Way; readonly answer: Dispatcher.ResponseData }> => {
    for (let tried = 1; ; tried++) {
      const way = await connections.current()
      try {
        return { way, answer: await dispatchOver(way, request, signal, bodyTimeout) }
      } catch (error) {
        if (signal?.aborted) throw error
        const isElsewhere = connections.leave(way)
        if (!isElsewhere || !isUnheard(error) || tried > (way.connection.others?.length ?? 0)) throw error
      }
    }
  }

  /** An answer that is a failure is thrown. Whom the server does not know (401) asks once more as what the files say now. */
  const send = async (
    request: ApiRequest,
    signal: AbortSignal | undefined,
    bodyTimeout: number,
    isSecond = false,
  ): Promise<Dispatcher.ResponseData> => {
    const { way, answer } = await ask(request, signal, bodyTimeout)
    if (answer.statusCode < 400) return answer
    const error = failure(answer.statusCode, await answer.body.text())
    if (error.code !== 401 || isSecond) throw error
    await connections.refresh()
    if (!isDeepStrictEqual(way.connection, (await connections.current()).connection))
      return send(request, signal, bodyTimeout, true)
    const { problem } = connections
    throw problem === undefined ? error : new ApiError(401, error.reason, `${error.message}; ${problem}`, error.details)
  }

  return {
    request: async (request, signal) => JSON.parse(await (await send(request, signal, requestTimeoutMs)).body.text()),

    read: async (request, signal) => (await send(request, signal, 0)).body,

    watch: async function* (request, signal) {
      const way = await connections.current()
      const { body } = await send(request, signal, 0)
      try {
        for await (const line of lines(body)) {
          if (line === '') continue
          const event = JSON.parse(line) as WatchEvent
          if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as unknown as Status, 500)
          yield event
        }
      } catch (error) {
        // A connection that broke: its server may be gone.
        if (!(error instanceof ApiError) && !signal.aborted) connections.leave(way)
        throw error
      }
    },

    refresh: connections.refresh,
    close: connections.close,
  }
}

export interface OpenedTransport {
  readonly transport: HttpTransport
  readonly connection: Connection
}

const openWith = async (read: () => Promise<Connection>): Promise<OpenedTransport> => {
  const connection = await read()
  return { connection, transport: createHttpTransport(connection, { reread: read }) }
}

/**
 * As the kubeconfig says, now and whenever its tokens and certificates are rotated. `others` tells what other servers the cluster
 * was last known to have.
 */
export const openTransport = (
  kubeconfig: string,
  others: () => Promise<readonly string[]> = async () => [],
): Promise<OpenedTransport> =>
  openWith(async () => {
    const [connection, servers] = [await readKubeconfig(kubeconfig), await others()]
    return servers.length === 0 ? connection : { ...connection, others: servers }
  })

/** As the ServiceAccount of the pod that this process runs in. */
export const openInClusterTransport = (): Promise<OpenedTransport> => openWith(readInClusterConnection)
