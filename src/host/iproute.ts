/** iproute2: links, addresses, routes, neighbours and forwarding entries of the network namespace we are in. */
import type { CommandRunner } from './command.ts'

/** What ends a line, or means something to iproute2's reader of batches: in no address, name or number. */
const special = /[\n\r"'\\#;]/

/**
 * A word for a line: one that holds what would make it two words, or two lines, is refused with a RangeError.
 */
export const word = (text: string): string => {
  if (text === '' || /\s/.test(text) || special.test(text))
    throw new RangeError(`${JSON.stringify(text)} is not a word that can be given to iproute2`)
  return text
}

/** Throws a RangeError for a line that would be more than one. */
export const checkLines = (program: string, lines: readonly string[]): void => {
  const bad = lines.find((line) => special.test(line))
  if (bad !== undefined) throw new RangeError(`${JSON.stringify(bad)} is not one line for ${program}`)
}

/**
 * Batches run line by line and stop at the first that fails (CommandError with iproute2's message, which holds the line
 * number). Lines are words without the program's name: `link add br0 type bridge`. A line that would be more than one is
 * refused with a RangeError.
 */
export interface Iproute {
  ip(lines: readonly string[]): Promise<void>
  bridge(lines: readonly string[]): Promise<void>
  /** `ip -json …` as parsed JSON; an empty answer is an empty list. */
  showIp(args: readonly string[]): Promise<readonly unknown[]>
  showBridge(args: readonly string[]): Promise<readonly unknown[]>
}

export const createIproute = (runner: CommandRunner): Iproute => {
  const batch = async (program: string, lines: readonly string[]): Promise<void> => {
    checkLines(program, lines)
    if (lines.length > 0) await runner.run(program, ['-batch', '-'], `${lines.join('\n')}\n`)
  }
  const show = async (program: string, args: readonly string[]): Promise<readonly unknown[]> => {
    const text = await runner.run(program, ['-json', ...args])
    if (text.trim() === '') return []
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.filter((entry) => Object.keys(entry as object).length > 0) : []
  }
  return {
    ip: (lines) => batch('ip', lines),
    bridge: (lines) => batch('bridge', lines),
    showIp: (args) => show('ip', args),
    showBridge: (args) => show('bridge', args),
  }
}
