/** A strict in-memory netfilter: refuses what iptables-restore refuses, changes a table entirely or not at all. */
import { type IpFamily, parseAddress } from '../../ip/address.ts'
import { parseMaskedCidr } from '../../ip/cidr.ts'
import { CommandError } from '../command.ts'
import type { Netfilter } from './netfilter.ts'
import { longestComment, type SavedRule } from './rule.ts'
import { parseAnswers, parseSave, renderEdits, ruleTarget, ruleWords, type TableName } from './tables.ts'

interface FakeChain {
  readonly builtin: boolean
  rules: string[]
}
type FakeTable = Map<string, FakeChain>

const builtins: Readonly<Record<TableName, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
}

const targets = new Set(
  'ACCEPT DROP RETURN REJECT DNAT SNAT MASQUERADE REDIRECT MARK CONNMARK NOTRACK CT LOG TCPMSS TPROXY'.split(' '),
)

const isTable = (name: string): name is TableName => Object.hasOwn(builtins, name)

const emptyTable = (name: TableName): FakeTable =>
  new Map(builtins[name].map((chain) => [chain, { builtin: true, rules: [] }]))

const copyTable = (table: FakeTable): FakeTable =>
  new Map([...table].map(([name, { builtin, rules }]) => [name, { builtin, rules: [...rules] }]))

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) < 65_536

const isHost = (text: string, family: IpFamily): boolean =>
  parseAddress(text, family) !== undefined || parseMaskedCidr(text, family) !== undefined

const isDestination = (text: string, family: IpFamily): boolean => {
  const [, address = '', port] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? []
  return isHost(address, family) && !address.includes('/') && port !== undefined && isPort(port)
}

/** What iptables says of a value that an option cannot have. */
const valueChecks: Readonly<Record<string, (value: string, family: IpFamily) => boolean>> = {
  '-s': isHost,
  '-d': isHost,
  '-p': (value) => /^(tcp|udp|sctp|ipv6-icmp)$/.test(value),
  '--dport': (value) => value.split(':').every(isPort) && value.split(':').length < 3,
  '--to-destination': isDestination,
  '--comment': (value) => value.length <= longestComment,
}

