/** Everybody who may know a caller. A further one is one more line here. */
import type { Clock } from '../../api/clock.ts'
import type { Store } from '../storage/store.ts'
import { type Authenticate, createAuthentication } from './authenticate.ts'
import { bootstrapTokenUsers } from './bootstrap-tokens.ts'
import { certificateUsers } from './certificate-users.ts'

export const createAuthenticators = (store: Store, clock: Clock): Authenticate =>
  createAuthentication([certificateUsers(clock), bootstrapTokenUsers(store, clock)])
