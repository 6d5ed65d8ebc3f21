/** Passwords. */
import { parseHtpasswd, readUsers, type Users } from '../auth/htpasswd.ts'
import type { ObjectData, Part, Reading, Rows, Values } from './row.ts'
import { quotedText, reference } from './text.ts'
import { word, wrong } from './value.ts'

const authType = (text: string): 'basic' =>
  text === 'digest' ? wrong('digest is not served: it needs passwords in the clear') : word('basic')(text)

export const authRows = {
  'auth-type': { read: authType, guards: true },
  'auth-secret': { read: reference, guards: true },
  'auth-secret-type': { read: word('auth-file', 'auth-map'), guards: true },
  'auth-realm': { read: quotedText },
} satisfies Rows

type AuthValues = Values<typeof authRows>

const usersOf = (data: ObjectData, isMap: boolean): Users =>
  isMap
    ? readUsers(Object.entries(data).map(([name, hash]) => [name, hash.trim()] as const))
    : parseHtpasswd(data['auth'] ?? '')

/** Half of what it takes is no reason to let everybody in. */
const missingHalf = (values: AuthValues, { isBroken, block }: Reading): boolean => {
  for (const [key, other] of [
    ['auth-type', 'auth-secret'],
    ['auth-secret', 'auth-type'],
  ] as const)
    if (values[key] !== undefined && values[other] === undefined && !isBroken(other))
      block(key, `there is no ${other} beside it`)
  return values['auth-type'] === undefined || values['auth-secret'] === undefined
}

export const auth = (values: AuthValues, reading: Reading): Part => {
  const name = values['auth-secret']
  if (missingHalf(values, reading) || name === undefined) return {}
  const data = reading.secret('auth-secret', name)
  if (data === undefined) return {}
  const isMap = values['auth-secret-type'] === 'auth-map'
  if (!isMap && data['auth'] === undefined) {
    reading.block('auth-secret', 'the Secret has no key "auth"')
    return {}
  }
  const { users, problems } = usersOf(data, isMap)
  for (const problem of problems) reading.tell('error', 'auth-secret', problem)
  if (Object.keys(users).length === 0) reading.block('auth-secret', 'nobody could log in')
  return { policy: { basicAuth: { realm: values['auth-realm'] ?? 'Authentication Required', users } } }
}
