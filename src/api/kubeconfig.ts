/** Kubeconfig files: just enough to read any that carries certificates or a token, and to write our own. */

import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errorText } from './errors.ts'

/** How to reach and trust an API server, and as whom. Certificates and keys are PEM. */
export interface Connection {
  /** `https://host:port` */
  readonly server: string
  /** Other servers of the same cluster, asked when that one is away. */
  readonly others?: readonly string[]
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly token?: string
  /** The name the server's certificate is checked against, when it is not the host of `server`. */
  readonly serverName?: string
}

type Section = Record<string, unknown>

const asRecord = (value: unknown, what: string): Section => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`kubeconfig: ${what} is missing or not a mapping`)
  return value as Section
}

const pick = (config: Section, list: string, entry: string, name: unknown): Section => {
  const items = config[list]
  if (!Array.isArray(items)) throw new Error(`kubeconfig: ${list} is missing or not a list`)
  const found = (items as Section[]).find((item) => item?.['name'] === name)
  if (!found) throw new Error(`kubeconfig: no entry named ${JSON.stringify(name)} in ${list}`)
  return asRecord(found[entry], `${list}[${JSON.stringify(name)}].${entry}`)
}

const optionalString = (section: Section, key: string): string | undefined => {
  const value = section[key]
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new Error(`kubeconfig: ${key} is not a string`)
  return value
}

/** Either inline base64 (`…-data`) or a file, relative to the kubeconfig. */
const pemOf = async (section: Section, key: string, folder: string): Promise<string | undefined> => {
  const inline = optionalString(section, `${key}-data`)
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8')
  const file = optionalString(section, key)
  return file === undefined ? undefined : readFile(resolve(folder, file), 'utf8')
}

/** JSON is YAML, too, and all that we write ourselves: the parser of the rest is loaded only for what others wrote. */
const parseConfig = async (text: string): Promise<unknown> => {
  if (text.trimStart().startsWith('{')) return JSON.parse(text)
  const { parse } = await import('yaml')
  return parse(text)
}

/**
 * Reads the current context of a kubeconfig file. Throws with the file's name and what is wrong; exec and
 * auth-provider users are refused, as is `insecure-skip-tls-verify`.
 */
export const readKubeconfig = async (file: string): Promise<Connection> => {
  try {
    const config = asRecord(await parseConfig(await readFile(file, 'utf8')), 'the file')
    const context = pick(config, 'contexts', 'context', config['current-context'])
    const cluster = pick(config, 'clusters', 'cluster', context['cluster'])
    const user = pick(config, 'users', 'user', context['user'])
    for (const unsupported of ['exec', 'auth-provider', 'username'])
      if (user[unsupported] !== undefined)
        throw new Error(
          `kubeconfig: user ${JSON.stringify(context['user'])} gets its credentials by "${unsupported}", which a daemon does not run: give it a client certificate, a token or a tokenFile, such as those of a service account`,
        )
    if (cluster['insecure-skip-tls-verify'] === true)
      throw new Error('kubeconfig: insecure-skip-tls-verify is refused, give certificate-authority-data')
    const server = optionalString(cluster, 'server')
    if (server === undefined) throw new Error('kubeconfig: the cluster has no server')
    const folder = dirname(file)
    const tokenFile = optionalString(user, 'tokenFile')
    return {
      server,
      ca: await pemOf(cluster, 'certificate-authority', folder),
      serverName: optionalString(cluster, 'tls-server-name'),
      cert: await pemOf(user, 'client-certificate', folder),
      key: await pemOf(user, 'client-key', folder),
      token:
        optionalString(user, 'token') ??
        (tokenFile === undefined ? undefined : (await readFile(resolve(folder, tokenFile), 'utf8')).trim()),
    }
  } catch (error) {
    throw new Error(`cannot use ${file}: ${errorText(error)}`)
  }
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** The text of a kubeconfig with one cluster, one user and one context, all called `name`; JSON, which every reader takes. */
export const renderKubeconfig = (name: string, connection: Connection): string => {
  const cluster = {
    server: connection.server,
    ...(connection.ca === undefined ? {} : { 'certificate-authority-data': base64(connection.ca) }),
  }
  const user = {
    ...(connection.cert === undefined ? {} : { 'client-certificate-data': base64(connection.cert) }),
    ...(connection.key === undefined ? {} : { 'client-key-data': base64(connection.key) }),
    ...(connection.token === undefined ? {} : { token: connection.token }),
  }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
  return `${JSON.stringify(config, undefined, 2)}\n`
}
