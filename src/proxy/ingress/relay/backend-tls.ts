/** TLS towards backends. */

import type { Socket } from 'node:net'
import { connect, createSecureContext, type SecureContext } from 'node:tls'
import { isAddress } from '../../../ip/address.ts'
import type { BackendTls } from '../policy/policy.ts'

/** Contexts are costly to make, and few. */
const contexts = new Map<string, SecureContext>()

/** Equal for settings that are equal. */
export const tlsKey = (tls: BackendTls): string => JSON.stringify(tls)

const contextOf = (tls: BackendTls): SecureContext => {
  const key = tlsKey(tls)
  const known = contexts.get(key)
  if (known) return known
  const { ca, certificate: cert, key: privateKey } = tls
  const made = createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
  })
  contexts.set(key, made)
  return made
}

/** The same connection, encrypted; `ready` when the endpoint has shown what it must. Failing is an error and a close. */
export const secure = (plain: Socket, tls: BackendTls, protocols: readonly string[], ready: () => void): Socket => {
  const { name } = tls
  const socket = connect({
    socket: plain,
    secureContext: contextOf(tls),
    rejectUnauthorized: tls.verify,
    ALPNProtocols: [...protocols],
    ...(name !== undefined && tls.sni && !isAddress(name) ? { servername: name } : {}),
    // Backends are asked by address: the name that counts is the one in the settings.
    ...(tls.verify && name !== undefined ? { host: name } : { checkServerIdentity: () => undefined }),
  })
  plain.on('close', () => socket.destroy())
  return socket.on('secureConnect', ready)
}
