/** All chains that the Services of now ask for, kept so that a change costs what changed. */
import type { EndpointSlice, Service } from '../../api/types/index.ts'
import type { ChainChange } from '../../host/netfilter/kernel-chains.ts'
import type { ChainName } from '../../host/netfilter/rule.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { treeChains, treeChange } from '../../host/netfilter/tree-chains.ts'
import type { RuleContext } from './context.ts'
import { type Entry, layoutTrees, moveEntries, noTrees, type Trees, treeNames } from './dispatch.ts'
import type { ModelContext } from './endpoints.ts'
import { foreignHead, frameChains, nodePortConditions, type PerTable, type ProxyTable } from './frame.ts'
import { modelService, type ServiceModel } from './model.ts'
import { type PolicySide, sidesWithoutLocal } from './policy.ts'
import { compilePort } from './service-rules.ts'

/** All that one Service puts into the kernel. */
export interface ServiceRules {
  /** Of table nat, each after those it leads to. */
  readonly chains: readonly Chain[]
  readonly entries: readonly Entry[]
}

export interface CompiledService extends ServiceRules {
  readonly problems: readonly string[]
  /** Where policy Local leaves connections without an endpoint that other nodes have. */
  readonly withoutLocal: readonly PolicySide[]
}

/** Compiles one Service with its EndpointSlices. Pure. */
export const compileService = (
  service: Service,
  slices: readonly EndpointSlice[],
  context: RuleContext & ModelContext,
): CompiledService => compileModel(modelService(service, slices, context), context)

/** Compiles a Service that is cut down already. `relays`: the ports of relays by portal. Pure. */
export const compileModel = (
  { ports, problems }: ServiceModel,
  context: RuleContext,
  relays?: ReadonlyMap<string, number>,
): CompiledService => {
  const rules = ports.map((port) => compilePort(port, context, relays))
  return {
    chains: rules.flatMap(({ chains }) => chains),
    entries: rules.flatMap(({ entries }) => entries),
    problems,
    withoutLocal: [...new Set(ports.flatMap(sidesWithoutLocal))],
  }
}

export interface WantedChains {
  /** Puts the rules of a Service in place of those it had; undefined for a Service that is no more. */
  replace(key: string, rules: ServiceRules | undefined): void
  /** Keys of the Services that have rules. */
  keys(): IterableIterator<string>
  /** What the replacements since the last call change. */
  takeChange(): ChainChange<ProxyTable>
  /** Every chain there shall be. */
  all(): PerTable<readonly Chain[]>
}

const noRules: ServiceRules = { chains: [], entries: [] }

export const createWantedChains = (context: RuleContext): WantedChains => {
  const layouts = layoutTrees(context.family, nodePortConditions(context), foreignHead(context))
  const frame = frameChains(context)
  const services = new Map<string, ServiceRules>()
  /** The rules that Services had when the last change was taken. */
  const before = new Map<string, ServiceRules>()
  let treesBefore: Trees = noTrees
  let trees: Trees = noTrees

  const replace = (key: string, rules: ServiceRules | undefined): void => {
    const old = services.get(key) ?? noRules
    if (!before.has(key)) before.set(key, old)
    trees = moveEntries(trees, old.entries, rules?.entries ?? [])
    if (rules === undefined || rules.chains.length + rules.entries.length === 0) services.delete(key)
    else services.set(key, rules)
  }

  const takeChange = (): ChainChange<ProxyTable> => {
    const written: Record<keyof PerTable<unknown>, Chain[]> = { nat: [], filter: [] }
    const gone: Record<keyof PerTable<unknown>, ChainName[]> = { nat: [], filter: [] }
    for (const [key, old] of before) {
      const chains = services.get(key)?.chains ?? []
      const names = new Set<ChainName>(chains.map(({ name }) => name))
      written.nat.push(...chains)
      gone.nat.push(...old.chains.map(({ name }) => name).filter((name) => !names.has(name)))
    }
    for (const name of treeNames) {
      const { table } = layouts[name]
      const change = treeChange(treesBefore[name], trees[name], layouts[name])
      written[table].push(...change.written)
      gone[table].push(...change.gone)
    }
    before.clear()
    treesBefore = trees
    return { written, gone }
  }

  const all = (): PerTable<readonly Chain[]> => {
    const treesOf = (table: keyof PerTable<unknown>): Chain[] =>
      treeNames
        .filter((name) => layouts[name].table === table)
        .flatMap((name) => treeChains(trees[name], layouts[name]))
    return {
      nat: [
        ...frame.low.nat,
        ...[...services.values()].flatMap(({ chains }) => chains),
        ...treesOf('nat'),
        ...frame.high.nat,
      ],
      filter: [...frame.low.filter, ...treesOf('filter'), ...frame.high.filter],
    }
  }

  return { replace, keys: () => services.keys(), takeChange, all }
}
