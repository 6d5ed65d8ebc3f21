/** JSON Web Tokens by the cluster's own keys. What they claim is the matter of others. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { decodeJwt, exportJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { type TokenKeys, tokenAlgorithm } from './keys.ts'

/** The claims of a token, not looked into yet. */
export type Claims = JWTPayload

export interface TokenSigner {
  sign(claims: Claims): Promise<string>
  /** What one of the trusted keys has signed and has not ended; undefined for any other text. */
  verify(token: string): Promise<Claims | undefined>
  /** The trusted keys, for whoever verifies tokens elsewhere. */
  publicKeys(): Promise<readonly JWK[]>
}

interface KnownKey {
  readonly id: string
  readonly algorithm: 'ES256' | 'RS256'
  readonly key: KeyObject
}

/** As Kubernetes names keys: the digest of what is public. */
const idOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')

const knownKey = (key: KeyObject): KnownKey => {
  const algorithm = tokenAlgorithm(key)
  if (algorithm === undefined) throw new Error('a key of ServiceAccount tokens is neither RSA nor ECDSA P-256')
  return { id: idOf(key), algorithm, key }
}

/** What is parsed of the keys, for as long as they are the same. */
const parseKeys = ({ signing, trusted }: TokenKeys) => ({
  signing: { ...knownKey(createPublicKey(signing)), key: createPrivateKey(signing) },
  trusted: trusted.map((text) => knownKey(createPublicKey(text))),
})

const tokenLimit = 16 * 1024

/** The issuer that a token claims, without any proof; undefined for what is no token. */
export const claimedIssuer = (token: string): string | undefined => {
  if (token.length > tokenLimit || token.split('.').length !== 3) return undefined
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

/** `keys` may give others from one call to the next. */
export const createTokenSigner = (keys: () => TokenKeys, now: () => number): TokenSigner => {
  let known: { readonly of: TokenKeys; readonly parsed: ReturnType<typeof parseKeys> } | undefined
  const current = () => {
    const of = keys()
    if (known?.of !== of) known = { of, parsed: parseKeys(of) }
    return known.parsed
  }

  return {
    sign: (claims) => {
      const { id, algorithm, key } = current().signing
      return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: id }).sign(key)
    },
    verify: async (token) => {
      if (token.length > tokenLimit) return undefined
      for (const { key, algorithm } of current().trusted) {
        const verified = await jwtVerify(token, key, {
          algorithms: [algorithm],
          currentDate: new Date(now()),
        }).catch(() => undefined)
        if (verified) return verified.payload
      }
      return undefined
    },
    publicKeys: () =>
      Promise.all(
        current().trusted.map(async ({ id, algorithm, key }) => ({
          use: 'sig',
          ...(await exportJWK(key)),
          ...{ kid: id, alg: algorithm },
        })),
      ),
  }
}
