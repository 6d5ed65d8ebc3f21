/**
 * What every field must be like, wherever it stands (RFC 9113 section 8.2): it may become a line of HTTP/1.1, where a
 * wrong one would be more than a field.
 */
import type { Field } from '../http/fields.ts'
import { malformed } from '../http/refusal.ts'
import { skip, tokenBytes, valueBytes } from '../http/syntax.ts'

/** Fields of a connection of HTTP/1.1. */
const forbidden: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** Names have small letters only. */
const nameBytes = tokenBytes.map((allowed, byte) => (byte >= 0x41 && byte <= 0x5a ? 0 : allowed))

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

const checkValue = (value: string): void => {
  if (skip(value, 0, valueBytes) !== value.length) throw malformed('control character in a field value')
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))
    throw malformed('blank around a field value')
}

export const isPseudo = ({ key }: Field): boolean => key.charCodeAt(0) === 0x3a

/** Throws `Refusal` for a field, not a pseudo field, that must not be. */
export const checkField = (field: Field): void => {
  const { key, value } = field
  if (isPseudo(field)) throw malformed('pseudo field out of its place')
  if (key === '' || skip(key, 0, nameBytes) !== key.length) throw malformed('wrong field name')
  if (forbidden.has(key)) throw malformed(`${key} in HTTP/2`)
  if (key === 'te' && value !== 'trailers') throw malformed('te other than trailers')
  checkValue(value)
}

/** Throws `Refusal` for trailers that must not be (section 8.1). */
export const checkTrailers = (fields: readonly Field[]): void => fields.forEach(checkField)

/** The number of pseudo fields; they stand in front. */
export const countPseudo = (fields: readonly Field[]): number => {
  const end = fields.findIndex((field) => !isPseudo(field))
  return end < 0 ? fields.length : end
}
