/** Names and passwords (RFC 7617). */
import { createHash } from 'node:crypto'
import { verifyPassword } from '../auth/htpasswd.ts'
import { plainReply, type Reply } from '../http/response-text.ts'
import type { BasicAuth } from '../policy/policy.ts'
import { headerOf } from './asking.ts'
import type { Step } from './draft.ts'

const credentials = (value: string | undefined): readonly [name: string, password: string] | undefined => {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(value ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}

const rememberedLogins = 1_000

const bcrypt = async (password: string, hash: string): Promise<boolean> => {
  // Loaded by those alone who use it.
  const { default: library } = await import('bcryptjs')
  return library.compare(password, hash)
}

/** Slow hashes are worked out once: who was right is remembered, by a digest of it all. */
const createMemory = () => {
  const known = new Set<string>()
  const keyOf = (name: string, password: string, hash: string): string =>
    createHash('sha256')
      .update(JSON.stringify([name, password, hash]))
      .digest('base64')
  return async (name: string, password: string, hash: string): Promise<boolean> => {
    const key = keyOf(name, password, hash)
    if (known.has(key)) return true
    const isRight = await verifyPassword(password, hash, bcrypt)
    if (!isRight) return false
    const [oldest] = known
    if (known.size >= rememberedLogins && oldest !== undefined) known.delete(oldest)
    known.add(key)
    return true
  }
}

export const passwordStep = (auth: BasicAuth): Step => {
  const isRight = createMemory()
  const users = new Map(Object.entries(auth.users))
  const challenge: Reply = {
    ...plainReply(401, 'a name and a password are needed'),
    fields: [
      ['WWW-Authenticate', `Basic realm="${auth.realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ],
  }
  return async ({ request }) => {
    const [name, password] = credentials(headerOf(request, 'authorization')) ?? []
    const hash = name === undefined ? undefined : users.get(name)
    if (name === undefined || password === undefined || hash === undefined) return challenge
    return (await isRight(name, password, hash)) ? undefined : challenge
  }
}
