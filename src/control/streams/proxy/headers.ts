/** Which headers go through the proxy. Pure. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { membersOf } from '../../../api/header-list.ts'
import type { Headers } from '../../server/call.ts'

/** Of one connection alone (RFC 9110, 7.6.1), and what the next message makes anew. */
const ofConnection = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'http2-settings', 'expect', 'host'],
])

/** Who asks is the API server's matter, and nothing that those behind it should get hold of. */
const isSecret = (name: string): boolean =>
  name === 'authorization' || name.startsWith('impersonate-') || name.startsWith('x-remote-')

/** A page of somebody's must not open the API to other pages. */
const isCrossOrigin = (name: string): boolean => name.startsWith('access-control-allow-')

const named = (connection: string): readonly string[] => membersOf(connection.toLowerCase())

export interface Forwarded {
  readonly host: string
  /** As the client sees it. */
  readonly uri: string
  readonly originalHost: string
  /** The protocol that the client asks for in place of HTTP. */
  readonly upgrade?: string
}

export const requestHeaders = (
  headers: Headers,
  { host, uri, originalHost, upgrade }: Forwarded,
): OutgoingHttpHeaders => {
  const left = named((headers['connection'] ?? []).join())
  const kept = Object.entries(headers).flatMap(([name, values]) =>
    ofConnection.has(name) || left.includes(name) || isSecret(name) || !values ? [] : [[name, [...values]] as const],
  )
  return {
    ...Object.fromEntries(kept),
    ...{ host, 'x-forwarded-uri': uri, 'x-forwarded-host': originalHost, 'x-forwarded-proto': 'https' },
    ...(upgrade === undefined ? {} : { connection: 'Upgrade', upgrade }),
  }
}

/** Without `content-type`, which the answer names itself. */
export const answerHeaders = (headers: IncomingHttpHeaders): OutgoingHttpHeaders => {
  const left = named(headers.connection ?? '')
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !ofConnection.has(name) && !left.includes(name) && !isCrossOrigin(name) && name !== 'content-type',
    ),
  )
}
