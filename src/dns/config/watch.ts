/** Follows the file in which an operator configures DNS: a wrong one is told, and the one before goes on. */
import { readFile } from 'node:fs/promises'
import { type Clock, sleep, systemClock } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import type { DnsConfig } from './config.ts'

/** Looked at so often: files that are mounted from elsewhere announce nothing. */
const lookMs = 2_000
const settleMs = 200

export interface DnsConfigFile {
  readonly file: string
  readonly text: string
  readonly config: DnsConfig
}

/** Reads the file once. Throws `DnsConfigError`, or that it cannot be read. */
export const readDnsConfig = async (file: string): Promise<DnsConfigFile> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  })
  const { parseDnsConfig } = await import('./parse.ts')
  return { file, text, config: parseDnsConfig(text, file) }
}

/** Tells every change of the file since it was read, until `signal` aborts. */
export const followDnsConfig = async (
  { file, text: first }: DnsConfigFile,
  onConfig: (config: DnsConfig) => void,
  log: Logger,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> => {
  let known = first
  let missed = ''
  /** Told once, and again after it could be read in between. */
  const miss = (error: unknown): undefined => {
    const why = error instanceof Error ? error.message : String(error)
    if (why !== missed) log.warn(`cannot read the configuration of DNS (${why}): keeping the previous one`)
    missed = why
    return undefined
  }
  while (!signal.aborted) {
    await sleep(lookMs, signal, clock)
    const text = await readFile(file, 'utf8').catch(miss)
    if (text !== undefined) missed = ''
    // A file that is being replaced may be away for a moment, and one that is being written is not whole.
    if (text === undefined || text === known || signal.aborted) continue
    await sleep(settleMs, signal, clock)
    if (text !== (await readFile(file, 'utf8').catch(miss))) continue
    known = text
    try {
      const { parseDnsConfig } = await import('./parse.ts')
      onConfig(parseDnsConfig(text, file))
      log.info({ file }, 'new configuration of DNS')
    } catch (error) {
      log.error({ err: error }, 'invalid DNS configuration; keeping the previous one')
    }
  }
}
