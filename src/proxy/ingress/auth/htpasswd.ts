/** Lines of htpasswd, and passwords checked against them. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { apr1 } from './apr1.ts'

/** Compares a password with a bcrypt hash (`$2y$…`). */
export type VerifyBcrypt = (password: string, hash: string) => Promise<boolean>

interface Scheme {
  readonly matches: RegExp
  readonly verify: (password: string, hash: string, bcrypt: VerifyBcrypt) => boolean | Promise<boolean>
}

/** Digests first: `timingSafeEqual` needs equal lengths, and a length tells something too. */
const same = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())

const shaOf = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`

const saltOf = (hash: string): string => hash.split('$')[2] ?? ''

const schemes: readonly Scheme[] = [
  {
    matches: /^\$apr1\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}$/,
    verify: (password, hash) => same(apr1(password, saltOf(hash)), hash),
  },
  { matches: /^\{SHA\}[+/0-9A-Za-z]{27}=$/, verify: (password, hash) => same(shaOf(password), hash) },
  { matches: /^\{PLAIN\}/, verify: (password, hash) => same(`{PLAIN}${password}`, hash) },
  {
    // Each step doubles the work of every request with a wrong password: 15 takes seconds, 31 takes days.
    matches: /^\$2[aby]\$(?:0[4-9]|1[0-4])\$[./0-9A-Za-z]{53}$/,
    verify: (password, hash, bcrypt) => bcrypt(password, hash),
  },
]

const schemeOf = (hash: string): Scheme | undefined => schemes.find(({ matches }) => matches.test(hash))

/** Whether a password can be compared with this. */
export const isKnownHash = (hash: string): boolean => schemeOf(hash) !== undefined

/** Whether the password is the one. False for a hash of no known kind. Rejects when `bcrypt` does. */
export const verifyPassword = async (password: string, hash: string, bcrypt: VerifyBcrypt): Promise<boolean> =>
  (await schemeOf(hash)?.verify(password, hash, bcrypt)) ?? false

export interface Users {
  /** Hashes by name. */
  readonly users: Readonly<Record<string, string>>
  /** They name users and lines, never a hash. */
  readonly problems: readonly string[]
}

/** Names and hashes; of two lines for one user the first counts, as in nginx. */
export const readUsers = (entries: Iterable<readonly [name: string, hash: string]>): Users => {
  const users = new Map<string, string>()
  const problems: string[] = []
  for (const [name, hash] of entries) {
    if (users.has(name)) problems.push(`user "${name}" is there twice: the first counts`)
    else if (isKnownHash(hash)) users.set(name, hash)
    else
      problems.push(
        `the password of user "${name}" is not hashed in a known way ($apr1$, $2y$ with a cost of at most 14, {SHA})`,
      )
  }
  return { users: Object.fromEntries(users), problems }
}

/** Reads `name:hash` lines; empty lines and comments (`#`) are skipped, and what follows a second colon. */
export const parseHtpasswd = (text: string): Users => {
  const entries: (readonly [string, string])[] = []
  const problems: string[] = []
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    const [, name, hash] = /^([^:]+):(.*)$/.exec(line.trimEnd()) ?? []
    if (name === undefined || hash === undefined) problems.push(`line ${at + 1} is not "name:hash"`)
    else entries.push([name, hash.startsWith('{PLAIN}') ? hash : (hash.split(':')[0] ?? '')])
  }
  const read = readUsers(entries)
  return { users: read.users, problems: [...problems, ...read.problems] }
}
