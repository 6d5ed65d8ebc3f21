/**
 * What people read of us on a terminal. Texts of the API, of registries, files and peers are in it, and a terminal obeys control
 * characters: it shows them here, and does nothing of what they say. For scripts there is JSON (`json-text.ts`).
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const controls = /[\u0000-\u001f\u007f-\u009f]/g
/** These put a text in another order than it is written in, or break a line. */
const reordering = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** `^[`, `\x9b`, `\u202e`. */
const shown = (char: string): string => {
  const code = char.charCodeAt(0)
  if (code < 128) return `^${String.fromCharCode(code ^ 64)}`
  return code < 256 ? `\\x${code.toString(16)}` : `\\u${code.toString(16)}`
}

const shownBut = (text: string, kept: string): string =>
  text.replace(controls, (char) => (kept.includes(char) ? char : shown(char))).replace(reordering, shown)

/** Safe, with its lines and tabs as they are. */
export const terminalText = (text: string): string => shownBut(text, '\n\t')

/** As above, in one line: for what stands in a line of ours, which it must not end. */
export const terminalLine = (text: string): string => shownBut(text, '\t')

const reset = '\u001b[0m'

/** Safe, and in that colour of the terminal. */
export const coloured = (colour: number, text: string): string => `\u001b[${colour}m${terminalText(text)}${reset}`

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal has them.
const colourCode = /^\u001b\[[0-9;]{0,32}m/

/** One line of a log: what it may do to a terminal is colour itself. */
export const colouredLine = (text: string): string => {
  let isColoured = false
  const line = text.replace(/\r$/, '').replace(controls, (char, at: number, all: string) => {
    if (char === '\t') return char
    if (char !== '\u001b' || !colourCode.test(all.slice(at, at + 40))) return shown(char)
    isColoured = true
    return char
  })
  return isColoured ? `${line}${reset}` : line
}

/** A line to standard output, or several. */
export const print = (text: string): void => console.log(terminalText(text))

/** To standard error. */
export const printError = (text: string): void => console.error(terminalText(text))

export interface Marked {
  readonly before?: string
  /** In a colour where it is looked at. */
  readonly mark: string
  readonly colour: number
  readonly after?: string
}

export const printMarked = ({ before = '', mark, colour, after = '' }: Marked): void => {
  const middle = process.stdout.isTTY ? coloured(colour, mark) : terminalText(mark)
  console.log(`${terminalText(before)}${middle}${terminalText(after)}`)
}
