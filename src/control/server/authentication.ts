/** The first step of every request from outside: who makes it. */
import type { Authenticate } from '../auth/authenticate.ts'
import type { Handler, IncomingHandler } from './call.ts'

export const authenticated =
  (authenticate: Authenticate, handle: Handler): IncomingHandler =>
  async ({ credentials, ...request }) =>
    handle({ ...request, user: await authenticate(credentials) })
