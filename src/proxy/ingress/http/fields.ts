/** Field lines, of heads and of trailers (RFC 9112 section 5). */
import { knownName } from './known-names.ts'
import { malformed, Refusal } from './refusal.ts'
import { blankBytes, fieldValue, isLineEnd, skip, spaceBytes, tokenBytes, valueBytes } from './syntax.ts'

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

const tab = 0x09
const space = 0x20

/** Tabs around a value are legal, but no two servers agree on `Transfer-Encoding: chunked<TAB>`. */
const refuseTabs = (value: string): string => {
  if (value.charCodeAt(0) === tab || value.charCodeAt(value.length - 1) === tab)
    throw malformed('tab around a field value')
  return value
}

const trimmedEnd = (text: string, start: number, end: number): number => {
  let at = end
  while (at > start && text.charCodeAt(at - 1) === space) at--
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
    const value = refuseTabs(text.slice(valueStart, trimmedEnd(text, valueStart, lineEnd)))
    const known = knownName(text, at, nameEnd)
    const name = known ? known.name : text.slice(at, nameEnd)
    fields.push({ name, key: known ? known.key : name.toLowerCase(), value })
    at = lineEnd + 2
  }
  if (at + 2 !== text.length) throw malformed('bytes after the head')
  return fields
}

const isToken = (text: string): boolean => text !== '' && skip(text, 0, tokenBytes) === text.length

/** Trailers as they stand behind the last chunk. They may come from HTTP/2, where a line break is a byte like others. */
export const trailerLines = (fields: readonly Field[]): string =>
  fields
    .filter(({ name }) => isToken(name))
    .map(({ name, value }) => `${name}: ${fieldValue(value)}\r\n`)
    .join('')

/** Not `trim`, which takes away more than other servers do: a no-break space is part of a word. */
const blanksAround = /^[ \t]+|[ \t]+$/g

/** The members of a comma-separated field in small letters, empty ones left out. */
export const listOf = (value: string): readonly string[] =>
  value
    .toLowerCase()
    .split(',')
    .map((member) => member.replace(blanksAround, ''))
    .filter((member) => member !== '')
