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
import type { Chain } from '../../host/netfilter/tables.ts'
import type { ProxyTable } from './frame.ts'

/** The chain that turns away what either turns away, for the time between two changes of table nat. */
const union = (wanted: Chain, known: readonly string[] = []): Chain => ({
  name: wanted.name,
  rules: [...new Set([...wanted.rules, ...known])],
})

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
  const widened = nat.length === 0 ? filter : filter.map((chain) => union(chain, known.filter.get(chain.name)))
  const afterwards = new Map(widened.map(({ name, rules }) => [name, rules]))
  const gone = change.gone.filter.filter((name) => known.filter.has(name))
  const steps = [
    ...write('filter', differing(known.filter, widened), limit),
    ...run('filter', change.commands.filter, limit),
    ...nat,
    ...write('filter', differing(afterwards, filter), limit),
    ...take('filter', gone, limit),
  ]
  return pack<ProxyTable>(steps, limit)
}
