import { existsSync } from 'node:fs'
import {
  type BootstrapToken,
  bootstrapTokenName,
  bootstrapTokenNamespace,
  bootstrapTokenSecret,
  bootstrapTokenType,
  isTokenId,
  newBootstrapToken,
  readBootstrapToken,
  type TokenOptions,
} from '../api/bootstrap-token.ts'
import { certificateHash } from '../api/certificates.ts'
import { type Client, createClient } from '../api/client.ts'
import { formatTime } from '../api/clock.ts'
import { isNotFound } from '../api/errors.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { formatJoinToken } from '../api/join-token.ts'
import { type Connection, readKubeconfig } from '../api/kubeconfig.ts'
import { endpoints, secrets } from '../api/resources.ts'
import { inviteControlPlane, readSharedKeys } from '../control/auth/shared-keys.ts'
import { controlFiles } from '../control/control.ts'
import { print } from '../host/terminal.ts'
import { joinHostPort } from '../ip/address.ts'
import { findKubeconfig } from './kubeconfig.ts'
import { printJson } from './output.ts'
import { renderTable } from './table.ts'
import type { TokenAccess, TokenCreateOptions, TokenListOptions } from './token.ts'
import { UsageError } from './usage-error.ts'

const kubeconfigOf = async ({ data, kubeconfig, lab }: TokenAccess): Promise<string> => {
  if (kubeconfig !== undefined) return kubeconfig
  const { kubeconfig: own } = controlFiles(data)
  return lab === undefined && existsSync(own) ? own : findKubeconfig(lab)
}

const withControlPlane = async <T>(
  access: TokenAccess,
  ask: (client: Client, connection: Connection) => Promise<T>,
): Promise<T> => {
  const connection = await readKubeconfig(await kubeconfigOf(access))
  const transport = createHttpTransport(connection)
  try {
    return await ask(createClient(transport), connection)
  } finally {
    await transport.close()
  }
}

const checkFormat = (output: string | undefined, known: readonly string[]): void => {
  if (output !== undefined && !known.includes(output))
    throw new UsageError(`--output ${output}: expected ${known.join(' or ')}`)
}

/** Makes a token, and the text by which machines join. */
export const newJoinToken = async (
  client: Client,
  { ca }: Connection,
  options: TokenOptions,
): Promise<{ readonly token: BootstrapToken; readonly joinToken: string }> => {
  if (ca === undefined) throw new Error('the kubeconfig names no certificate authority: nodes know the cluster by it')
  const token = newBootstrapToken()
  await client.create(secrets, bootstrapTokenSecret(token, options))
  return { token, joinToken: formatJoinToken({ caHash: certificateHash(ca), token }) }
}

/** Where nodes reach the API: what the Service `kubernetes` leads to. */
const apiUrl = async (client: Client): Promise<string> => {
  const { subsets = [] } = await client.get(endpoints, 'kubernetes', 'default')
  const [ip, port] = [subsets[0]?.addresses?.[0]?.ip ?? '', subsets[0]?.ports?.[0]?.port]
  return `https://${joinHostPort(ip, port ?? '')}`
}

/** The keys go from the folder of this machine's control plane into the store, sealed. */
const createControlToken = async (options: TokenCreateOptions): Promise<void> => {
  const { ttl, output, data } = options
  if (ttl === 0) throw new UsageError('--ttl 0: keys of a control plane are not left lying about for ever')
  const keys = await readSharedKeys(controlFiles(data).pki)
  const expiresAt = Date.now() + ttl * 1000
  const { secret, token, text } = inviteControlPlane(keys, expiresAt)
  await withControlPlane(options, (client) => client.create(secrets, secret))
  const command = `echo ${text} | sudo podway control --bind ITS-ADDRESS --etcd-servers … --token-file -`
  if (output === 'token') print(text)
  else if (output === 'json') printJson({ id: token.id, joinToken: text, command, expires: formatTime(expiresAt) })
  else print(command)
}

export const createToken = async (options: TokenCreateOptions): Promise<void> => {
  const { ttl, description, output } = options
  checkFormat(output, ['token', 'json'])
  if (options.controlPlane) return createControlToken(options)
  await withControlPlane(options, async (client, connection) => {
    const url = await apiUrl(client)
    const expiresAt = ttl === 0 ? undefined : Date.now() + ttl * 1000
    const { token, joinToken } = await newJoinToken(client, connection, {
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(description === undefined ? {} : { description }),
    })
    const command = `echo ${joinToken} | sudo podway join ${url} --token-file -`
    if (output === 'token') print(joinToken)
    else if (output === 'json')
      printJson({
        ...{ id: token.id, joinToken, server: url, command },
        ...(expiresAt === undefined ? {} : { expires: formatTime(expiresAt) }),
      })
    else print(command)
  })
}

export const listTokens = async (options: TokenListOptions): Promise<void> => {
  checkFormat(options.output, ['json'])
  const { items } = await withControlPlane(options, (client) =>
    client.list(secrets, { namespace: bootstrapTokenNamespace, fieldSelector: `type=${bootstrapTokenType}` }),
  )
  const tokens = items
    .flatMap((secret) => readBootstrapToken(secret) ?? [])
    .map(({ id, expiresAt, description, groups }) => ({
      ...{ id, expires: expiresAt === undefined ? null : formatTime(expiresAt), description, groups },
    }))
  if (options.output === 'json') return printJson(tokens)
  const rows = tokens.map(({ id, expires, description }) => [id, expires ?? 'never', description])
  print(renderTable(['ID', 'EXPIRES', 'DESCRIPTION'], rows))
}

export const deleteToken = async (id: string, access: TokenAccess): Promise<void> => {
  if (!isTokenId(id)) throw new UsageError(`${JSON.stringify(id)} is no token ID: expected six letters and digits`)
  const metadata = { name: bootstrapTokenName(id), namespace: bootstrapTokenNamespace }
  await withControlPlane(access, (client) => client.delete(secrets, { metadata })).catch((error: unknown) => {
    throw isNotFound(error) ? new Error(`there is no token ${id}; see: podway token list`) : error
  })
  print(`token ${id} deleted`)
}
