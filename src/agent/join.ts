/** Becoming a node: trust by a token, a certificate of its own, a kubeconfig kept for the next start. */

import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type DetailedPeerCertificate, type PeerCertificate } from 'node:tls'
import { certificateHash, isUsable, type KeyPair, pemOf } from '../api/certificates.ts'
import { createClient } from '../api/client.ts'
import { sleep } from '../api/clock.ts'
import { ApiError } from '../api/errors.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { parseJoinToken } from '../api/join-token.ts'
import { type Connection, readKubeconfig } from '../api/kubeconfig.ts'
import { nodeUser } from '../api/users.ts'
import { reportDamage } from '../host/durable-file.ts'
import type { Logger } from '../host/log.ts'
import { requestClientCertificate, writeNodeKubeconfig } from './certificates/client-certificate.ts'
import { CertificateDenied } from './certificates/request.ts'

export interface JoinOptions {
  /** `https://host:port` of the control plane. */
  readonly server: string
  /** The join token's text; undefined for none, which is enough where a connection is kept from an earlier time. */
  readonly token: (kept: Connection | undefined) => Promise<string | undefined>
  readonly nodeName: string
  /** Where its kubeconfig is kept. */
  readonly dataDir: string
  readonly log: Logger
}

const connectTimeoutMs = 5_000

/** From a server's certificate up to its authority's, which signed itself. */
const chainOf = (leaf: PeerCertificate | DetailedPeerCertificate): readonly string[] => {
  const chain: string[] = []
  for (let at: PeerCertificate | undefined = leaf; at?.raw; ) {
    chain.push(pemOf(at.raw))
    const issuer: PeerCertificate | undefined = (at as DetailedPeerCertificate).issuerCertificate
    at = issuer === at ? undefined : issuer
  }
  return chain
}

/**
 * The authority of a server we do not trust yet: taken from the certificates it shows, and accepted only when it is the
 * one the token remembers. Throws when it is not.
 */
export const findAuthority = async (server: string, caHash: string): Promise<string> => {
  const { hostname, port } = new URL(server)
  const host = hostname.replace(/^\[|\]$/g, '')
  // Nothing is sent over this connection: it only serves to look at what the server shows.
  const socket = connect({ host, port: Number(port || 443), rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(connectTimeoutMs) })
    const authority = chainOf(socket.getPeerCertificate(true)).find((pem) => certificateHash(pem) === caHash)
    if (authority === undefined)
      throw new Error(
        `${server} does not belong to the cluster of this token: make a token there ("podway token create")`,
      )
    return authority
  } finally {
    socket.destroy()
  }
}

/** For so long a node that another agent had until now may take to become free. */
const patienceMs = 20_000
const retryMs = 3_000

/**
 * What was kept from an earlier time, while its certificate is good. A file that cannot be read is set aside: the token gets
 * another.
 */
export const findKept = async (
  file: string,
  { server, nodeName, log }: Pick<JoinOptions, 'server' | 'nodeName' | 'log'>,
): Promise<Connection | undefined> => {
  try {
    const known = await readKubeconfig(file)
    const isGood =
      known.server === server &&
      known.cert !== undefined &&
      known.ca !== undefined &&
      isUsable(known.cert, { commonName: nodeUser(nodeName) }, known.ca, Date.now(), 'client', 0)
    return isGood ? known : undefined
  } catch (error) {
    const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined
    const why = `cannot be used (${error instanceof Error ? error.message : String(error)})`
    if (isThere) await reportDamage(file, why, (message) => log.warn(`${message}; joining anew`))
    return undefined
  }
}

/** Asks with a join token. A node that is in use may become free: the agent of before has ended a moment ago. */
const askWithToken = async (
  connection: Connection,
  { nodeName, log }: JoinOptions,
  signal: AbortSignal,
): Promise<KeyPair> => {
  const transport = createHttpTransport(connection)
  const client = createClient(transport)
  try {
    const deadline = Date.now() + patienceMs
    for (let isTold = false; ; await sleep(retryMs, signal)) {
      try {
        return await requestClientCertificate(client, nodeName, log, signal)
      } catch (error) {
        const isInUse = error instanceof CertificateDenied && error.reason === 'NodeInUse'
        if (!isInUse || Date.now() + retryMs > deadline || signal.aborted) throw error
        if (!isTold) log.warn(`${error.message}; waiting for its lease to expire`)
        isTold = true
      }
    }
  } catch (error) {
    if (error instanceof ApiError && error.code === 401)
      throw new Error('the join token is not valid, or has expired: make a new one with "podway token create"')
    throw error
  } finally {
    await transport.close()
  }
}

/**
 * The path of the node's kubeconfig: kept from an earlier time when it still serves, else newly asked for with the join
 * token. A token of another cluster than the one that was joined before joins that one.
 */
export const joinCluster = async (options: JoinOptions, signal: AbortSignal): Promise<string> => {
  const { server, nodeName, dataDir } = options
  const file = join(dataDir, `${nodeName}.kubeconfig`)
  const kept = await findKept(file, options)
  const text = await options.token(kept)
  if (text === undefined) {
    if (kept) return file
    throw new Error(`node ${nodeName} has not joined ${server} yet: give a join token with --token-file`)
  }
  const { caHash, token } = parseJoinToken(text)
  if (kept?.ca && certificateHash(kept.ca) === caHash) return file
  const ca = await findAuthority(server, caHash)
  const pair = await askWithToken({ server, ca, token: `${token.id}.${token.secret}` }, options, signal)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writeNodeKubeconfig(file, nodeName, { server, ca, ...pair })
  return file
}
