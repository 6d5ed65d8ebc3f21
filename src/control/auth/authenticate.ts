/** Who is calling: by client certificate, or by bearer token. */
import { unauthorized } from '../../api/errors.ts'
import type { User } from './user.ts'

/** What a connection and a request say about the caller. */
export interface Credentials {
  /** The certificate's subject, when the client showed one, and until when it is good. */
  readonly certificate?: {
    readonly commonNames: readonly string[]
    readonly organizations: readonly string[]
    readonly notAfter: number
  }
  /** Whether our authority signed it for clients. */
  readonly trusted: boolean
  /** The Authorization header. */
  readonly authorization?: string
}

/** Whose bearer token this is; undefined for nobody's. */
export type FindTokenUser = (token: string) => User | undefined

/**
 * Undefined for a caller who shows nothing at all. A certificate or token that is not good is refused (401), also one that
 * has ended since the connection began, and one that names nobody, or more than one.
 */
export const authenticate = (
  { certificate, trusted, authorization }: Credentials,
  findTokenUser: FindTokenUser,
  now: number,
): User | undefined => {
  if (certificate) {
    const [name, ...more] = certificate.commonNames
    if (!trusted || now > certificate.notAfter || !name || more.length > 0) throw unauthorized()
    return { name, groups: certificate.organizations }
  }
  if (authorization === undefined) return undefined
  const given = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1]
  const user = given === undefined ? undefined : findTokenUser(given)
  if (!user) throw unauthorized()
  return user
}
