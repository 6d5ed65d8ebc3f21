/** The first step of every request from outside: who makes it. */
import { isUnauthorized } from '../../api/errors.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import type { Auditing } from './auditing.ts'
import type { Handler, IncomingHandler } from './call.ts'

export const authenticated =
  (authenticate: Authenticate, handle: Handler, auditing?: Auditing): IncomingHandler =>
  async (incoming) => {
    const { credentials, ...request } = incoming
    const user = await authenticate(credentials).catch((error: unknown) => {
      if (isUnauthorized(error)) auditing?.refused(incoming, error)
      throw error
    })
    return handle({ ...request, user })
  }
