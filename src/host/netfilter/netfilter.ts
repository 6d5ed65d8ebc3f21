/** iptables of one IP family, as edits of whole tables. */
import type { IpFamily } from '../../ip/address.ts'
import type { CommandRunner } from '../command.ts'
import type { SavedRule } from './rule.ts'
import {
  parseAnswers,
  renderEdits,
  renderQuestions,
  type SavedChain,
  type TableChains,
  type TableEdit,
  type TableName,
} from './tables.ts'

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
  /** Some chains, for each of the questions; rejects (CommandError) when one is not there. Costs what is asked for. */
  list(questions: readonly TableChains[]): Promise<readonly ReadonlyMap<string, SavedChain>[]>
  /** The rules of each chain, with the number of packets that each has seen. */
  counts(table: TableName): Promise<ReadonlyMap<string, readonly CountedRule[]>>
}

export interface CountedRule {
  /** As iptables-save prints it, without the leading `-A CHAIN`. */
  readonly rule: SavedRule
  readonly packets: number
}

/** Reads what `iptables-save --counters` prints of one table. */
export const parseCounts = (text: string): ReadonlyMap<string, readonly CountedRule[]> => {
  const found = new Map<string, CountedRule[]>()
  for (const line of text.split('\n')) {
    const [, packets, chain = '', rule = ''] = /^\[(\d+):\d+\] -A (\S+) ?(.*)$/.exec(line) ?? []
    if (packets === undefined) continue
    const rules = found.get(chain) ?? []
    rules.push({ rule: rule as SavedRule, packets: Number(packets) })
    found.set(chain, rules)
  }
  return found
}

const lockWaitSeconds = '30'

export const createNetfilter = (runner: CommandRunner, family: IpFamily, backend: NetfilterBackend): Netfilter => {
  const tool = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${backend}`
  const restore = (input: string) => runner.run(`${tool}-restore`, ['--noflush', '--wait', lockWaitSeconds], input)
  return {
    family,
    backend,
    apply: async (edits) => {
      if (edits.length > 0) await restore(renderEdits(edits))
    },
    list: async (questions) => parseAnswers(questions, await restore(renderQuestions(questions))),
    save: (table) => runner.run(`${tool}-save`, ['-t', table]),
    counts: async (table) => parseCounts(await runner.run(`${tool}-save`, ['--counters', '-t', table])),
  }
}
