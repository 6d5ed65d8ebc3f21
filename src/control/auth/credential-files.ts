/** Callers whose tokens or passwords stand in a file, read at the start: SECRET,NAME,UID[,"GROUP,GROUP"] on each line. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { errorText } from '../../api/errors.ts'
import { type Authenticator, bearerOf, type Credentials } from './authenticate.ts'
import { parseCsv } from './csv.ts'
import type { User } from './user.ts'

interface Entry {
  readonly secret: string
  readonly user: User
}

const entryOf = (columns: readonly string[], what: string, at: number): Entry => {
  const [secret = '', name = '', uid = '', groups = ''] = columns
  if (columns.length < 3)
    throw new Error(
      `must have at least 3 columns (${what}, user name, user uid), found ${columns.length} in row ${at + 1}`,
    )
  if (secret === '' || name === '') throw new Error(`row ${at + 1} has an empty ${secret === '' ? what : 'user name'}`)
  const own = groups.split(',').map((group) => group.trim())
  return { secret, user: { name, groups: own.filter((group) => group !== ''), ...(uid === '' ? {} : { uid }) } }
}

const entriesOf = (text: string, what: string): readonly Entry[] =>
  parseCsv(text)
    .filter(([first = '']) => !first.startsWith('#'))
    .map((columns, at) => entryOf(columns, what, at))

const readEntries = async (file: string, what: string): Promise<readonly Entry[]> => {
  try {
    return entriesOf(await readFile(file, 'utf8'), what)
  } catch (error) {
    throw new Error(`${what} file ${file}: ${errorText(error)}`)
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Found by their digests, so that the time that it takes tells nothing of them. */
export const tokenUsers = (text: string): Authenticator => usersByToken(entriesOf(text, 'token'))

const usersByToken = (entries: readonly Entry[]): Authenticator => {
  const users = new Map(entries.map(({ secret, user }) => [digest(secret).toString('hex'), user]))
  return (credentials) => {
    const token = bearerOf(credentials)
    return token === undefined ? undefined : users.get(digest(token).toString('hex'))
  }
}

/** The name and the password of `Authorization: Basic …`. */
const basicOf = ({ authorization = '' }: Credentials) => {
  const [, encoded] = /^Basic\s+(\S+)$/i.exec(authorization) ?? []
  const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? []
  return name === undefined || password === undefined ? undefined : { name, password }
}

export const passwordUsers = (text: string): Authenticator => usersByPassword(entriesOf(text, 'password'))

const usersByPassword = (entries: readonly Entry[]): Authenticator => {
  const users = new Map(entries.map(({ secret, user }) => [user.name, { secret: digest(secret), user }]))
  return (credentials) => {
    const given = basicOf(credentials)
    const known = given && users.get(given.name)
    return known && timingSafeEqual(known.secret, digest(given.password)) ? known.user : undefined
  }
}

export const readTokenUsers = async (file: string): Promise<Authenticator> =>
  usersByToken(await readEntries(file, 'token'))

export const readPasswordUsers = async (file: string): Promise<Authenticator> =>
  usersByPassword(await readEntries(file, 'password'))
