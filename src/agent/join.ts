/** Becoming a node: trust by a token, a certificate of its own, a kubeconfig kept for the next start. */

import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type DetailedPeerCertificate, type PeerCertificate } from 'node:tls'
import { certificateHash, createSigningRequest, isUsable } from '../api/certificates.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { parseJoinToken } from '../api/join-token.ts'
import { type Connection, readKubeconfig, renderKubeconfig } from '../api/kubeconfig.ts'
import { reportDamage } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { Logger } from '../host/log.ts'

export interface JoinOptions {
  /** `https://host:port` of the control plane. */
  readonly server: string
  readonly token: string
  readonly nodeName: string
  /** Where this node's agent will listen. */
  readonly addresses: readonly string[]
  /** Where its kubeconfig is kept. */
  readonly dataDir: string
  readonly log: Logger
}

const connectTimeoutMs = 5_000

const pemOf = (raw: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${(raw.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`

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
        `${server} does not belong to the cluster of this token: get the token of that control plane ("podway token")`,
      )
    return authority
  } finally {
    socket.destroy()
  }
}

const isFor = (
  { cert, ca }: Connection,
  { nodeName, addresses }: Pick<JoinOptions, 'nodeName' | 'addresses'>,
  now: number,
): boolean =>
  cert !== undefined &&
  ca !== undefined &&
  isUsable(cert, { commonName: `system:node:${nodeName}`, addresses }, ca, now)

/** Whether the kubeconfig of an earlier time still serves. One that cannot be read is set aside: the token gets another. */
export const stillServes = async (
  file: string,
  caHash: string,
  options: Omit<JoinOptions, 'token' | 'dataDir'>,
): Promise<boolean> => {
  try {
    const known = await readKubeconfig(file)
    const isOfCluster = known.ca !== undefined && certificateHash(known.ca) === caHash
    return known.server === options.server && isOfCluster && isFor(known, options, Date.now())
  } catch (error) {
    const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined
    const why = `cannot be used (${error instanceof Error ? error.message : String(error)})`
    if (isThere) await reportDamage(file, why, (message) => options.log.warn(`${message}; joining anew`))
    return false
  }
}

/** The path of the node's kubeconfig: kept from an earlier time when it still serves, else newly asked for. */
export const joinCluster = async (options: JoinOptions): Promise<string> => {
  const { server, nodeName, addresses, dataDir } = options
  const file = join(dataDir, `${nodeName}.kubeconfig`)
  const { caHash, secret } = parseJoinToken(options.token)
  if (await stillServes(file, caHash, options)) return file

  const ca = await findAuthority(server, caHash)
  const { csr, key } = await createSigningRequest(`system:node:${nodeName}`)
  const transport = createHttpTransport({ server, ca, token: secret })
  try {
    const body = { nodeName, csr, addresses }
    const answer = await transport.request({ method: 'POST', path: '/podway/v1/join', body })
    const { certificate: cert } = answer as { readonly certificate: string }
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await writeFileAtomic(file, renderKubeconfig(nodeName, { server, ca, cert, key }))
    return file
  } finally {
    await transport.close()
  }
}
