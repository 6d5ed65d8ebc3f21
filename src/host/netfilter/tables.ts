/** Tables, chains and rules as plain data, and the text that iptables-restore reads and iptables-save writes. */

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter'

/** Rules as iptables-save prints them, without the leading `-A CHAIN`: `-d 10.0.0.1/32 -p tcp -j ACCEPT`. */
export interface Chain {
  readonly name: string
  readonly rules: readonly string[]
}

/** One table's part of a change. */
export interface TableEdit {
  readonly table: TableName
  /** Created when missing, emptied when there, then filled. */
  readonly chains: readonly Chain[]
  /**
   * Run after the chains are filled: `-I PREROUTING 1 -j X`, `-D PREROUTING -j X`, `-X OLD`. Any chain may be named.
   * `-C CHAIN rule` changes nothing and fails when the rule is not there.
   */
  readonly commands?: readonly string[]
}

/** A chain as found in the kernel. Built-in chains have a policy. */
export interface SavedChain extends Chain {
  readonly policy: string | undefined
}

const renderEdit = ({ table, chains, commands = [] }: TableEdit): string[] => [
  `*${table}`,
  ...chains.map((chain) => `:${chain.name} - [0:0]`),
  ...chains.flatMap((chain) => chain.rules.map((rule) => `-A ${chain.name} ${rule}`)),
  ...commands,
  'COMMIT',
]

/** Input for `iptables-restore --noflush`. */
export const renderEdits = (edits: readonly TableEdit[]): string => `${edits.flatMap(renderEdit).join('\n')}\n`

/** Reads iptables-save's output for one table. Counters and comments are dropped; the order is kept. */
export const parseSave = (text: string): ReadonlyMap<string, SavedChain> => {
  const found = new Map<string, { name: string; policy: string | undefined; rules: string[] }>()
  for (const line of text.split('\n')) {
    if (line.startsWith(':')) {
      const [name = '', policy = '-'] = line.slice(1).split(' ')
      found.set(name, { name, policy: policy === '-' ? undefined : policy, rules: [] })
    } else if (line.startsWith('-A ')) {
      const end = line.indexOf(' ', 3)
      const name = end < 0 ? line.slice(3) : line.slice(3, end)
      found.get(name)?.rules.push(end < 0 ? '' : line.slice(end + 1))
    }
  }
  return found
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