/** The first option of a rule that has a value it cannot have, or is no rule at all. */
const wrongWord = (rule: string, family: IpFamily): string | undefined => {
  if ((rule.replaceAll(/\\./g, '').match(/"/g) ?? []).length % 2 !== 0) return 'an open quote'
  const words = ruleWords(rule)
  return words.find((word, at) => Object.hasOwn(valueChecks, word) && !valueChecks[word]?.(words[at + 1] ?? '', family))
}

/** Rewrites what differs between a rule as given and as saved. */
const canonical = (rule: string): string => rule.trim().replaceAll(/\s+/g, ' ')

export interface FakeNetfilter extends Netfilter {
  /** How often `apply` changed something; for tests of "nothing changed, nothing written". Checks (`-C`) do not count. */
  readonly applied: number
  /** A table's text without headers and counters: chains in order of creation, then rules. */
  dump(table: TableName): string
}

/** `initial` is iptables-save text per table: the rules of others. */
export const createFakeNetfilter = (
  family: IpFamily = 'IPv4',
  initial: Partial<Readonly<Record<TableName, string>>> = {},
): FakeNetfilter => {
  const tables = new Map<TableName, FakeTable>()
  for (const name of Object.keys(builtins) as TableName[]) {
    const table = emptyTable(name)
    for (const chain of parseSave(initial[name] ?? '').values())
      table.set(chain.name, { builtin: chain.policy !== undefined, rules: [...chain.rules] })
    tables.set(name, table)
  }
  let applied = 0

  const fail = (line: number, text: string, why: string): never => {
    throw new CommandError('iptables-restore --noflush', 1, `line ${line} failed (${text}): ${why}`)
  }

  /** One command of a table; throws what iptables would. */
  const command = (table: FakeTable, text: string, refuse: (why: string) => never): void => {
    const [verb = '', name = '', ...rest] = text.split(' ')
    const chain = table.get(name) ?? refuse(`No chain/target/match by that name: ${name}`)
    const rule = canonical(rest.join(' '))
    const checked = (wanted: string): string => {
      const wrong = wrongWord(wanted, family)
      if (wrong !== undefined) refuse(`Bad argument to ${wrong}`)
      const target = ruleTarget(wanted)
      if (target !== undefined && !targets.has(target) && !table.has(target))
        refuse(`No chain/target/match by that name: ${target}`)
      return wanted
    }
    switch (verb) {
      case '-A':
        chain.rules.push(checked(rule))
        return
      case '-I': {
        const [position = '', ...words] = rest
        const numbered = /^\d+$/.test(position)
        const at = numbered ? Number(position) - 1 : 0
        if (at > chain.rules.length) refuse('Index of insertion too big')
        chain.rules.splice(at, 0, checked(numbered ? canonical(words.join(' ')) : rule))
        return
      }
      case '-D': {
        const at = chain.rules.indexOf(rule)
        if (at < 0) refuse('Bad rule (does a matching rule exist in that chain?)')
        chain.rules.splice(at, 1)
        return
      }
      case '-C':
        if (!chain.rules.includes(rule)) refuse('Bad rule (does a matching rule exist in that chain?)')
        return
      case '-F':
        chain.rules = []
        return
      case '-X': {
        if (chain.builtin) refuse('cannot delete a built-in chain')
        if (chain.rules.length > 0) refuse('Directory not empty')
        for (const other of table.values())
          if (other.rules.some((existing) => ruleTarget(existing) === name)) refuse('Too many links')
        table.delete(name)
        return
      }
      default:
        refuse(`unknown command ${verb}`)
    }
  }

  const restore = (input: string): void => {
    let current: { name: TableName; table: FakeTable } | undefined
    for (const [index, text] of input.split('\n').entries()) {
      const refuse = (why: string): never => fail(index + 1, text, why)
      if (text === '' || text.startsWith('#')) continue
      if (text.startsWith('*')) {
        const name = text.slice(1)
        if (current || !isTable(name)) return refuse('unexpected table')
        current = { name, table: copyTable(tables.get(name) ?? emptyTable(name)) }
      } else if (!current) {
        return refuse('no table')
      } else if (text === 'COMMIT') {
        tables.set(current.name, current.table)
        current = undefined
      } else if (text.startsWith(':')) {
        const name = text.slice(1).split(' ')[0] ?? ''
        if (name.length > 28) refuse('chain name too long (28 characters at most)')
        const existing = current.table.get(name)
        if (existing) existing.rules = []
        else current.table.set(name, { builtin: false, rules: [] })
      } else command(current.table, text, refuse)
    }
    if (current) fail(0, '', 'COMMIT expected')
  }

  const lines = (name: TableName): string[] => {
    const table = tables.get(name) ?? emptyTable(name)
    return [
      ...[...table].map(([chain, { builtin }]) => `:${chain} ${builtin ? 'ACCEPT' : '-'} [0:0]`),
      ...[...table].flatMap(([chain, { rules }]) => rules.map((rule) => `-A ${chain} ${rule}`)),
    ]
  }

  return {
    family,
    get applied() {
      return applied
    },
    apply: async (edits) => {
      if (edits.length === 0) return
      restore(renderEdits(edits))
      if (edits.some(({ chains, commands = [] }) => chains.length > 0 || commands.some(({ verb }) => verb !== '-C')))
        applied++
    },
    // No packet ever passes here.
    list: async (questions) => {
      const printed = questions.flatMap(({ table, chains }) => {
        const known = tables.get(table) ?? emptyTable(table)
        return chains.flatMap((name) => {
          const chain = known.get(name) ?? fail(0, `-S ${name}`, 'No chain/target/match by that name')
          return [
            chain.builtin ? `-P ${name} ACCEPT` : `-N ${name}`,
            ...chain.rules.map((rule) => `-A ${name} ${rule}`),
          ]
        })
      })
      return parseAnswers(questions, printed.join('\n'))
    },
    counts: async (name) =>
      new Map(
        [...(tables.get(name) ?? [])].map(([chain, { rules }]) => [
          chain,
          rules.map((rule) => ({ rule: rule as SavedRule, packets: 0 })),
        ]),
      ),
    save: async (name) => [`*${name}`, ...lines(name), 'COMMIT', ''].join('\n'),
    dump: (name) => lines(name).join('\n'),
  }
}
