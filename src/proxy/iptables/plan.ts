/**
 * From chains as they are to chains as they shall be, in edits that may be applied one after another: whatever the moment,
 * a packet meets the old rules or the new ones, and nothing leads to a chain that is not there.
 */
import {
  type Change,
  differing,
  type Edit,
  type KnownChains,
  pack,
  restoreLimits,
  run,
  tableSteps,
  take,
  write,
} from '../../host/netfilter/restores.ts'
import type { ChainName, Rule } from '../../host/netfilter/rule.ts'
import type { Chain, Command, KnownRule } from '../../host/netfilter/tables.ts'
import type { ProxyTable } from './frame.ts'

/** What a known chain has to turn away besides, for the time between two changes of table nat. */
const missing = ({ rules }: Chain, known: readonly KnownRule[]): readonly Rule[] =>
  rules.filter((rule) => !known.includes(rule))

/** Puts rules first, in their order. */
const insert = (chain: ChainName, rules: readonly Rule[]): readonly Command[] =>
  rules.toReversed().map((rule) => ({ verb: '-I', chain, rule }))

/**
 * The restores to make, in order. Refusals (table filter) come before the ways they guard are taken away and go after
 * new ways are open, so that no connection slips out to where nobody translates it.
 */
export const planRestores = (
  known: KnownChains<ProxyTable>,
  change: Change<ProxyTable>,
  limit: number = restoreLimits.nft,
): readonly (readonly Edit<ProxyTable>[])[] => {
  const nat = tableSteps('nat', known, change, limit)
  const filter = differing(known.filter, change.written.filter)
  // A chain that is there keeps what it turns away until nat has changed; with nothing to wait for it is written at once.
  const later = nat.length === 0 ? [] : filter.filter(({ name }) => known.filter.has(name))
  const widened = later.map((chain) => {
    const { name } = chain
    const there = known.filter.get(name) ?? []
    const added = missing(chain, there)
    return { name, added, rules: [...added, ...there] }
  })
  const afterwards = new Map(widened.map(({ name, rules }) => [name, rules]))
  const gone = change.gone.filter.filter((name) => known.filter.has(name))
  const steps = [
    ...write(
      'filter',
      filter.filter((chain) => !later.includes(chain)),
      limit,
    ),
    ...run('filter', [...widened.flatMap(({ name, added }) => insert(name, added)), ...change.commands.filter], limit),
    ...nat,
    ...write('filter', differing(afterwards, later), limit),
    ...take('filter', gone, limit),
  ]
  return pack<ProxyTable>(steps, limit)
}
