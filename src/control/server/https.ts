/** The API's socket side: TLS, HTTP/1.1, bodies and streams. The only file here that knows node:http. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import type { KeyPair } from '../../api/certificates.ts'
import { ApiError, badRequest, methodNotAllowed, toApiError } from '../../api/errors.ts'
import type { Method } from '../../api/transport.ts'
import type { WatchEvent } from '../../api/types/index.ts'
import { drained } from '../../host/drained.ts'
import type { Logger } from '../../host/log.ts'
import { responseTo, type Upgrade } from '../../host/upgrade.ts'
import type { Credentials } from '../auth/authenticate.ts'
import { bodyLimit } from '../schema/bounds.ts'
import { createBodyParser } from './body/parse.ts'
import { createBodyReader, discardRest, hasBody, waitsForLeave } from './body/read.ts'
import { type Answer, asking, type Incoming, type IncomingHandler, withHeaders } from './call.ts'
import { compressed, compressing } from './compress.ts'
import { renderEvent, renderList } from './render.ts'

/** A watcher that lets this much pile up is cut off; it comes back and lists again. */
const backlogLimit = 16 * 1024 * 1024

/** Of what a client calls its own request. */
const idLimit = 64

const methods: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] satisfies readonly Method[]
const isMethod = (method: string): method is Method => methods.includes(method)

/** What a proxied server may be asked besides. Who may read may ask it. */
const isForProxy = (method: string, path: string): boolean =>
  (method === 'HEAD' || method === 'OPTIONS') && /\/proxy(\/|$)/.test(path)

const urlOf = (request: IncomingMessage): URL => {
  const url = URL.parse(request.url ?? '/', 'https://api')
  if (!url) throw badRequest('the request names no valid URL')
  return url
}

const listOf = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

type Certificate = Credentials['certificate']

/** What a connection's client showed is read once: it costs as much as a small request. */
const shown = new WeakMap<TLSSocket, { readonly certificate: Certificate }>()

const readCertificate = (socket: TLSSocket): Certificate => {
  const { subject, valid_to: notAfter } = socket.getPeerCertificate()
  return subject
    ? {
        ...{ commonNames: listOf(subject.CN), organizations: listOf(subject.O) },
        ...{ notAfter: Date.parse(notAfter), trusted: socket.authorized },
      }
    : undefined
}

const certificateOf = (socket: TLSSocket): Certificate => {
  const known = shown.get(socket)
  if (known) return known.certificate
  const certificate = readCertificate(socket)
  shown.set(socket, { certificate })
  return certificate
}

const credentialsOf = (request: IncomingMessage): Credentials => {
  const certificate = certificateOf(request.socket as TLSSocket)
  const { authorization } = request.headers
  return { ...(certificate ? { certificate } : {}), ...(authorization === undefined ? {} : { authorization }) }
}

type Headers = Record<string, string | string[]>

/** Why the signal of a request ends, with the request at the latest: made once, as making it costs as much as finding an object. */
const requestEnded = new DOMException('the request has ended', 'AbortError')

const jsonHeaders: Headers = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' }

/** Ends an answer whose body may be large. */
const sendBody = async (
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  bytes: string | Uint8Array,
  headers: Headers,
): Promise<void> => {
  const packed = await compressed(bytes, request.headers['accept-encoding']?.toString())
  const vary = [headers['vary'] ?? [], packed ? 'Accept-Encoding' : []].flat().join(', ')
  response.writeHead(code, {
    ...headers,
    ...(packed ? { 'content-encoding': 'gzip' } : {}),
    ...(vary === '' ? {} : { vary }),
    'content-length': Buffer.byteLength(packed ?? bytes),
  })
  response.end(packed ?? bytes)
}

const sendJson = (
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  text: string,
  headers: Headers = {},
): Promise<void> => sendBody(request, response, code, text, { ...jsonHeaders, ...headers })

const warningLimit = 256
const warningsLimit = 16

