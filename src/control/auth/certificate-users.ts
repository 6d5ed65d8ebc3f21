/** Callers with a client certificate: the common name is the user, organizations are its groups. */
import type { Clock } from '../../api/clock.ts'
import type { Authenticator } from './authenticate.ts'

/** A certificate that has ended since the connection began is nobody's, and so is one that names nobody, or more than one. */
export const certificateUsers =
  (clock: Clock): Authenticator =>
  ({ certificate }) => {
    if (!certificate?.trusted || clock.now() > certificate.notAfter) return undefined
    const [name, ...more] = certificate.commonNames
    return name && more.length === 0 ? { name, groups: certificate.organizations } : undefined
  }
