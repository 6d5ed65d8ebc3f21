/** What the API servers behind APIServices have, as far as it is known: whoever does not answer delays nobody else. */

import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { readWhole } from '../../host/read-whole.ts'
import { controlUser } from '../auth/user.ts'
import type { RemoteVersion } from '../server/discovery.ts'
import type { RemoteConnections } from './connection.ts'
import { createRemoteAnswers } from './remote-answers.ts'
import type { Remote } from './remotes.ts'

const timeoutMs = 5_000
const answerLimit = 4 * 1024 * 1024

/** Its answer to a GET, as JSON. Rejects when there is none. */
export const askRemote = async (connections: RemoteConnections, remote: Remote, path: string): Promise<unknown> => {
  const { code, body } = await connections.send(remote, {
    ...{ method: 'GET', path, user: controlUser, headers: { accept: 'application/json' } },
    signal: AbortSignal.timeout(timeoutMs),
  })
  const text = await readWhole(body, answerLimit)
  if (code !== 200)
    throw new Error(`bad status from https://${remote.service.name}.${remote.service.namespace}.svc${path}: ${code}`)
  return JSON.parse(text)
}

export const createRemoteDiscovery = (
  connections: RemoteConnections,
  remotes: () => readonly Remote[],
  now: () => number,
): (() => Promise<readonly RemoteVersion[]>) => {
  const ask = async (remote: Remote): Promise<readonly JsonObject[]> => {
    const answer = await askRemote(connections, remote, `/apis/${remote.group}/${remote.version}`)
    return isJsonObject(answer) && Array.isArray(answer['resources']) ? answer['resources'].filter(isJsonObject) : []
  }
  const answers = createRemoteAnswers(ask, remotes, now)
  return async () =>
    (await answers()).map(({ remote: { group, version }, value: resources = [], isFresh }) => ({
      ...{ group, version, resources, isFresh },
    }))
}
