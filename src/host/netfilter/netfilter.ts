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

type Answer = ReadonlyMap<string, SavedChain>
type Ask = (questions: readonly TableChains[]) => Promise<readonly Answer[]>

interface Waiting {
  readonly questions: readonly TableChains[]
  readonly answered: PromiseWithResolvers<readonly Answer[]>
}

/** What is asked at one time, or while the program runs, is asked by one program; each for itself when that fails. */
export const askTogether = (ask: Ask): Ask => {
  let waiting: Waiting[] = []
  let isAsking = false

  const askAlone = async ({ questions, answered }: Waiting): Promise<void> => {
    await ask(questions).then(answered.resolve, answered.reject)
  }
  const askAll = async (all: readonly Waiting[]): Promise<void> => {
    const [only] = all
    if (all.length === 1 && only) return askAlone(only)
    const answers = await ask(all.flatMap(({ questions }) => questions)).catch(() => undefined)
    let at = 0
    for (const each of all) {
      const end = at + each.questions.length
      if (answers) each.answered.resolve(answers.slice(at, end))
      else await askAlone(each)
      at = end
    }
  }
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const all = waiting
      waiting = []
      await askAll(all)
    }
    isAsking = false
  }

  return (questions) => {
    const answered = Promise.withResolvers<readonly Answer[]>()
    waiting.push({ questions, answered })
    if (!isAsking) {
      isAsking = true
      setImmediate(() => void run())
    }
    return answered.promise
  }
}

export const createNetfilter = (runner: CommandRunner, family: IpFamily, backend: NetfilterBackend): Netfilter => {
  const tool = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${backend}`
  const restore = (input: string) => runner.run(`${tool}-restore`, ['--noflush', '--wait', lockWaitSeconds], input)
  return {
    family,
    backend,
    apply: async (edits) => {
      if (edits.length > 0) await restore(renderEdits(edits))
    },
    list: askTogether(async (questions) => parseAnswers(questions, await restore(renderQuestions(questions)))),
    save: (table) => runner.run(`${tool}-save`, ['-t', table]),
    counts: async (table) => parseCounts(await runner.run(`${tool}-save`, ['--counters', '-t', table])),
  }
}
