/** How one cluster makes and knows the tokens of its ServiceAccounts. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import type { Store } from '../storage/store.ts'
import { createAccountUsers, type FindAccountUser } from './account-users.ts'
import { type AccountClaims, boundClaims, legacyClaims, type ObjectReference } from './claims.ts'
import type { TokenKeys } from './keys.ts'
import { createTokenSigner, type TokenSigner } from './signer.ts'

export interface AccountTokenOptions {
  /** They may be others from one call to the next. */
  readonly keys: () => TokenKeys
  /** A URL; it names the cluster, also to whoever verifies tokens elsewhere. */
  readonly issuer: string
  /** Where the public keys are, for those. */
  readonly keysUrl: string
}

export interface IssuedToken {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly endsAt: number
}

/** Tokens that end, on request. */
export interface TokenIssuer {
  /** Whom a token is for when nothing else is said: the API. */
  readonly audiences: readonly string[]
  /** Good for so many seconds. */
  issue(claims: Omit<AccountClaims, 'id'>, seconds: number): Promise<IssuedToken>
}

/** Tokens that stand in a Secret and do not end. */
export interface SecretTokens {
  issue(namespace: string, account: ObjectReference, secret: string): Promise<string>
  /** Whether a token says just that, and one of the trusted keys has signed it. */
  isGood(token: string, namespace: string, account: ObjectReference, secret: string): Promise<boolean>
}

/** What others need to verify tokens: OpenID Connect Discovery 1.0, as far as Kubernetes has it. */
export interface TokenDiscovery {
  configuration(): Promise<object>
  keys(): Promise<object>
}

export interface AccountTokens {
  readonly issuer: TokenIssuer
  readonly ofSecrets: SecretTokens
  readonly find: FindAccountUser
  readonly discovery: TokenDiscovery
}

const discoveryOf = (signer: TokenSigner, { issuer, keysUrl }: AccountTokenOptions): TokenDiscovery => ({
  configuration: async () => ({
    issuer,
    jwks_uri: keysUrl,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set((await signer.publicKeys()).map(({ alg }) => alg))],
  }),
  keys: async () => ({ keys: await signer.publicKeys() }),
})

export const createAccountTokens = (store: Store, clock: Clock, options: AccountTokenOptions): AccountTokens => {
  const { issuer } = options
  const signer = createTokenSigner(options.keys, clock.now)
  const audiences = [issuer]
  return {
    issuer: {
      audiences,
      issue: async (claims, seconds) => {
        const issuedAt = clock.now()
        const whole = { ...claims, id: randomUUID() }
        const token = await signer.sign(boundClaims(issuer, whole, { now: issuedAt, seconds }))
        return { token, issuedAt, endsAt: issuedAt + seconds * 1000 }
      },
    },
    ofSecrets: {
      issue: (namespace, account, secret) => signer.sign(legacyClaims(namespace, account, secret)),
      isGood: async (token, namespace, account, secret) =>
        deepEqual(await signer.verify(token), legacyClaims(namespace, account, secret)),
    },
    find: createAccountUsers({ store, signer, clock, issuer, audiences }),
    discovery: discoveryOf(signer, options),
  }
}
