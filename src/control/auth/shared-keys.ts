/**
 * The keys that all control planes of a cluster share (its authority, and what signs ServiceAccount tokens), on their way to one
 * that joins: sealed in a Secret that expires, with a key that is nowhere but in the join token.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BootstrapToken,
  bootstrapTokenName,
  bootstrapTokenNamespace,
  bootstrapTokenSecret,
  newBootstrapToken,
  readBootstrapToken,
} from '../../api/bootstrap-token.ts'
import type { Draft } from '../../api/client.ts'
import type { Secret } from '../../api/types/index.ts'
import { writeFileAtomic } from '../../host/files.ts'

export type SharedKeys = Readonly<Record<string, string>>

/** Beside what makes it a bootstrap token, which lets nobody in: it is listed, revoked and cleaned up as one. */
const dataKey = 'control-plane-keys'
const prefix = 'podwaycp1'
const algorithm = 'aes-256-gcm'
const [keyBytes, nonceBytes, tagBytes] = [32, 12, 16]

const namePattern = /^(ca|sa)\.(crt|key|pub)$/

/** Those in a folder of keys. Throws when the authority is not among them. */
export const readSharedKeys = async (folder: string): Promise<SharedKeys> => {
  const names = (await readdir(folder)).filter((name) => namePattern.test(name)).sort()
  if (!names.includes('ca.key') || !names.includes('ca.crt'))
    throw new Error(`${folder} does not hold ca.crt and ca.key`)
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  )
}

/** The authority last: whoever finds it finds all. */
export const writeSharedKeys = async (folder: string, keys: SharedKeys): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(keys).sort(([a], [b]) => (a < b ? 1 : -1)))
    await writeFileAtomic(join(folder, name), text, name.endsWith('.key') ? 0o600 : 0o644)
}

/** Names are those of files: no others are let in. */
export const isSharedKeys = (value: unknown): value is SharedKeys =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([name, text]) => namePattern.test(name) && typeof text === 'string') &&
  'ca.crt' in value &&
  'ca.key' in value

const seal = (keys: SharedKeys, key: Buffer, id: string): Buffer => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce)
  cipher.setAAD(Buffer.from(id))
  return Buffer.concat([nonce, cipher.update(JSON.stringify(keys), 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** Throws when it is not what was sealed with this key for this token. */
const unseal = (sealed: Buffer, key: Buffer, id: string): SharedKeys => {
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes))
  decipher.setAAD(Buffer.from(id))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  const body = sealed.subarray(nonceBytes, -tagBytes)
  const keys: unknown = JSON.parse(Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8'))
  if (!isSharedKeys(keys)) throw new Error('it holds no keys of a control plane')
  return keys
}

export interface ControlInvitation {
  readonly secret: Draft<Secret>
  readonly token: BootstrapToken
  /** What the one who joins must be told, and nobody else. */
  readonly text: string
}

export const inviteControlPlane = (keys: SharedKeys, expiresAt: number): ControlInvitation => {
  const token = newBootstrapToken()
  const key = randomBytes(keyBytes)
  const made = bootstrapTokenSecret(token, { expiresAt, description: 'keys for a control plane that joins' })
  const { 'usage-bootstrap-authentication': _, ...data } = made.data ?? {}
  return {
    token,
    secret: { ...made, data: { ...data, [dataKey]: seal(keys, key, token.id).toString('base64') } },
    text: `${prefix}.${token.id}.${key.toString('base64url')}`,
  }
}

/** Whether it is such a text at all: tokens of nodes look alike. Throws when not; the text itself is not told. */
const parseInvitation = (text: string): { readonly id: string; readonly key: Buffer } => {
  const [version, id = '', encoded = '', ...more] = text.trim().split('.')
  const key = Buffer.from(encoded, 'base64url')
  if (version !== prefix || !/^[a-z0-9]{6}$/.test(id) || key.length !== keyBytes || more.length > 0)
    throw new Error('not a token for control planes: expected what "podway token create --control-plane" prints')
  return { id, key }
}

/** Where the Secret of an invitation is. */
export const invitationSecret = (text: string): { readonly namespace: string; readonly name: string } => ({
  namespace: bootstrapTokenNamespace,
  name: bootstrapTokenName(parseInvitation(text).id),
})

/** Throws for a Secret that is not that of this invitation, or has expired. */
export const acceptInvitation = (text: string, secret: Secret, now: number): SharedKeys => {
  const { id, key } = parseInvitation(text)
  const token = readBootstrapToken(secret)
  const sealed = secret.data?.[dataKey]
  if (token?.id !== id || sealed === undefined)
    throw new Error(`Secret ${secret.metadata.name} holds no keys of a control plane`)
  if (token.expiresAt === undefined || token.expiresAt <= now)
    throw new Error('the token has expired: make another one')
  try {
    return unseal(Buffer.from(sealed, 'base64'), key, id)
  } catch {
    throw new Error('the keys in the store were not sealed with this token: make another one')
  }
}
