/** A logger whose messages can be read, from `info` on. */
import { pino } from 'pino'
import type { Logger } from '../../src/host/log.ts'

export const recordingLog = (): { readonly log: Logger; readonly messages: readonly string[] } => {
  const messages: string[] = []
  const write = (line: string): void => void messages.push((JSON.parse(line) as { msg: string }).msg)
  return { log: pino({ level: 'info' }, { write }), messages }
}
