/** Texts: what CEL's string extensions have that the library has not, and patterns that run in linear time. */
import type { Environment } from '@marcbachmann/cel-js'
import { matchesPattern, spansOfPattern } from './pattern.ts'

/** What `matches` is called by after parsing: the library's own runs in an engine that one text can hold for ever. */
export const safeMatches = 'matchesInLinearTime'

const longest = 1024 * 1024

const bounded = (text: string): string => {
  if (text.length > longest) throw new Error('a text is too long')
  return text
}

const countOf = (value: bigint): number => Number(value)

const valueText = (value: unknown): string => {
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => `${valueText(key)}: ${valueText(item)}`)
    return `{${entries.sort().join(', ')}}`
  }
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  return value === null ? 'null' : String(value)
}

const verbs: Readonly<Record<string, (value: unknown, precision: number | undefined) => string>> = {
  s: valueText,
  d: valueText,
  f: (value, precision = 6) => Number(value).toFixed(Math.min(precision, 20)),
  e: (value, precision = 6) => Number(value).toExponential(Math.min(precision, 20)),
  b: (value) => (typeof value === 'boolean' ? String(Number(value)) : BigInt(String(value)).toString(2)),
  o: (value) => BigInt(String(value)).toString(8),
  x: (value) => (typeof value === 'string' ? Buffer.from(value).toString('hex') : BigInt(String(value)).toString(16)),
  X: (value) => (verbs['x']?.(value, undefined) ?? '').toUpperCase(),
}

const format = (text: string, values: readonly unknown[]): string => {
  let at = 0
  const result = text.replaceAll(/%(?:%|(?:\.(\d{1,2}))?([a-zA-Z]))/g, (whole, precision?: string, verb?: string) => {
    if (whole === '%%') return '%'
    const write = verb === undefined ? undefined : verbs[verb]
    if (!write) throw new Error(`could not parse formatting clause: unrecognized formatting clause "${verb}"`)
    if (at >= values.length) throw new Error(`index ${at} out of range`)
    return write(values[at++], precision === undefined ? undefined : Number(precision))
  })
  return bounded(result)
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f', '\v': '\\v' }

const quote = (text: string): string =>
  `"${text.replaceAll(/[\\"\n\r\t\f\v]/g, (each) => escapes[each] ?? `\\${each}`)}"`

/** `strings.quote(a)` is a method of this constant. */
class Strings {}

const replace = (text: string, from: string, to: string, count = -1n): string => {
  if (count === 0n) return text
  const parts = text.split(from)
  const most = count < 0n ? parts.length - 1 : Math.min(countOf(count), parts.length - 1)
  if (text.length + most * to.length > longest) throw new Error('a text is too long')
  return [parts.slice(0, most + 1).join(to), ...parts.slice(most + 1)].join(from)
}

const charAt = (text: string, at: bigint): string => {
  const chars = [...text]
  if (at < 0n || at > BigInt(chars.length)) throw new Error(`index out of range: ${at}`)
  return chars[countOf(at)] ?? ''
}

const textsOf = (text: string, pattern: string, most = -1n): readonly string[] => {
  const found = spansOfPattern(text, pattern, most < 0n ? undefined : countOf(most))
  return found.map(({ start, end }) => text.slice(start, end))
}

export const addStrings = (env: Environment): Environment =>
  env
    .registerFunction(`string.${safeMatches}(string): bool`, matchesPattern)
    .registerFunction('matches(string, string): bool', matchesPattern)
    .registerFunction('string.charAt(int): string', charAt)
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      replace(text, from, to),
    )
    .registerFunction('string.replace(string, string, int): string', replace)
    .registerFunction('string.reverse(): string', (text: string) => [...text].toReversed().join(''))
    .registerFunction('string.format(list<dyn>): string', format)
    .registerType('k8s.Strings', { ctor: Strings, fields: {} })
    .registerConstant('strings', 'k8s.Strings', new Strings())
    .registerFunction('k8s.Strings.quote(string): string', (_: Strings, text: string) => quote(text))
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => textsOf(text, pattern, 1n)[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) => textsOf(text, pattern))
    .registerFunction('string.findAll(string, int): list<string>', textsOf)
