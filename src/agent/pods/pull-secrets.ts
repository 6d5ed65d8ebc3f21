/** The logins at registries that a pod brings along. */
import type { Client } from '../../api/client.ts'
import { isNotFound } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import { secrets } from '../../api/resources.ts'
import type { Pod, Secret } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { loginsIn, type RegistryLogin } from '../../images/registry/docker-config.ts'

const decode = (text: string): string => Buffer.from(text, 'base64').toString()

/** The parser's own words would tell what is in it. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('it is no JSON')
  }
}

/** Where each type of Secret has its logins: the older one has nothing around them. */
const entriesIn: Readonly<Record<string, (data: Readonly<Record<string, string>>) => unknown>> = {
  'kubernetes.io/dockerconfigjson': (data) => {
    const config = parse(decode(data['.dockerconfigjson'] ?? ''))
    return isJsonObject(config) ? config['auths'] : undefined
  },
  'kubernetes.io/dockercfg': (data) => parse(decode(data['.dockercfg'] ?? '')),
}

/** The logins of one Secret. Throws when it holds none. */
export const registryLogins = ({ type = '', data = {} }: Secret): readonly RegistryLogin[] => {
  const read = Object.hasOwn(entriesIn, type) ? entriesIn[type] : undefined
  const entries = read?.(data)
  if (!isJsonObject(entries)) throw new Error(`a Secret of type ${JSON.stringify(type)} holds no logins`)
  return loginsIn(entries)
}

/** Of all that the pod names: one that is missing or holds none is told of, and the pull goes on without it. */
export const createPullSecrets =
  (client: Client, log: Logger) =>
  async ({ metadata, spec }: Pod): Promise<readonly RegistryLogin[]> => {
    const { namespace = '' } = metadata
    const loginsOf = async (name: string): Promise<readonly RegistryLogin[]> => {
      const about = { pod: `${namespace}/${metadata.name}`, secret: name }
      try {
        return registryLogins(await client.get(secrets, name, namespace))
      } catch (error) {
        if (isNotFound(error)) log.warn(about, 'imagePullSecret is missing; pulling without it')
        else log.warn({ err: error, ...about }, 'cannot use an imagePullSecret; pulling without it')
        return []
      }
    }
    const names = (spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? [])
    return (await Promise.all(names.map(loginsOf))).flat()
  }
