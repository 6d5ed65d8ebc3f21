/**
 * Bootstrap tokens, `ID.SECRET`, kept as Secrets that stock clients know: `bootstrap-token-ID` in kube-system, of type
 * bootstrap.kubernetes.io/token.
 */
import { randomBytes } from 'node:crypto'
import type { Draft } from './client.ts'
import { formatTime } from './clock.ts'
import type { Secret } from './types/index.ts'

export interface BootstrapToken {
  readonly id: string
  readonly secret: string
}

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token'
export const bootstrapTokenNamespace = 'kube-system'
export const bootstrapTokenName = (id: string): string => `bootstrap-token-${id}`

export const bootstrappersGroup = 'system:bootstrappers'
export const bootstrapUserPrefix = 'system:bootstrap:'

const idPattern = /^[a-z0-9]{6}$/
const secretPattern = /^[a-z0-9]{16}$/
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

export const isTokenId = (text: string): boolean => idPattern.test(text)

/** Undefined for anything that is not `ID.SECRET`. */
export const parseBootstrapToken = (text: string): BootstrapToken | undefined => {
  const [id = '', secret = '', ...more] = text.split('.')
  return idPattern.test(id) && secretPattern.test(secret) && more.length === 0 ? { id, secret } : undefined
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Letters and digits, each as likely as the others. */
const randomText = (length: number): string => {
  let text = ''
  while (text.length < length)
    for (const byte of randomBytes(length)) if (byte < 252 && text.length < length) text += alphabet[byte % 36]
  return text
}

export const newBootstrapToken = (): BootstrapToken => ({ id: randomText(6), secret: randomText(16) })

export interface TokenOptions {
  /** Milliseconds since 1970; never when missing. */
  readonly expiresAt?: number
  readonly description?: string
}

const encoded = (data: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]))

export const bootstrapTokenSecret = (
  token: BootstrapToken,
  { expiresAt, description }: TokenOptions,
): Draft<Secret> => ({
  metadata: { name: bootstrapTokenName(token.id), namespace: bootstrapTokenNamespace },
  type: bootstrapTokenType,
  data: encoded({
    'token-id': token.id,
    'token-secret': token.secret,
    ...(expiresAt === undefined ? {} : { expiration: formatTime(expiresAt) }),
    'usage-bootstrap-authentication': 'true',
    ...(description === undefined ? {} : { description }),
  }),
})

/** What a Secret says of a token. */
interface StoredToken extends BootstrapToken {
  /** Milliseconds since 1970; undefined for never. */
  readonly expiresAt: number | undefined
  readonly isForAuthentication: boolean
  readonly groups: readonly string[]
  readonly description: string
}

/** Undefined for a Secret that is no bootstrap token, or not a whole one: nobody gets in by it. */
export const readBootstrapToken = ({ metadata, type, data = {} }: Secret): StoredToken | undefined => {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8')
  const [id, secret, expiration] = [text('token-id'), text('token-secret'), text('expiration')]
  const expiresAt = expiration === '' ? undefined : Date.parse(expiration)
  const groups = text('auth-extra-groups').split(',').filter(Boolean)
  const isWhole =
    type === bootstrapTokenType &&
    metadata.namespace === bootstrapTokenNamespace &&
    metadata.name === bootstrapTokenName(id) &&
    idPattern.test(id) &&
    secretPattern.test(secret) &&
    !Number.isNaN(expiresAt) &&
    groups.every((group) => groupPattern.test(group))
  if (!isWhole) return undefined
  return {
    ...{ id, secret, expiresAt, groups, description: text('description') },
    isForAuthentication: text('usage-bootstrap-authentication') === 'true',
  }
}
