/** How a line of a log is printed. Pure. */
import { jsonText } from '../../host/json-text.ts'
import { coloured, colouredLine, terminalLine } from '../../host/terminal.ts'
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

const prefixOf = (instance: LogInstance, { namespaces, colours }: RenderOptions): string => {
  const { namespace, pod, container } = instance
  const text = `[${namespaces ? `${namespace}/` : ''}${pod}/${container}]`
  return colours ? `${coloured(colourOf(`${namespace}/${pod}`), text)} ` : `${terminalLine(text)} `
}

const jsonLine = ({ namespace, pod, container, node }: LogInstance, { time, text }: LogLine): string =>
  `${jsonText({ time, namespace, pod, container, node, log: text.toString('utf8') })}\n`

export const renderLine = (instance: LogInstance, line: LogLine, options: RenderOptions): Buffer => {
  const { json, prefix, timestamps, terminal } = options
  if (json) return Buffer.from(jsonLine(instance, line))
  const front = `${prefix ? prefixOf(instance, options) : ''}${timestamps && line.time !== '' ? `${line.time} ` : ''}`
  if (terminal) return Buffer.from(`${front}${colouredLine(line.text.toString('utf8'))}\n`)
  return Buffer.concat([Buffer.from(front), line.text, Buffer.from('\n')])
}
