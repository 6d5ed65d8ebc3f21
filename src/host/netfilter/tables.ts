/** Tables and chains as plain data, and the text that iptables-restore reads and iptables-save writes. */

import { type ChainName, type Rule, RuleError, type SavedRule } from './rule.ts'

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter'

/** A chain of ours, with the rules that it shall have. */
export interface Chain {
  readonly name: ChainName
  readonly rules: readonly Rule[]
}

/** A rule that is in the kernel: one that was written, or one that was read back. */
export type KnownRule = Rule | SavedRule

/** What is done to one rule or one chain; any chain may be named. */
export type Command =
  /** Puts the rule at the end (`-A`) or first (`-I`). */
  | { readonly verb: '-A' | '-I'; readonly chain: ChainName; readonly rule: Rule }
  /** Changes nothing, and fails when the rule is not there. */
  | { readonly verb: '-C'; readonly chain: ChainName; readonly rule: Rule }
  | { readonly verb: '-D'; readonly chain: ChainName; readonly rule: SavedRule }
  /** Takes away a chain that is empty. */
  | { readonly verb: '-X'; readonly chain: ChainName }

/** One table's part of a change. */
export interface TableEdit {
  readonly table: TableName
  /** Created when missing, emptied when there, then filled. */
  readonly chains: readonly Chain[]
  /** Run after the chains are filled. */
  readonly commands?: readonly Command[]
}

/** A chain as found in the kernel. Built-in chains have a policy. */
export interface SavedChain {
  readonly name: ChainName
  readonly rules: readonly SavedRule[]
  readonly policy: string | undefined
}

const renderCommand = (command: Command): string => {
  if (command.verb === '-X') return `-X ${command.chain}`
  const { verb, chain, rule } = command
  return `${verb} ${chain} ${verb === '-I' ? '1 ' : ''}${rule}`
}

const renderEdit = ({ table, chains, commands = [] }: TableEdit): string[] => [
  `*${table}`,
  ...chains.map((chain) => `:${chain.name} - [0:0]`),
  ...chains.flatMap((chain) => chain.rules.map((rule) => `-A ${chain.name} ${rule}`)),
  ...commands.map(renderCommand),
  'COMMIT',
]

const countLines = (text: string): number => {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

const inputOf = (lines: readonly string[]): string => {
  const text = `${lines.join('\n')}\n`
  // Whatever made them: a line more than there are commands would be somebody else's command.
  if (text.includes('\0') || countLines(text) !== lines.length)
    throw new RuleError('a rule would be more than one line')
  return text
}

/** Input for `iptables-restore --noflush`. Throws a RuleError rather than write a line that nobody ordered. */
export const renderEdits = (edits: readonly TableEdit[]): string => inputOf(edits.flatMap(renderEdit))

/** Chains of one table that shall be read. */
export interface TableChains {
  readonly table: TableName
  readonly chains: readonly ChainName[]
}

/** Input for `iptables-restore --noflush` that changes nothing and prints these chains. */
export const renderQuestions = (questions: readonly TableChains[]): string =>
  inputOf(questions.flatMap(({ table, chains }) => [`*${table}`, ...chains.map((chain) => `-S ${chain}`), 'COMMIT']))

interface OpenChain extends SavedChain {
  readonly rules: SavedRule[]
}

// Names and rules of others, too: what the kernel's tools print is taken as it is.
const openChain = (name: string, policy: string | undefined): OpenChain => ({
  name: name as ChainName,
  policy,
  rules: [],
})
const savedRule = (text: string): SavedRule => text as SavedRule

/** Reads iptables-save's output for one table. Counters and comments are dropped; the order is kept. */
export const parseSave = (text: string): ReadonlyMap<string, SavedChain> => {
  const found = new Map<string, OpenChain>()
  for (const line of text.split('\n')) {
    if (line.startsWith(':')) {
      const [name = '', policy = '-'] = line.slice(1).split(' ')
      found.set(name, openChain(name, policy === '-' ? undefined : policy))
    } else if (line.startsWith('-A ')) {
      const end = line.indexOf(' ', 3)
      const name = end < 0 ? line.slice(3) : line.slice(3, end)
      found.get(name)?.rules.push(savedRule(end < 0 ? '' : line.slice(end + 1)))
    }
  }
  return found
}

/** Reads what `renderQuestions` makes the tool print: `-P` or `-N` begins the next chain that was asked for. */
export const parseAnswers = (
  questions: readonly TableChains[],
  text: string,
): readonly ReadonlyMap<string, SavedChain>[] => {
  const lines = text.split('\n')
  let at = 0
  const next = (name: ChainName): SavedChain => {
    const [verb, found, policy] = (lines[at++] ?? '').split(' ')
    if (found !== name || (verb !== '-P' && verb !== '-N'))
      throw new Error(`asked for the rules of chain ${name}, iptables printed: ${lines[at - 1]}`)
    const start = `-A ${name}`
    const rules: SavedRule[] = []
    for (let line = lines[at]; line?.startsWith(start); line = lines[++at])
      rules.push(savedRule(line.slice(start.length + 1)))
    return { name, policy: verb === '-P' ? policy : undefined, rules }
  }
  return questions.map(({ chains }) => new Map(chains.map((name) => [name, next(name)])))
}

/** Splits a rule into its words; quoted words (comments) lose their quotes. */
export const ruleWords = (rule: string): readonly string[] =>
  (rule.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? []).map((word) =>
    word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word,
  )

/** Where a rule goes (`-j` or `-g`), or undefined for one that only counts. */
export const ruleTarget = (rule: string): string | undefined => {
  const words = ruleWords(rule)
  const at = words.findIndex((word) => word === '-j' || word === '-g')
  return at < 0 ? undefined : words[at + 1]
}
