/** What the API servers behind APIServices say of their kinds in OpenAPI v2, each of its own group version alone. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { OpenApiPart } from '../openapi/merge.ts'
import type { RemoteConnections } from './connection.ts'
import { askRemote } from './discovery.ts'
import { createRemoteAnswers } from './remote-answers.ts'
import type { Remote } from './remotes.ts'

const objectsIn = (value: unknown): Readonly<Record<string, JsonObject>> =>
  isJsonObject(value)
    ? Object.fromEntries(Object.entries(value).flatMap(([name, each]) => (isJsonObject(each) ? [[name, each]] : [])))
    : {}

export const createRemoteOpenApi = (
  connections: RemoteConnections,
  remotes: () => readonly Remote[],
  now: () => number,
): (() => Promise<readonly OpenApiPart[]>) => {
  const ask = async (remote: Remote): Promise<OpenApiPart> => {
    const document = await askRemote(connections, remote, '/openapi/v2')
    if (!isJsonObject(document)) throw new Error('the document is no object')
    const own = `/apis/${remote.group}/${remote.version}/`
    const paths = Object.entries(objectsIn(document['paths'])).filter(([path]) => path.startsWith(own))
    return { paths: Object.fromEntries(paths), definitions: objectsIn(document['definitions']) }
  }
  const answers = createRemoteAnswers(ask, remotes, now)
  return async () => (await answers()).flatMap(({ value }) => value ?? [])
}
