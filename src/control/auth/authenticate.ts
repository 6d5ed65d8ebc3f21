/** Who is calling: by client certificate, or by bearer token. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { unauthorized } from '../../api/errors.ts'
import type { User } from './user.ts'

/** What a connection and a request say about the caller. */
export interface Credentials {
  /** The certificate's subject, when the client showed one. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] }
  /** Whether our authority signed it. */
  readonly trusted: boolean
  /** The Authorization header. */
  readonly authorization?: string
}

export interface TokenUser {
  readonly token: string
  readonly user: User
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Undefined for a caller who shows nothing at all. A certificate or token that is not good is refused (401). */
export const authenticate = (credentials: Credentials, tokens: readonly TokenUser[]): User | undefined => {
  const { certificate, trusted, authorization } = credentials
  if (certificate) {
    if (!trusted) throw unauthorized()
    return { name: certificate.commonName, groups: certificate.organizations }
  }
  if (authorization === undefined) return undefined
  const given = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1]
  if (given === undefined) throw unauthorized()
  // Compared by digest, so that neither content nor length shows in the time it takes.
  const found = tokens.find(({ token }) => timingSafeEqual(digest(token), digest(given)))
  if (!found) throw unauthorized()
  return found.user
}
