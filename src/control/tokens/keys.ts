/** The keys of ServiceAccount tokens on disk: `sa.key` signs, and every key in `sa.pub` is trusted. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { readOrSetAside } from '../../host/durable-file.ts'
import { writeFileAtomic } from '../../host/files.ts'

/** In PEM. */
export interface TokenKeys {
  readonly signing: string
  /** Public, that of `signing` among them. */
  readonly trusted: readonly string[]
}

/** Kubernetes signs with either; undefined for any other key. */
export const tokenAlgorithm = (key: KeyObject): 'ES256' | 'RS256' | undefined => {
  if (key.asymmetricKeyType === 'rsa') return 'RS256'
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : undefined
}

const checked = (key: KeyObject): KeyObject => {
  if (tokenAlgorithm(key) === undefined) throw new Error('it is neither RSA nor ECDSA P-256')
  return key
}

const publicText = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }))

const parsePrivate = (text: string): string => {
  checked(createPrivateKey(text))
  return text
}

const parsePublic = (text: string): readonly string[] => {
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? []
  if (blocks.length === 0) throw new Error('it does not hold public keys')
  return blocks.map((block) => publicText(checked(createPublicKey(block))))
}

const newKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    ...{ privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } },
  }).privateKey

/**
 * Reads what is there and makes what is missing or damaged. Without `sa.key` a new one signs from then on (so it is rotated by
 * removing it), and tokens of those before it stay good for as long as their public halves are in `sa.pub`.
 */
export const openTokenKeys = async (folder: string, onDamage: (message: string) => void): Promise<TokenKeys> => {
  const [keyFile, trustedFile] = [join(folder, 'sa.key'), join(folder, 'sa.pub')]
  const found = await readOrSetAside(keyFile, parsePrivate, onDamage)
  const known = (await readOrSetAside(trustedFile, parsePublic, onDamage)) ?? []
  const signing = found ?? newKey()
  if (found === undefined) await writeFileAtomic(keyFile, signing)
  const own = publicText(createPublicKey(signing))
  const trusted = known.includes(own) ? known : [own, ...known]
  if (trusted !== known) await writeFileAtomic(trustedFile, trusted.join(''), 0o644)
  return { signing, trusted }
}