/** RFC 7234 Warnings, which kubectl prints. Headers are Latin-1, and short. */
const warningHeaders = (warnings: readonly string[]): string[] =>
  warnings.slice(0, warningsLimit).map((text) => {
    const quoted = JSON.stringify(text.length > warningLimit ? `${text.slice(0, warningLimit)}…` : text)
    return `299 - ${quoted.replaceAll(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}`
  })

const warningsOf = ({ warnings }: { readonly warnings?: readonly string[] }): Headers =>
  warnings ? { warning: warningHeaders(warnings) } : {}

/**
 * The connection may close behind the answer, which resets a client that is still sending: the answer ends when the
 * client does.
 */
const sendError = async (
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: Logger,
): Promise<void> => {
  const known = toApiError(error)
  if (!(error instanceof ApiError)) log.error({ err: error }, 'a request failed')
  if (response.headersSent) return void response.destroy()
  const retry = known.details?.retryAfterSeconds
  const text = JSON.stringify(known.toStatus())
  response.writeHead(known.code, {
    ...jsonHeaders,
    ...known.headers,
    ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
    'content-length': Buffer.byteLength(text),
  })
  response.write(text)
  await discardRest(request)
  response.end()
}

const sendWatch = async (
  response: ServerResponse,
  answer: Answer & { kind: 'watch' },
  signal: AbortSignal,
  log: Logger,
): Promise<void> => {
  response.writeHead(200, { ...jsonHeaders, ...warningsOf(answer) })
  response.flushHeaders()
  const emit = (event: WatchEvent<unknown>): void => {
    if (response.writableLength > backlogLimit) response.destroy()
    else response.write(renderEvent(event))
  }
  try {
    await answer.run(emit, signal)
  } catch (error) {
    if (!(error instanceof ApiError)) log.error({ err: error }, 'a watch failed')
    emit({ type: 'ERROR', object: toApiError(error).toStatus() })
  }
  response.end()
}

const sendStream = async (response: ServerResponse, answer: Answer & { kind: 'stream' }): Promise<void> => {
  response.writeHead(answer.code ?? 200, {
    ...(answer.contentType === '' ? {} : { 'content-type': answer.contentType }),
    ...answer.headers,
  })
  response.flushHeaders()
  for await (const chunk of answer.chunks) {
    if (response.destroyed) return
    if (!response.write(chunk)) await drained(response)
  }
  response.end()
}

/** A list that is long is sent while it is made: neither it nor its bytes are ever there as a whole. */
const sendList = async (
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer & { kind: 'list' },
): Promise<void> => {
  const parts = renderList(answer.list, answer.bare)
  const { value: first = '' } = parts.next()
  const { value: second, done } = parts.next()
  if (done) return sendJson(request, response, 200, first, warningsOf(answer))
  const packing = compressing(request.headers['accept-encoding']?.toString())
  response.writeHead(200, {
    ...{ ...jsonHeaders, ...warningsOf(answer) },
    ...(packing ? { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } : {}),
  })
  const all = function* (): Generator<string, void> {
    yield* [first, second]
    yield* parts
  }
  try {
    await pipeline([Readable.from(all()), ...(packing ? [packing] : []), response])
  } catch (error) {
    // The client has gone.
    if (!response.destroyed) throw error
  }
}

const sendBytes = (
  request: IncomingMessage,
  response: ServerResponse,
  { contentType, bytes, tag, code = 200 }: Answer & { kind: 'bytes' },
): Promise<void> | void => {
  const entityTag: Headers = tag === undefined ? {} : { etag: `"${tag}"`, vary: ['Accept'] }
  if (tag !== undefined && request.headers['if-none-match']?.includes(`"${tag}"`))
    return void response.writeHead(304, entityTag).end()
  // What a caller made us say is no page.
  const headers = { 'content-type': contentType, 'x-content-type-options': 'nosniff', ...entityTag }
  return sendBody(request, response, code, bytes, headers)
}

