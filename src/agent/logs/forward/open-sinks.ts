/** The targets that were named, ready to be sent to. */
import { readFile } from 'node:fs/promises'
import { createFileSink } from './file-sink.ts'
import { createHttpSink } from './http-sink.ts'
import type { LogSink } from './sink.ts'
import { createSyslogSink } from './syslog-sink.ts'
import type { ForwardTarget } from './target.ts'

export interface LogForwardSettings {
  readonly targets: readonly ForwardTarget[]
  /** The authority of HTTPS and TLS targets, as PEM; the system's when missing. */
  readonly caFile?: string
  /** A bearer token for HTTPS targets. */
  readonly tokenFile?: string
}

const optional = <K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> =>
  value === undefined ? {} : ({ [name]: value } as Partial<Record<K, string>>)

const openSink = (target: ForwardTarget, ca: string | undefined, tokenFile: string | undefined): LogSink => {
  const trust = optional('ca', ca)
  switch (target.kind) {
    case 'file':
      return createFileSink(target.name, target.path)
    case 'http':
      return createHttpSink(target.name, target.url, {
        ...trust,
        // Nobody on the way is shown it.
        ...(target.url.protocol === 'https:' ? optional('tokenFile', tokenFile) : {}),
      })
    case 'syslog':
      return createSyslogSink(target.name, target.way, trust)
  }
}

/** Connects to nothing yet. Rejects when the authority cannot be read. */
export const openSinks = async ({ targets, caFile, tokenFile }: LogForwardSettings): Promise<readonly LogSink[]> => {
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8')
  return targets.map((target) => openSink(target, ca, tokenFile))
}
