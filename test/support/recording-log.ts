/** A logger whose messages can be read, from `info` on. */
import { pino } from 'pino'
import type { Logger } from '../../src/host/log.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly msg: string
  readonly [field: string]: unknown
}

export interface RecordingLog {
  readonly log: Logger
  readonly lines: readonly LogLine[]
  readonly messages: readonly string[]
}

export const recordingLog = (): RecordingLog => {
  const lines: LogLine[] = []
  const messages: string[] = []
  const write = (text: string): void => {
    const line = JSON.parse(text) as LogLine
    lines.push(line)
    messages.push(line.msg)
  }
  const formatters = { level: (level: string) => ({ level }) }
  return { log: pino({ level: 'info', formatters }, { write }), lines, messages }
}
