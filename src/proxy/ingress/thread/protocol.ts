/** What the agent's thread and the serving thread tell each other. Everything is plain data. */
import type { AddressInfo } from 'node:net'
import type { HeadLimits } from '../http/limits.ts'
import type { ListenOptions } from '../relay/relay.ts'
import type { Timeouts } from '../relay/timeouts.ts'
import type { BackendEndpoints } from '../routes/endpoints.ts'
import type { RouteTable } from '../routes/match.ts'

export interface Configuration {
  readonly table: RouteTable
  readonly backends: BackendEndpoints
}

/** Known from the start: the first request already finds its route. */
export interface WorkerData {
  readonly listen: ListenOptions
  readonly timeouts: Timeouts
  readonly limits: HeadLimits
  readonly configuration: Configuration
}

export type ToWorker =
  | { readonly kind: 'configure'; readonly configuration: Configuration }
  | { readonly kind: 'update'; readonly backends: BackendEndpoints }
  | { readonly kind: 'drain' }

export type FromWorker =
  | { readonly kind: 'listening'; readonly address: AddressInfo }
  | { readonly kind: 'problem'; readonly text: string }
