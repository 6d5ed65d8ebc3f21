/** Reads the head of a backend's answer (RFC 9113 section 8.3.2). */
import type { Field } from '../http/fields.ts'
import { once } from '../http/framing.ts'
import { malformed } from '../http/refusal.ts'
import { isBodiless, type ResponseHead } from '../http/response-head.ts'
import { bodyLengthOf } from './body-length.ts'
import { checkField, countPseudo } from './field-rules.ts'

const exactStatus = /^[1-9][0-9]{2}$/

/** There is no switch of protocols in HTTP/2 (section 8.6). */
const switching = 101

const statusOf = (fields: readonly Field[], count: number): number => {
  const [first] = fields
  if (count !== 1 || first?.key !== ':status' || !exactStatus.test(first.value)) throw malformed('wrong status')
  const status = Number(first.value)
  if (status === switching) throw malformed('101 in HTTP/2')
  return status
}

const none: readonly string[] = []

/**
 * The head that a HEADERS block stands for, as an answer to `method`; `ends` when no body follows. A `body` of 'chunked'
 * means that the frames tell its length. Throws `Refusal` when it is not exactly right.
 */
export const readH2Response = (fields: readonly Field[], method: string, ends: boolean): ResponseHead => {
  const count = countPseudo(fields)
  const status = statusOf(fields, count)
  const others = fields.slice(count)
  let length: string | undefined
  for (const field of others) {
    checkField(field)
    if (field.key === 'content-length') length = once(length, field.value, field.key)
  }
  const bodiless = isBodiless(method, status)
  const body = bodyLengthOf(length, ends && !bodiless)
  return {
    status,
    reason: '',
    fields: others,
    body: bodiless ? 0 : body,
    connection: none,
    keepAlive: true,
    keepAliveMs: undefined,
  }
}
