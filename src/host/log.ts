import { type Logger, pino } from 'pino'
import { escapeControls } from './json-text.ts'

export type { Logger } from 'pino'

/** JSON lines on stderr, one per event, tagged with the daemon's name. Level by `PODWAY_LOG` (default info). */
export const createLogger = (name: string): Logger =>
  pino(
    { name, level: process.env['PODWAY_LOG'] ?? 'info', base: { name }, hooks: { streamWrite: escapeControls } },
    pino.destination({ fd: 2, sync: true }),
  )

/** For tests and for callers that want no log. */
export const silentLogger: Logger = pino({ level: 'silent' })
