/** What a file of somebody else's has as its default export to be a plug-in (`--scheduler-plugin`). */
import type { PluginContext } from './context.ts'
import type { PluginParts } from './plugin.ts'

export type { Node, Pod } from '../../../api/types/index.ts'
export type { Bind, Permit, PreBind, Reserve } from './binding.ts'
export type { PluginContext } from './context.ts'
export type { ClusterEvent, Filter, Objection, PodFilter, Snapshot } from './filter.ts'
export type { NodeState } from './node-state.ts'
export type { Score } from './score.ts'

/** All but what is asked over a wire. */
export type ModuleParts = Omit<PluginParts, 'extend'>

export interface PluginModule {
  /** As in configurations and messages; none that is taken. */
  readonly name: string
  /** Makes the plug-in for one profile. `args`: what its `pluginConfig` says, as it stands there. */
  create(args: unknown, context: PluginContext): ModuleParts
}
