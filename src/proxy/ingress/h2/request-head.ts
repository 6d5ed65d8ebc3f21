/** Reads the head of a request, as strictly as one of HTTP/1.1, which it may become (RFC 9113 section 8.3). */
import type { Field } from '../http/fields.ts'
import { once } from '../http/framing.ts'
import type { HeadLimits } from '../http/limits.ts'
import { routingPath } from '../http/path.ts'
import { Refusal } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { bodyLengthOf } from './body-length.ts'
import { checkField, countPseudo } from './field-rules.ts'
import { authorityOf, readRequestPseudo } from './request-pseudo.ts'

/** The fields that decide how the request is read. */
interface Control {
  host: string | undefined
  length: string | undefined
  expect: string | undefined
  cookies: number
}

const noteField = (control: Control, { key, value }: Field): void => {
  if (key === 'host') control.host = once(control.host, value, key)
  else if (key === 'content-length') control.length = once(control.length, value, key)
  else if (key === 'expect') control.expect = once(control.expect, value, key)
  else if (key === 'cookie') control.cookies++
}

/** A client may send a cookie field in pieces; HTTP/1.1 knows one only (section 8.2.3). */
const joinCookies = (fields: readonly Field[]): readonly Field[] => {
  const value = fields.flatMap((field) => (field.key === 'cookie' ? [field.value] : [])).join('; ')
  return [...fields.filter(({ key }) => key !== 'cookie'), { name: 'cookie', key: 'cookie', value }]
}

const expectsContinue = (expect: string | undefined): boolean => {
  if (expect === undefined) return false
  if (expect.toLowerCase() !== '100-continue') throw new Refusal(417, 'Expect other than 100-continue')
  return true
}

const pathOf = (target: string): string => {
  const query = target.indexOf('?')
  return routingPath(query < 0 ? target : target.slice(0, query))
}

const none: readonly string[] = []

/**
 * The head that a HEADERS block stands for; `ends` when no body follows. `body` may be 0 although the stream goes on, with
 * a content-length of 0. Throws `Refusal` with the status to answer: 400, 414, 417, 431 or 501.
 */
export const readH2Request = (fields: readonly Field[], ends: boolean, limits: HeadLimits): RequestHead => {
  const count = countPseudo(fields)
  const pseudo = readRequestPseudo(fields, count, limits.targetBytes)
  if (fields.length - count > limits.fields) throw new Refusal(431, 'too many fields')
  const others = fields.slice(count)
  const control: Control = { host: undefined, length: undefined, expect: undefined, cookies: 0 }
  for (const field of others) {
    checkField(field)
    noteField(control, field)
  }
  const authority = authorityOf(pseudo, control.host)
  return {
    method: pseudo.method,
    target: pseudo.path,
    path: pathOf(pseudo.path),
    host: authority.parsed.host,
    authority: authority.text,
    version: '2.0',
    minor: 1,
    fields: control.cookies > 1 ? joinCookies(others) : others,
    body: bodyLengthOf(control.length, ends),
    keepAlive: true,
    connection: none,
    upgrade: undefined,
    expectsContinue: expectsContinue(control.expect),
  }
}
