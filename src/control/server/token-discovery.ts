/** What whoever verifies ServiceAccount tokens elsewhere reads (OpenID Connect Discovery 1.0). */
import type { TokenDiscovery } from '../tokens/account-tokens.ts'
import { type Answer, objectAnswer } from './call.ts'

export const tokenDiscoveryPaths = ({
  configuration,
  keys,
}: TokenDiscovery): Readonly<Record<string, () => Promise<Answer>>> => ({
  '/.well-known/openid-configuration': async () => objectAnswer(await configuration()),
  '/openid/v1/jwks': async () => ({
    ...{ kind: 'object', code: 200, object: await keys() },
    contentType: 'application/jwk-set+json',
  }),
})
