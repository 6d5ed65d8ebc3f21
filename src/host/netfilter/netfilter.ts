/** iptables of one IP family, as edits of whole tables. */
import { CommandError, type CommandRunner } from '../command.ts'
import { renderEdits, type TableEdit, type TableName } from './tables.ts'

export type IpFamily = 'IPv4' | 'IPv6'

/** Which of the kernel's two rule stores the tools write to. */
export type NetfilterBackend = 'nft' | 'legacy'

/**
 * Reads and edits tables. `apply` leaves chains it does not name alone, and changes each table entirely or not at all;
 * edits of one table in one call are one change. Both wait for the xtables lock.
 */
export interface Netfilter {
  readonly family: IpFamily
  /** The rule store behind it; a fake has none. */
  readonly backend?: NetfilterBackend
  apply(edits: readonly TableEdit[]): Promise<void>
  /** The table in iptables-save's format. */
  save(table: TableName): Promise<string>
  /** How many packets each rule of a chain has seen; none when there is no such chain. */
  counts(table: TableName, chain: string): Promise<readonly number[]>
}

const lockWaitSeconds = '30'

export const createNetfilter = (runner: CommandRunner, family: IpFamily, backend: NetfilterBackend): Netfilter => {
  const tool = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${backend}`
  return {
    family,
    backend,
    apply: async (edits) => {
      if (edits.length === 0) return
      await runner.run(`${tool}-restore`, ['--noflush', '--wait', lockWaitSeconds], renderEdits(edits))
    },
    save: (table) => runner.run(`${tool}-save`, ['-t', table]),
    counts: async (table, chain) => {
      const args = ['-t', table, '-n', '-v', '-x', '--wait', lockWaitSeconds, '-L', chain]
      const text = await runner.run(tool, args).catch((error: unknown) => {
        if (error instanceof CommandError && /No chain\/target\/match|does not exist/.test(error.stderr)) return ''
        throw error
      })
      return text
        .split('\n')
        .flatMap((line) => /^\s*(\d+)\s+\d+\s/.exec(line)?.[1] ?? [])
        .map(Number)
    },
  }
}
