/** The API's socket side: TLS, HTTP/1.1, bodies and streams. The only file here that knows node:http. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import {
  ApiError,
  badRequest,
  internalError,
  methodNotAllowed,
  tooLarge,
  unauthorized,
  unsupportedMediaType,
} from '../../api/errors.ts'
import type { Method } from '../../api/transport.ts'
import type { WatchEvent } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { authenticate, type Credentials, type TokenUser } from '../auth/authenticate.ts'
import type { User } from '../auth/user.ts'
import { readProtobuf } from '../schema/protobuf.ts'
import type { Answer, Call, Handler } from './call.ts'

const bodyLimit = 3 * 1024 * 1024
/** A watcher that lets this much pile up is cut off; it comes back and lists again. */
const backlogLimit = 16 * 1024 * 1024

const methods: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Open to callers without a name: load balancers ask them. */
const publicPath = /^\/(healthz|livez|readyz|version)(\/|$)/
const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

const listOf = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

const credentialsOf = (request: IncomingMessage): Credentials => {
  const socket = request.socket as TLSSocket
  const { subject } = socket.getPeerCertificate()
  const authorization = request.headers.authorization
  return {
    trusted: socket.authorized,
    ...(subject ? { certificate: { commonName: String(subject.CN), organizations: listOf(subject.O) } } : {}),
    ...(authorization === undefined ? {} : { authorization }),
  }
}

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyLimit) throw tooLarge(bodyLimit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const parseBody = async (body: Buffer, contentType: string): Promise<unknown> => {
  if (body.length === 0) return undefined
  const text = body.toString('utf8')
  try {
    if (contentType === 'application/vnd.kubernetes.protobuf') return readProtobuf(body)
    if (contentType === 'application/yaml' || contentType.endsWith('+yaml')) return (await import('yaml')).parse(text)
    if (contentType === '' || contentType === 'application/json' || contentType.endsWith('+json'))
      return JSON.parse(text)
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw badRequest(`the body could not be parsed: ${error instanceof Error ? error.message : String(error)}`)
  }
  throw unsupportedMediaType(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'])
}

const sendJson = (
  response: ServerResponse,
  code: number,
  object: unknown,
  headers: Record<string, string | string[]> = {},
): void => {
  const text = JSON.stringify(object)
  response.writeHead(code, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    ...headers,
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** RFC 7234 Warning, which kubectl prints. */
const warningHeader = (text: string): string => `299 - ${JSON.stringify(text)}`

const sendError = (response: ServerResponse, error: unknown, log: Logger): void => {
  const known =
    error instanceof ApiError ? error : internalError(error instanceof Error ? error.message : String(error))
  if (!(error instanceof ApiError)) log.error({ err: error }, 'a request failed')
  if (response.headersSent) return void response.destroy()
  const retry = known.details?.retryAfterSeconds
  sendJson(response, known.code, known.toStatus(), retry === undefined ? {} : { 'retry-after': String(retry) })
}

/** The JSON of objects that many watchers get, kept for as long as the object itself. */
const rendered = new WeakMap<object, string>()

const renderEvent = ({ type, object }: WatchEvent<unknown>): string => {
  if (typeof object !== 'object' || object === null) return `${JSON.stringify({ type, object })}\n`
  const known = rendered.get(object) ?? JSON.stringify(object)
  rendered.set(object, known)
  return `{"type":"${type}","object":${known}}\n`
}

const sendWatch = async (
  response: ServerResponse,
  answer: Answer & { kind: 'watch' },
  signal: AbortSignal,
): Promise<void> => {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  const emit = (event: WatchEvent<unknown>): void => {
    if (response.writableLength > backlogLimit) response.destroy()
    else response.write(renderEvent(event))
  }
  try {
    await answer.run(emit, signal)
  } catch (error) {
    const status = error instanceof ApiError ? error : internalError(String(error))
    emit({ type: 'ERROR', object: status.toStatus() })
  }
  response.end()
}

const sendStream = async (response: ServerResponse, answer: Answer & { kind: 'stream' }): Promise<void> => {
  response.writeHead(200, { 'content-type': answer.contentType })
  response.flushHeaders()
  for await (const chunk of answer.chunks) {
    if (response.destroyed) return
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
}

const send = async (response: ServerResponse, answer: Answer, signal: AbortSignal): Promise<void> => {
  switch (answer.kind) {
    case 'object':
      return sendJson(response, answer.code, answer.object, {
        ...(answer.contentType ? { 'content-type': answer.contentType } : {}),
        ...(answer.warnings ? { warning: answer.warnings.map(warningHeader) } : {}),
      })
    case 'bytes':
      response.writeHead(200, { 'content-type': answer.contentType, 'content-length': Buffer.byteLength(answer.bytes) })
      return void response.end(answer.bytes)
    case 'watch':
      return sendWatch(response, answer, signal)
    case 'stream':
      return sendStream(response, answer)
  }
}

export interface HttpsOptions {
  /** The certificate is followed by its authority's, so that joining nodes can see whom they talk to. */
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly tokens: readonly TokenUser[]
  readonly log: Logger
}

/** A server that is not listening yet. */
export const createApiServer = (handle: Handler, { cert, key, ca, tokens, log }: HttpsOptions): Server => {
  const identify = (request: IncomingMessage, path: string): User => {
    const user = authenticate(credentialsOf(request), tokens)
    if (user) return user
    if (publicPath.test(path)) return anonymous
    throw unauthorized()
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    try {
      const url = new URL(request.url ?? '/', 'https://api')
      const user = identify(request, url.pathname)
      const method = request.method ?? ''
      if (!methods.includes(method)) throw methodNotAllowed()
      const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
      const call: Call = {
        method: method as Method,
        path: url.pathname,
        query: url.searchParams,
        user,
        accept: request.headers.accept ?? '',
        contentType,
        body: async () => parseBody(await readBody(request), contentType),
        signal: gone.signal,
      }
      await send(response, await handle(call), gone.signal)
    } catch (error) {
      sendError(response, error, log)
    }
  }

  const server = createServer(
    { cert: `${cert}${ca}`, key, ca, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 75_000 },
    (request, response) => void answer(request, response),
  )
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'a client gave up during the TLS handshake'))
  return server
}
