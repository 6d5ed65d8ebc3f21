/** Requests to registries, to the services that give tokens for them, and to where they keep their blobs. */
import { rootCertificates } from 'node:tls'
import type { Dispatcher } from 'undici'
import dispatch from 'undici/lib/api/api-request.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { readWholeBytes } from '../../host/read-whole.ts'
import { damaged, ImageError } from '../image-error.ts'
import type { Endpoint } from './registries.ts'

export interface RegistryRequest {
  readonly method?: 'GET' | 'POST'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal | undefined
}

export interface RegistryAnswer {
  readonly status: number
  header(name: string): string | undefined
  /** Reading throws `ImageError` ("unavailable") where the connection breaks, or says nothing for too long. */
  readonly body: AsyncIterable<Buffer>
  /** For an answer that is not read. */
  discard(): Promise<void>
}

export interface HttpClient {
  /** Redirects are the caller's. Rejects with `ImageError` ("unavailable"). */
  send(request: RegistryRequest, trust: Pick<Endpoint, 'authority' | 'isVerified'>): Promise<RegistryAnswer>
  close(): Promise<void>
}

export interface HttpTimeouts {
  /** Without a byte. */
  readonly silenceMs: number
  readonly connectMs: number
}

export const defaultTimeouts: HttpTimeouts = { silenceMs: 30_000, connectMs: 10_000 }

const unknownAuthority =
  'its certificate is signed by nobody that this node knows: give its authority as ca_file in the file of registries'

const texts: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: look at the clock of this node',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  ECONNREFUSED: 'connection refused: nothing listens there',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  ENOTFOUND: 'its name cannot be resolved: look at the DNS of this node',
  EAI_AGAIN: 'its name cannot be resolved now: look at the DNS of this node',
  EPIPE: 'connection reset',
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UND_ERR_BODY_TIMEOUT: 'it stopped in the middle of an answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer: no connection',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer a request',
  UND_ERR_SOCKET: 'it closed the connection',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names: ask it by one of them',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: give it as a mirror with http:// in the file of registries',
}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ''
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return 'code' in error ? String(error.code) : codeOf(error.cause)
}

const unavailable = (error: unknown, host: string): ImageError => {
  const code = codeOf(error)
  const said = error instanceof Error ? error.message : String(error)
  return new ImageError('unavailable', `${host}: ${texts[code] ?? said}`, error)
}

async function* bytesOf(body: Dispatcher.ResponseData['body'], host: string): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of body) yield chunk
  } catch (error) {
    throw error instanceof Error && error.name === 'AbortError' ? error : unavailable(error, host)
  }
}

const firstOf = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)

const answerOf = ({ statusCode, headers, body }: Dispatcher.ResponseData, host: string): RegistryAnswer => ({
  status: statusCode,
  header: (name) => firstOf(headers[name]),
  body: bytesOf(body, host),
  // What is left of a long answer is not worth its bytes: the connection ends. That it broke before is all the same, too.
  discard: () => body.dump({ limit: 16 * 1024 }).catch(() => undefined),
})

const connectionsToOne = 8

/** Opens connections when they are needed; `close` ends them all. */
export const createHttpClient = (timeouts: HttpTimeouts = defaultTimeouts): HttpClient => {
  const pools = new Map<string, Pool>()
  const poolOf = (url: URL, { authority, isVerified }: Pick<Endpoint, 'authority' | 'isVerified'>): Pool => {
    const key = JSON.stringify([url.origin, authority, isVerified])
    const known = pools.get(key)
    if (known) return known
    const pool = new Pool(url.origin, {
      connections: connectionsToOne,
      pipelining: 1,
      keepAliveTimeout: 10_000,
      headersTimeout: timeouts.silenceMs,
      bodyTimeout: timeouts.silenceMs,
      connect: {
        timeout: timeouts.connectMs,
        rejectUnauthorized: isVerified,
        ...(authority === undefined ? {} : { ca: [...rootCertificates, authority] }),
      },
    })
    pools.set(key, pool)
    return pool
  }
  return {
    send: async ({ method = 'GET', url, headers = {}, body, signal }, trust) => {
      try {
        const answer = await dispatch.call(poolOf(url, trust), {
          ...{ method, path: `${url.pathname}${url.search}` },
          headers: { 'user-agent': 'podway', ...headers },
          ...{ body: body ?? null, signal: signal ?? null },
        })
        return answerOf(answer, url.host)
      } catch (error) {
        if (signal?.aborted) throw error
        throw unavailable(error, url.host)
      }
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

/** A whole answer. Rejects one of more bytes than `most`. */
export const readAnswer = ({ body }: RegistryAnswer, most: number, what: string): Promise<Buffer> =>
  readWholeBytes(body, most, () => damaged(`${what} has more than ${most} bytes`))
