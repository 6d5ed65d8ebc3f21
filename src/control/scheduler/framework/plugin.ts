/** A plug-in has a name, and takes part wherever it has something to say. */
import type { Bind, Permit, PreBind, Reserve } from './binding.ts'
import type { Extend } from './extend.ts'
import type { Filter } from './filter.ts'
import type { Score } from './score.ts'

export interface PluginParts {
  readonly filter?: Filter
  readonly score?: Score
  readonly reserve?: Reserve
  readonly permit?: Permit
  readonly preBind?: PreBind
  readonly bind?: Bind
  readonly extend?: Extend
}

export interface Plugin extends PluginParts {
  /** As in configurations and messages. */
  readonly name: string
}
