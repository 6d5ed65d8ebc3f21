/** Hands requests on to the API server that answers for their group and version. */
import { serviceUnavailable } from '../../api/errors.ts'
import type { Logger } from '../../host/log.ts'
import type { Answer, Call, Handler } from '../server/call.ts'
import type { RemoteConnections } from './connection.ts'
import type { Remote } from './remotes.ts'

/** Of one connection, or of who asks: those of the next one are its own. */
const dropped = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'host', 'content-length', 'expect', 'authorization', 'cookie'],
])

const isPassed = (name: string): boolean =>
  !dropped.has(name) && !name.startsWith('x-remote-') && !name.startsWith('impersonate-')

const passedOn = ({ headers, address }: Call): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    Object.entries(headers).flatMap(([name, values]) => (values && isPassed(name) ? [[name, values.join(', ')]] : [])),
  ),
  ...(address === undefined ? {} : { 'x-forwarded-for': address }),
})

const textOf = (value: string | readonly string[] | undefined): string =>
  typeof value === 'string' ? value : (value?.[0] ?? '')

const pathOf = ({ path, query }: Call): string => {
  const search = query.toString()
  return search === '' ? path : `${path}?${search}`
}

export const createAggregationProxy =
  (connections: RemoteConnections, remote: Remote, log: Logger): Handler =>
  async (call): Promise<Answer> => {
    const hasBody = call.method !== 'GET'
    const body = hasBody ? await call.rawBody() : undefined
    try {
      const {
        code,
        headers,
        body: chunks,
      } = await connections.send(remote, {
        ...{ method: call.raw?.method ?? call.method, path: pathOf(call), user: call.user, headers: passedOn(call) },
        ...(body && body.length > 0 ? { body } : {}),
        signal: call.signal,
      })
      const { 'content-type': contentType, ...more } = headers
      const kept = Object.entries(more).filter(([name, value]) => value !== undefined && !dropped.has(name))
      return { kind: 'stream', contentType: textOf(contentType), chunks, code, headers: Object.fromEntries(kept) }
    } catch (error) {
      if (call.signal.aborted) throw error
      const { group, version } = remote
      log.warn({ err: error, apiService: `${version}.${group}` }, 'cannot reach the API server behind an APIService')
      throw serviceUnavailable('service unavailable')
    }
  }
