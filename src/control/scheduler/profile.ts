/** Which plug-ins take part in what, for the pods of one scheduler. Pure. */
import type { PluginSet, PluginSets, Point } from './config/configuration.ts'
import type { Bind, Permit, PreBind, Reserve } from './framework/binding.ts'
import type { Extend } from './framework/extend.ts'
import type { Filter } from './framework/filter.ts'
import type { Plugin } from './framework/plugin.ts'
import type { Score } from './framework/score.ts'

export interface Named<T> {
  readonly name: string
  readonly own: T
}

/** What decides where a pod goes. */
export interface DecidingPlugins {
  readonly filters: readonly Filter[]
  readonly scores: readonly Score[]
}

/** What happens on the way there. */
export interface BindingPlugins {
  readonly reserves: readonly Named<Reserve>[]
  readonly permits: readonly Named<Permit>[]
  readonly preBinds: readonly Named<PreBind>[]
  readonly binds: readonly Named<Bind>[]
}

export interface Plugins extends DecidingPlugins, BindingPlugins {
  readonly extenders: readonly Named<Extend>[]
}

interface Chosen {
  readonly plugin: Plugin
  readonly weight: number | undefined
}

const choose = (available: readonly Plugin[], sets: PluginSets, point: Point): readonly Chosen[] => {
  const chosen = new Map(
    available
      .filter((plugin) => plugin[point] !== undefined)
      .map((plugin): [string, Chosen] => [plugin.name, { plugin, weight: undefined }]),
  )
  const change = ({ enabled, disabled }: PluginSet, isOfAll: boolean): void => {
    for (const name of disabled.includes('*') ? [...chosen.keys()] : disabled) chosen.delete(name)
    for (const { name, weight } of enabled) {
      const plugin = available.find((each) => each.name === name)
      if (!plugin) throw new Error(`there is no scheduler plug-in ${JSON.stringify(name)}`)
      if (plugin[point] !== undefined) chosen.set(name, { plugin, weight: weight ?? chosen.get(name)?.weight })
      else if (!isOfAll) throw new Error(`the scheduler plug-in ${JSON.stringify(name)} has no part in ${point}`)
    }
  }
  if (sets.multiPoint) change(sets.multiPoint, true)
  const own = sets[point]
  if (own) change(own, false)
  return [...chosen.values()]
}

const named = <T>(plugin: Plugin, part: (plugin: Plugin) => T | undefined): readonly Named<T>[] => {
  const own = part(plugin)
  return own === undefined ? [] : [{ name: plugin.name, own }]
}

/** Those who are asked over a wire come after all filters, and bind before all others. */
export const choosePlugins = (
  available: readonly Plugin[],
  sets: PluginSets = {},
  extenders: readonly Plugin[] = [],
): Plugins => {
  const at = <T>(point: Point, part: (plugin: Plugin) => T | undefined): readonly Named<T>[] =>
    choose(available, sets, point).flatMap(({ plugin }) => named(plugin, part))
  return {
    filters: at('filter', ({ filter }) => filter).map(({ own }) => own),
    scores: choose(available, sets, 'score').flatMap(({ plugin: { score }, weight }) =>
      score ? [weight === undefined ? score : { ...score, weight }] : [],
    ),
    reserves: at('reserve', ({ reserve }) => reserve),
    permits: at('permit', ({ permit }) => permit),
    preBinds: at('preBind', ({ preBind }) => preBind),
    binds: [...extenders.flatMap((plugin) => named(plugin, ({ bind }) => bind)), ...at('bind', ({ bind }) => bind)],
    extenders: extenders.flatMap((plugin) => named(plugin, ({ extend }) => extend)),
  }
}
