/** Everybody who may know a caller. A further one is one more line here. */
import type { Clock } from '../../api/clock.ts'
import { openReviewWebhook } from '../../api/review-webhook.ts'
import type { Logger } from '../../host/log.ts'
import type { Store } from '../storage/store.ts'
import type { FindAccountUser } from '../tokens/account-users.ts'
import { type Authenticate, type Authenticator, bearerOf, createAuthentication } from './authenticate.ts'
import { bootstrapTokenUsers } from './bootstrap-tokens.ts'
import { certificateUsers } from './certificate-users.ts'
import { readPasswordUsers, readTokenUsers } from './credential-files.ts'
import { type OidcSettings, openOidcUsers } from './oidc.ts'
import { createTokenWebhook, type TokenWebhookSettings } from './webhook-users.ts'

/** Who is known beside those that every cluster knows. */
export interface AuthenticationSettings {
  /** Whether whoever shows nothing is `system:anonymous`; true when missing. */
  readonly allowsAnonymous?: boolean
  readonly tokenFile?: string
  readonly passwordFile?: string
  readonly oidc?: OidcSettings
  readonly webhook?: TokenWebhookSettings
}

export interface AuthenticationContext {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly findAccount: FindAccountUser
}

const accountUsers =
  (find: FindAccountUser): Authenticator =>
  async (credentials) => {
    const token = bearerOf(credentials)
    return token === undefined ? undefined : (await find(token))?.user
  }

/** Rejects for a file that cannot be used. */
export const createAuthenticators = async (
  { store, clock, log, findAccount }: AuthenticationContext,
  { allowsAnonymous, tokenFile, passwordFile, oidc, webhook }: AuthenticationSettings = {},
): Promise<Authenticate> =>
  createAuthentication(
    [
      certificateUsers(clock),
      ...(passwordFile === undefined ? [] : [await readPasswordUsers(passwordFile)]),
      ...(tokenFile === undefined ? [] : [await readTokenUsers(tokenFile)]),
      bootstrapTokenUsers(store, clock),
      accountUsers(findAccount),
      ...(oidc === undefined ? [] : [await openOidcUsers(oidc, { clock, log })]),
      ...(webhook === undefined
        ? []
        : [createTokenWebhook({ ...webhook, ask: await openReviewWebhook(webhook.configFile, clock), clock, log })]),
    ],
    allowsAnonymous,
  )