const send = async (
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  signal: AbortSignal,
  log: Logger,
): Promise<void> => {
  switch (answer.kind) {
    case 'object':
      return sendJson(request, response, answer.code, JSON.stringify(answer.object), {
        ...(answer.contentType ? { 'content-type': answer.contentType } : {}),
        ...warningsOf(answer),
      })
    case 'list':
      return sendList(request, response, answer)
    case 'bytes':
      return sendBytes(request, response, answer)
    case 'watch':
      return sendWatch(response, answer, signal, log)
    case 'stream':
      return sendStream(response, answer)
    case 'upgraded':
      // The client has not asked for it, whatever the path says.
      answer.refuse()
      throw badRequest('Upgrade request required')
  }
}

/** The certificate is followed by its authority's, so that joining nodes can see whom they talk to. */
export const apiServerTls = ({ cert, key }: KeyPair, ca: string) => ({ cert: `${cert}${ca}`, key, ca })

export interface HttpsOptions {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly log: Logger
}

/** A server that is not listening yet. */
export const createApiServer = (handle: IncomingHandler, { cert, key, ca, log }: HttpsOptions): Server => {
  const bodies = createBodyReader()
  const parser = createBodyParser()

  const incomingOf = (request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Incoming => {
    const { pathname, searchParams, search } = urlOf(request)
    const said = request.method ?? ''
    const method = isForProxy(said, pathname) ? 'GET' : said
    if (!isMethod(method)) throw methodNotAllowed(methods)
    const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
    const id = request.headersDistinct['audit-id']?.[0]?.slice(0, idLimit) || randomUUID()
    response.setHeader('audit-id', id)
    let bytes: Promise<Buffer> | undefined
    const read = (limit: number): Promise<Buffer> => {
      bytes ??= bodies.read(request, response, limit)
      return bytes
    }
    return {
      ...asking(method, pathname, searchParams),
      ...{ contentType, signal },
      ...withHeaders(request.headersDistinct),
      ...{ id, address: request.socket.remoteAddress ?? '' },
      credentials: credentialsOf(request),
      raw: {
        ...{ method: said, search },
        body: () => {
          if (!hasBody(request)) return undefined
          if (waitsForLeave(request)) response.writeContinue()
          return request
        },
      },
      rawBody: async (limit = bodyLimit) => (hasBody(request) ? read(limit) : Buffer.alloc(0)),
      body: async (limit = bodyLimit) => {
        if (!hasBody(request)) return undefined
        parser.check(contentType)
        return parser.parse(await read(limit), contentType)
      },
    }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController()
    response.once('close', () => gone.abort(requestEnded))
    try {
      await send(request, response, await handle(incomingOf(request, response, gone.signal)), gone.signal, log)
      await discardRest(request)
    } catch (error) {
      await sendError(request, response, error, log)
    }
  }

  /** The same for a request that asks for another protocol, and may get it. */
  const onUpgrade = async (upgrade: Upgrade): Promise<void> => {
    const { response, release } = responseTo(upgrade)
    const gone = new AbortController()
    const end = (): void => gone.abort(requestEnded)
    upgrade.socket.once('close', end)
    try {
      const given = await handle(incomingOf(upgrade.request, response, gone.signal))
      if (given.kind !== 'upgraded') return await send(upgrade.request, response, given, gone.signal, log)
      release()
      if (upgrade.socket.destroyed) given.refuse()
      else given.take(upgrade)
    } catch (error) {
      await sendError(upgrade.request, response, error, log)
    }
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response)
  const server = createServer(
    {
      ...apiServerTls({ cert, key }, ca),
      ...{ requestCert: true, rejectUnauthorized: false },
      ...{ keepAliveTimeout: 75_000, requestTimeout: 60_000 },
    },
    listener,
  )
  // A client that asks before it sends a body hears of a refusal before it has sent it.
  server.on('checkContinue', listener)
  server.on('upgrade', (request, socket, head) => void onUpgrade({ request, socket, head }))
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'a client gave up during the TLS handshake'))
  return server
}
