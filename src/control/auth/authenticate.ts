/** Who is calling, by what the connection and the request show. */
import { unauthorized } from '../../api/errors.ts'
import { anonymous, asAuthenticated, type User } from './user.ts'

export interface ClientCertificate {
  /** Of its subject. */
  readonly commonNames: readonly string[]
  readonly organizations: readonly string[]
  /** Until when it is good, in milliseconds. */
  readonly notAfter: number
  /** Whether our authority signed it for clients. */
  readonly trusted: boolean
}

/** All that a caller may show; empty when it shows nothing. */
export interface Credentials {
  readonly certificate?: ClientCertificate
  /** The Authorization header. */
  readonly authorization?: string
}

/**
 * Whose credentials these are; undefined for nobody's that it knows. One of several: what this one does not know, another
 * one may. Throws only when it cannot tell.
 */
export type Authenticator = (credentials: Credentials) => User | undefined | Promise<User | undefined>

/** The token of `Authorization: Bearer TOKEN`. */
export const bearerOf = ({ authorization = '' }: Credentials): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(authorization)?.[1]

export type Authenticate = (credentials: Credentials) => Promise<User>

/**
 * The first who knows the caller counts. Whoever shows something that nobody knows is refused (401), and whoever shows
 * nothing, where nobody may be anonymous.
 */
export const createAuthentication =
  (authenticators: readonly Authenticator[], allowsAnonymous = true): Authenticate =>
  async (credentials) => {
    const isAnonymous = credentials.certificate === undefined && credentials.authorization === undefined
    if (isAnonymous && allowsAnonymous) return anonymous
    for (const authenticate of authenticators) {
      const user = await authenticate(credentials)
      if (user) return asAuthenticated(user)
    }
    throw unauthorized()
  }
