/** One request to a Gateway, and what came of it. */
import { request } from 'node:http'
import { connect as connectH2, type IncomingHttpHeaders } from 'node:http2'
import { request as requestTls } from 'node:https'
import { type Fields, isFields } from './go/run.ts'

/** Names are as Go's structs have them. */
export interface Asked {
  readonly address: string
  readonly scheme: 'http' | 'https'
  readonly Method: string
  readonly Host: string
  readonly path: string
  readonly Protocol: string
  readonly Headers: Readonly<Record<string, string>>
  readonly Body: string
  readonly tls?: Tls
}

export interface Tls {
  readonly ca: string
  readonly servername: string
  readonly checkServerIdentity: () => undefined
  readonly cert?: string
  readonly key?: string
}

export interface Answered {
  /** What the backend says that it was asked; empty where no backend answered. */
  readonly request: Fields
  readonly status: number
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly redirect: Fields | undefined
}

const timeoutMs = 5_000

const lists = (headers: NodeJS.Dict<string | string[]>): Record<string, readonly string[]> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().map(String)]],
    ),
  )

const redirectOf = (location: string | undefined, from: string): Fields | undefined => {
  if (location === undefined) return undefined
  const { protocol, hostname, port, pathname } = new URL(location, from)
  // Whether a port that goes without saying was said is not told by URL.
  const written = /^[a-z]+:\/\/[^/?#]*:(\d+)/.exec(location)?.[1] ?? port
  return { Scheme: protocol.replace(':', ''), Host: hostname, Port: written, Path: pathname }
}

const parsed = (body: string): Fields => {
  try {
    const found: unknown = JSON.parse(body)
    return isFields(found) ? found : {}
  } catch {
    return {}
  }
}

const answered = (asked: Asked, status: number, headers: IncomingHttpHeaders, body: string): Answered => ({
  request: parsed(body),
  status,
  headers: lists(headers),
  redirect: redirectOf(headers.location, `${asked.scheme}://${asked.Host || asked.address}${asked.path}`),
})

const overH2 = (asked: Asked): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const session = connectH2(`${asked.scheme}://${asked.address}`, { ...asked.tls })
    session.on('error', reject)
    session.setTimeout(timeoutMs, () => session.destroy(new Error('timeout')))
    const names = { ':method': asked.Method, ':path': asked.path, ':authority': asked.Host || asked.address }
    const stream = session.request({ ...asked.Headers, ...names }, { endStream: asked.Body === '' })
    if (asked.Body !== '') stream.end(asked.Body)
    let head: IncomingHttpHeaders & { ':status'?: number } = {}
    let body = ''
    stream.on('response', (found) => {
      head = found
    })
    stream.setEncoding('utf8').on('data', (piece) => {
      body += piece
    })
    stream.on('error', reject)
    stream.on('end', () => {
      session.close()
      resolve(answered(asked, head[':status'] ?? 0, head, body))
    })
  })

/** Rejects when nobody answers. */
export const roundTrip = (asked: Asked): Promise<Answered> => {
  if (/^H2/.test(asked.Protocol)) return overH2(asked)
  const { hostname, port } = new URL(`${asked.scheme}://${asked.address}`)
  return new Promise((resolve, reject) => {
    const options = {
      ...{
        host: hostname,
        port: port || (asked.scheme === 'https' ? 443 : 80),
        path: asked.path,
        method: asked.Method,
      },
      ...{ agent: false, timeout: timeoutMs, ...asked.tls },
      headers: { ...asked.Headers, ...(asked.Host ? { host: asked.Host } : {}) },
    }
    const outgoing = (asked.scheme === 'https' ? requestTls : request)(options, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (piece) => {
        body += piece
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          ...answered(asked, response.statusCode ?? 0, response.headers, body),
          // A field that came twice is two values.
          headers: lists(response.headersDistinct),
        }),
      )
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')))
    outgoing.on('error', reject).end(asked.Body)
  })
}
