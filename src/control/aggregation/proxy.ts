/** Hands requests on to the API server that answers for their group and version. */
import { serviceUnavailable } from '../../api/errors.ts'
import type { Logger } from '../../host/log.ts'
import type { Answer, Call, Handler } from '../server/call.ts'
import { isUpgrade, switched } from '../streams/pass-on.ts'
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

/** exec and the like of the other side: from there on the connection is the client's own. */
const upgraded = async (connections: RemoteConnections, remote: Remote, call: Call): Promise<Answer> => {
  const headers = { ...passedOn(call), connection: 'Upgrade', upgrade: call.header('upgrade') }
  const method = call.raw?.method ?? call.method
  const { user, signal } = call
  const answer = await connections.upgrade(remote, { method, path: pathOf(call), user, headers, signal })
  if (answer.upgraded) return switched({ ...answer, upgraded: answer.upgraded }, () => true)
  const contentType = answer.headers['content-type'] ?? ''
  return { kind: 'stream', code: answer.code, contentType, chunks: answer.body }
}

export const createAggregationProxy =
  (connections: RemoteConnections, remote: Remote, log: Logger): Handler =>
  async (call): Promise<Answer> => {
    const isUpgraded = isUpgrade(call)
    const hasBody = call.method !== 'GET' && !isUpgraded
    const body = hasBody ? await call.rawBody() : undefined
    try {
      if (isUpgraded) return await upgraded(connections, remote, call)
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
