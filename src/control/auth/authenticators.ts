/** Everybody who may know a caller. A further one is one more line here. */
import type { Clock } from '../../api/clock.ts'
import type { Store } from '../storage/store.ts'
import type { FindAccountUser } from '../tokens/account-users.ts'
import { type Authenticate, type Authenticator, bearerOf, createAuthentication } from './authenticate.ts'
import { bootstrapTokenUsers } from './bootstrap-tokens.ts'
import { certificateUsers } from './certificate-users.ts'

const accountUsers =
  (find: FindAccountUser): Authenticator =>
  async (credentials) => {
    const token = bearerOf(credentials)
    return token === undefined ? undefined : (await find(token))?.user
  }

export const createAuthenticators = (store: Store, clock: Clock, findAccount: FindAccountUser): Authenticate =>
  createAuthentication([certificateUsers(clock), bootstrapTokenUsers(store, clock), accountUsers(findAccount)])
