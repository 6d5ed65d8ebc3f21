/** What a plug-in is given of the scheduler that it is part of. */
import type { Client } from '../../../api/client.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Logger } from '../../../host/log.ts'
import type { ClusterEvent } from './filter.ts'

export interface PluginContext {
  readonly client: Client
  readonly log: Logger
  /** Aborts when the scheduler ends. */
  readonly signal: AbortSignal
  /** Pods that wait for such an event may fit now; `pods` are tried at once. */
  wake(event: ClusterEvent, pods?: readonly Pod[]): void
}
