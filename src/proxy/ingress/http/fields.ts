/** Field lines, of heads and of trailers (RFC 9112 section 5). */
import { malformed, Refusal } from './refusal.ts'
import { blankBytes, isLineEnd, skip, spaceBytes, tokenBytes, valueBytes } from './syntax.ts'

export interface Field {
  /** As received. */
  readonly name: string
  /** The name in small letters. */
  readonly key: string
  /** Without the spaces around it. */
  readonly value: string
}

const wrongLine = (text: string, start: number, nameEnd: number): Refusal => {
  if (blankBytes[text.charCodeAt(start)] === 1) return malformed('folded field line')
  if (blankBytes[text.charCodeAt(nameEnd)] === 1) return malformed('blank in a field name')
  return malformed('wrong field name')
}

/** Tabs around a value are legal, but no two servers agree on `Transfer-Encoding: chunked<TAB>`. */
const refuseTabs = (value: string): string => {
  if (value.startsWith('\t') || value.endsWith('\t')) throw malformed('tab around a field value')
  return value
}

const trimmedEnd = (text: string, start: number, end: number): number => {
  let at = end
  while (at > start && text[at - 1] === ' ') at--
  return at
}

/**
 * Reads the field lines that begin at `start` up to the empty line, which must be the end of `text`. Throws `Refusal`:
 * 400 for any line that is not exactly `token ":" *SP value *SP CRLF`, 431 for more than `maxFields`.
 */
export const readFields = (text: string, start: number, maxFields: number): Field[] => {
  const fields: Field[] = []
  let at = start
  while (!isLineEnd(text, at)) {
    const nameEnd = skip(text, at, tokenBytes)
    if (nameEnd === at || text[nameEnd] !== ':') throw wrongLine(text, at, nameEnd)
    const valueStart = skip(text, nameEnd + 1, spaceBytes)
    const lineEnd = skip(text, valueStart, valueBytes)
    if (!isLineEnd(text, lineEnd)) throw malformed('control character in a field value')
    if (fields.length === maxFields) throw new Refusal(431, 'too many fields')
    const name = text.slice(at, nameEnd)
    const value = refuseTabs(text.slice(valueStart, trimmedEnd(text, valueStart, lineEnd)))
    fields.push({ name, key: name.toLowerCase(), value })
    at = lineEnd + 2
  }
  if (at + 2 !== text.length) throw malformed('bytes after the head')
  return fields
}

/** The members of a comma-separated field in small letters, empty ones left out. */
export const listOf = (value: string): readonly string[] =>
  value
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
