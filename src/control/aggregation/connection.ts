/** Requests to API servers behind a Service, in the name of a user: the front proxy's certificate vouches for it. */
import type { Readable } from 'node:stream'
import dispatch from 'undici/lib/api/api-request.js'
import type { KeyPair } from '../../api/certificates.ts'
import type { User } from '../auth/user.ts'
import { type IncomingAnswer, requestOver } from '../dial/agent-request.ts'
import { type ConnectToService, connectSecurely } from '../dial/services.ts'
import { authorityOf, connectorTo, createPools } from '../webhooks/pools.ts'
import type { Remote } from './remotes.ts'

export interface RemoteRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly user: User
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Readable | Uint8Array
  readonly signal?: AbortSignal
}

export interface RemoteAnswer {
  readonly code: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array>
}

export interface RemoteConnections {
  /** Rejects when it cannot be reached. */
  send(remote: Remote, request: RemoteRequest): Promise<RemoteAnswer>
  /** The same over a connection of its own, which may speak another protocol behind the answer. */
  upgrade(remote: Remote, request: Omit<RemoteRequest, 'body'>): Promise<IncomingAnswer>
  close(): void
}

/** Of one that is asked to switch protocols. */
const answerMs = 30_000

/** Headers by which the front proxy says whose request it is. Nobody else's are passed on. */
const userHeaders = ({ name, groups, uid, extra = {} }: User): Record<string, string | string[]> => ({
  'x-remote-user': name,
  ...(uid === undefined ? {} : { 'x-remote-uid': uid }),
  ...(groups.length === 0 ? {} : { 'x-remote-group': [...groups] }),
  ...Object.fromEntries(
    Object.entries(extra).map(([key, values]) => [
      `x-remote-extra-${encodeURIComponent(key.toLowerCase())}`,
      [...values],
    ]),
  ),
})

export const createRemoteConnections = (
  connect: ConnectToService,
  pair: () => KeyPair | undefined,
): RemoteConnections => {
  const pools = createPools()

  /** Whom it has to be, and who we are. */
  const tlsOf = ({ service: { namespace, name }, caBundle, isUnverified }: Remote) => {
    const own = pair()
    return {
      servername: `${name}.${namespace}.svc`,
      ...authorityOf(caBundle),
      ...(isUnverified ? { rejectUnauthorized: false } : {}),
      ...(own ? { cert: own.cert, key: own.key } : {}),
    }
  }

  const headersOf = ({ service: { namespace, name } }: Remote, { user, headers }: RemoteRequest) => ({
    ...{ ...headers, ...userHeaders(user), host: `${name}.${namespace}.svc` },
  })

  const poolOf = (remote: Remote) => {
    const { service, caBundle, isUnverified } = remote
    const { namespace, name } = service
    const own = pair()
    const identity = [isUnverified, caBundle, own?.cert]
    return pools.of(`https://${name}.${namespace}.svc:${service.port}`, identity, () => ({
      connections: 32,
      keepAliveTimeout: 10_000,
      // A watch is silent for as long as nothing happens.
      ...{ headersTimeout: 60_000, bodyTimeout: 0 },
      connect: connectorTo(connect, service, tlsOf(remote)),
    }))
  }

  return {
    send: async (remote, request) => {
      const { method, path, body, signal } = request
      const answer = await dispatch.call(poolOf(remote), {
        ...{ method, path },
        headers: headersOf(remote, request),
        ...(body === undefined ? {} : { body }),
        ...(signal ? { signal } : {}),
      })
      return { code: answer.statusCode, headers: answer.headers, body: answer.body }
    },
    upgrade: async (remote, request) => {
      const { method, path, signal = new AbortController().signal } = request
      const socket = await connectSecurely(connect, remote.service, tlsOf(remote), signal)
      return requestOver(socket, { method, path, headers: headersOf(remote, request) }, signal, answerMs)
    },
    close: () => pools.close(),
  }
}
