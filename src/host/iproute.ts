/** iproute2: links, addresses, routes, neighbours and forwarding entries of the network namespace we are in. */
import { CommandError, type CommandRunner } from './command.ts'

declare const lineBrand: unique symbol

/** A line for a batch of iproute2 (or words for tc), without the program's name: `link add br0 type bridge`. */
export type Line = string & { readonly [lineBrand]: true }

/** What ends a line, or means something to iproute2's reader of batches: in no address, name or number. */
const special = /[\s\0"'\\#;]/

/** A word for a line: one that holds what would make it two words, or two lines, is refused with a RangeError. */
export const word = (text: string): string => {
  if (text === '' || special.test(text))
    throw new RangeError(`${JSON.stringify(text.slice(0, 80))} is not a word that can be given to iproute2`)
  return text
}

/** Each a word, or several; none leaves nothing behind. */
type LineValue = string | number | readonly string[]

const wordsOf = (value: LineValue): string =>
  typeof value === 'number' || typeof value === 'string' ? word(String(value)) : value.map(word).join(' ')

/** A line in which every value is one word (a list: as many). Throws a RangeError for a value that cannot be. */
export const line = (literals: TemplateStringsArray, ...values: readonly LineValue[]): Line => {
  const text = literals.reduce((before, literal, at) => `${before}${wordsOf(values[at - 1] ?? [])}${literal}`)
  return text.replaceAll(/ {2,}/g, ' ').trim() as Line
}

/** A line's words, for a program that takes them as arguments. */
export const lineWords = (text: Line): readonly string[] => text.split(' ')

/** A batch's standard input. */
export const batchOf = (lines: readonly Line[]): string => `${lines.join('\n')}\n`

/** Batches of lines run in order. */
export interface Iproute {
  /** Stops at the first that fails (CommandError with iproute2's message, which holds the line number). */
  ip(lines: readonly Line[]): Promise<void>
  /** Runs all, whatever fails; resolves to what failed, and why. */
  each(program: 'ip' | 'bridge', lines: readonly Line[]): Promise<readonly string[]>
  /** `ip -json …` as parsed JSON; an empty answer is an empty list. */
  showIp(args: readonly string[]): Promise<readonly unknown[]>
  showBridge(args: readonly string[]): Promise<readonly unknown[]>
}

/** `RTNETLINK answers: …`, then `Command failed -:3`: what was said of which line. */
const failuresOf = (lines: readonly Line[], stderr: string): readonly string[] => {
  const found: string[] = []
  let said = ''
  for (const text of stderr.split('\n')) {
    const at = /^Command failed -:(\d+)/.exec(text)?.[1]
    if (at === undefined) said = text.trim() === '' ? said : text.trim()
    else found.push(`${lines[Number(at) - 1]}: ${said}`)
  }
  return found
}

export const createIproute = (runner: CommandRunner): Iproute => {
  const each = async (program: string, lines: readonly Line[]): Promise<readonly string[]> => {
    if (lines.length === 0) return []
    try {
      await runner.run(program, ['-force', '-batch', '-'], batchOf(lines))
      return []
    } catch (error) {
      const failures = error instanceof CommandError ? failuresOf(lines, error.stderr) : []
      if (failures.length === 0) throw error
      return failures
    }
  }
  const show = async (program: string, args: readonly string[]): Promise<readonly unknown[]> => {
    const text = await runner.run(program, ['-json', ...args])
    if (text.trim() === '') return []
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.filter((entry) => Object.keys(entry as object).length > 0) : []
  }
  return {
    ip: async (lines) => {
      if (lines.length > 0) await runner.run('ip', ['-batch', '-'], batchOf(lines))
    },
    each,
    showIp: (args) => show('ip', args),
    showBridge: (args) => show('bridge', args),
  }
}
