/** JSON lines in a file of the node. */
import { createRotatingFile } from '../../../host/rotating-file.ts'
import { jsonLine } from './record.ts'
import type { LogSink } from './sink.ts'

export const fileLimits = { maxBytes: 100 * 1024 * 1024, maxBackups: 5, maxAgeDays: 0 }

export const createFileSink = (name: string, path: string, limits = fileLimits): LogSink => {
  const file = createRotatingFile({ path, ...limits })
  return {
    name,
    send: (records) => file.append(records.map(jsonLine).join(''), true),
    close: file.close,
  }
}
