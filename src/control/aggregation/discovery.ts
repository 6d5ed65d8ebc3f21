/** What the API servers behind APIServices have, as far as it is known: whoever does not answer delays nobody else. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { controlUser } from '../auth/user.ts'
import type { RemoteVersion } from '../server/discovery.ts'
import { readAnswer } from '../webhooks/pools.ts'
import type { RemoteConnections } from './connection.ts'
import type { Remote } from './remotes.ts'

const freshMs = 30_000
const timeoutMs = 5_000
const answerLimit = 4 * 1024 * 1024
/** For so long a first question is waited for. */
const patienceMs = 2_000

interface Known {
  readonly resources: readonly JsonObject[]
  readonly at: number
  readonly isFresh: boolean
}

/** Its answer to a GET, as JSON. Rejects when there is none. */
export const askRemote = async (connections: RemoteConnections, remote: Remote, path: string): Promise<unknown> => {
  const { code, body } = await connections.send(remote, {
    ...{ method: 'GET', path, user: controlUser, headers: { accept: 'application/json' } },
    signal: AbortSignal.timeout(timeoutMs),
  })
  const text = await readAnswer(body, answerLimit)
  if (code !== 200)
    throw new Error(`bad status from https://${remote.service.name}.${remote.service.namespace}.svc${path}: ${code}`)
  return JSON.parse(text)
}

const keyOf = ({ group, version, service, caBundle }: Remote): string =>
  `${version}.${group} ${service.namespace}/${service.name}:${service.port} ${caBundle ?? ''}`

export const createRemoteDiscovery = (
  connections: RemoteConnections,
  remotes: () => readonly Remote[],
  now: () => number,
): (() => Promise<readonly RemoteVersion[]>) => {
  const known = new Map<string, Known>()
  const asking = new Map<string, Promise<void>>()

  const ask = async (remote: Remote): Promise<void> => {
    const key = keyOf(remote)
    try {
      const answer = await askRemote(connections, remote, `/apis/${remote.group}/${remote.version}`)
      const resources =
        isJsonObject(answer) && Array.isArray(answer['resources']) ? answer['resources'].filter(isJsonObject) : []
      known.set(key, { resources, at: now(), isFresh: true })
    } catch {
      // The availability of an APIService is told in its status.
      known.set(key, { resources: known.get(key)?.resources ?? [], at: now(), isFresh: false })
    }
  }

  const refresh = (remote: Remote): Promise<void> => {
    const key = keyOf(remote)
    const running = asking.get(key) ?? ask(remote).finally(() => asking.delete(key))
    asking.set(key, running)
    return running
  }

  const patience = (): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, patienceMs).unref()
    })

  return async () => {
    const all = remotes()
    if (all.length === 0) return []
    const unknown = all.filter((remote) => !known.has(keyOf(remote)))
    for (const remote of all) if (now() - (known.get(keyOf(remote))?.at ?? 0) > freshMs) void refresh(remote)
    if (unknown.length > 0) await Promise.race([Promise.all(unknown.map(refresh)), patience()])
    return all.map((remote) => {
      const { resources = [], isFresh = false } = known.get(keyOf(remote)) ?? {}
      return { group: remote.group, version: remote.version, resources, isFresh }
    })
  }
}
