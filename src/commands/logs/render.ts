/** How a line of a log is printed. Pure. */
import { jsonText } from '../../host/json-text.ts'
import type { LogInstance } from './instances.ts'
import type { LogLine } from './lines.ts'

export interface RenderOptions {
  readonly json: boolean
  readonly prefix: boolean
  /** Pods of several namespaces: the prefix says which. */
  readonly namespaces: boolean
  readonly timestamps: boolean
  /** Somebody looks at it: prefixes are coloured, and what lines hold for terminals is shown, not done. */
  readonly terminal: boolean
  readonly colours: boolean
}

const palette = [36, 32, 33, 35, 34, 31, 96, 92, 93, 95, 94, 91]

/** The same for a pod each time. */
const colourOf = (name: string): number => {
  let sum = 0
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0
  return palette[sum % palette.length] ?? 36
}

const reset = '\u001b[0m'

const prefixOf = (instance: LogInstance, { namespaces, colours }: RenderOptions): string => {
  const { namespace, pod, container } = instance
  const text = `[${namespaces ? `${namespace}/` : ''}${pod}/${container}]`
  return colours ? `\u001b[${colourOf(`${namespace}/${pod}`)}m${text}${reset} ` : `${text} `
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const colourCode = /^\u001b\[[0-9;]{0,32}m/
// biome-ignore lint/suspicious/noControlCharactersInRegex: all but the tab.
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g

const caret = (char: string): string => {
  const code = char.charCodeAt(0)
  return code < 128 ? `^${String.fromCharCode(code ^ 64)}` : `\\x${code.toString(16)}`
}

/** What a log may do to a terminal is colour its own line. */
export const shownOnTerminal = (text: string): string => {
  let coloured = false
  const shown = text.replace(/\r$/, '').replace(controls, (char, at: number, all: string) => {
    if (char !== '\u001b' || !colourCode.test(all.slice(at, at + 40))) return caret(char)
    coloured = true
    return char
  })
  return coloured ? `${shown}${reset}` : shown
}

const jsonLine = ({ namespace, pod, container, node }: LogInstance, { time, text }: LogLine): string =>
  `${jsonText({ time, namespace, pod, container, node, log: text.toString('utf8') })}\n`

export const renderLine = (instance: LogInstance, line: LogLine, options: RenderOptions): Buffer => {
  const { json, prefix, timestamps, terminal } = options
  if (json) return Buffer.from(jsonLine(instance, line))
  const front = `${prefix ? prefixOf(instance, options) : ''}${timestamps && line.time !== '' ? `${line.time} ` : ''}`
  if (terminal) return Buffer.from(`${front}${shownOnTerminal(line.text.toString('utf8'))}\n`)
  return Buffer.concat([Buffer.from(front), line.text, Buffer.from('\n')])
}
