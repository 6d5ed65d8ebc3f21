/** Requests to API servers behind a Service, in the name of a user: the front proxy's certificate vouches for it. */
import type { Readable } from 'node:stream'
import dispatch from 'undici/lib/api/api-request.js'
import type { KeyPair } from '../../api/certificates.ts'
import type { User } from '../auth/user.ts'
import { authorityOf, createPools } from '../webhooks/pools.ts'
import type { ResolveService } from '../webhooks/service-address.ts'
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
  close(): void
}

const connectMs = 5_000

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
  resolve: ResolveService,
  pair: () => KeyPair | undefined,
): RemoteConnections => {
  const pools = createPools()

  const poolOf = ({ service, caBundle, isUnverified }: Remote) => {
    const { namespace, name } = service
    const own = pair()
    return pools.of(`https://${resolve(service)}`, [namespace, name, isUnverified, caBundle, own?.cert], () => ({
      connections: 32,
      keepAliveTimeout: 10_000,
      // A watch is silent for as long as nothing happens.
      ...{ headersTimeout: 60_000, bodyTimeout: 0 },
      connect: {
        ...{ servername: `${name}.${namespace}.svc`, timeout: connectMs },
        ...authorityOf(caBundle),
        ...(isUnverified ? { rejectUnauthorized: false } : {}),
        ...(own ? { cert: own.cert, key: own.key } : {}),
      },
    }))
  }

  return {
    send: async (remote, { method, path, user, headers, body, signal }) => {
      const { namespace, name } = remote.service
      const answer = await dispatch.call(poolOf(remote), {
        ...{ method, path },
        headers: { ...headers, ...userHeaders(user), host: `${name}.${namespace}.svc` },
        ...(body === undefined ? {} : { body }),
        ...(signal ? { signal } : {}),
      })
      return { code: answer.statusCode, headers: answer.headers, body: answer.body }
    },
    close: () => pools.close(),
  }
}
