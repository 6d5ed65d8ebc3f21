/**
 * Patterns that ignore the case of ASCII letters without the flag for it. V8 goes on in linear time when matching takes
 * too long, but not under that flag: one request with a long path could stop a thread for as long as it likes. Pure.
 */

/** An escape, the name of a group, or one letter. */
const tokens = /\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\c[A-Za-z]|\\[\s\S]|\(\?<[A-Za-z_$][\w$]*>|[\s\S]/g

const numeric = /^\\[xu]([0-9A-Fa-f]+)$/

/** What a token stands for when that is one letter. */
const codeOf = (token: string | undefined): number | undefined => {
  if (token === undefined) return undefined
  const digits = numeric.exec(token)?.[1]
  if (digits !== undefined) return Number.parseInt(digits, 16)
  return token.length === 1 ? token.charCodeAt(0) : undefined
}

const lower = { first: 0x61, last: 0x7a, shift: -0x20 }
const upper = { first: 0x41, last: 0x5a, shift: 0x20 }

const letter = (code: number): string => String.fromCharCode(code)

/** The letters of a range in the other case, as parts of a class. */
const otherCase = (from: number, to: number): string =>
  [lower, upper]
    .map(({ first, last, shift }) => {
      const [start, end] = [Math.max(from, first), Math.min(to, last)]
      return start > end ? '' : `${letter(start + shift)}-${letter(end + shift)}`
    })
    .join('')

/** A class, its brackets included. */
const widened = (parts: readonly string[]): string => {
  let text = ''
  for (let at = 0; at < parts.length; at++) {
    const [part = '', dash, end] = parts.slice(at, at + 3)
    const [from, to] = [codeOf(part), dash === '-' && end !== ']' ? codeOf(end) : undefined]
    if (from !== undefined && to !== undefined) {
      text += `${part}-${end}${otherCase(from, to)}`
      at += 2
    } else text += part + (from === undefined ? '' : otherCase(from, from))
  }
  return text
}

/** A pattern that matches without the `i` flag what `pattern` matches with it, as far as ASCII goes. */
export const caseless = (pattern: string): string => {
  const parts: readonly string[] = pattern.match(tokens) ?? []
  let text = ''
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? ''
    const end = part === '[' ? parts.indexOf(']', at) : -1
    const code = codeOf(part)
    const other = code === undefined ? '' : otherCase(code, code)
    if (end > 0) {
      text += `[${widened(parts.slice(at + 1, end + 1))}`
      at = end
    } else text += other === '' ? part : `[${part}${other}]`
  }
  return text
}
