/** What the agent's thread and the serving threads tell each other. Everything is plain data. */
import type { HeadLimits } from '../http/limits.ts'
import type { ClusterNames } from '../names/lookup.ts'
import type { ListenOptions } from '../relay/entry.ts'
import type { RelayUpdate } from '../relay/relay.ts'
import type { Timeouts } from '../relay/timeouts.ts'
import type { AccessLogOptions } from './access-log.ts'
import type { Snapshot } from './statistics.ts'

/** A door and the routes behind it. */
export interface Listener extends ListenOptions {
  readonly entry: string
  readonly tls: boolean
}

/** Known from the start: the first request already finds its route. */
export interface WorkerData {
  readonly listeners: readonly Listener[]
  readonly timeouts: Timeouts
  readonly limits: HeadLimits
  readonly trustedProxies: readonly string[]
  readonly proxyProtocol: readonly string[]
  readonly maxConnections: number
  readonly httpsPort: number
  readonly clusterNames: ClusterNames | undefined
  readonly ticketKeys: Uint8Array
  readonly accessLog: AccessLogOptions | undefined
  readonly update: RelayUpdate
  /** See `startHeartbeat`. */
  readonly heart: SharedArrayBuffer
}

export type ToWorker =
  | { readonly kind: 'update'; readonly update: RelayUpdate }
  | { readonly kind: 'listen'; readonly listener: Listener }
  | { readonly kind: 'unlisten'; readonly entry: string }
  | { readonly kind: 'snapshot'; readonly id: number }
  | { readonly kind: 'drain' }

export type FromWorker =
  /** The ports of the doors that could be opened, by entry. */
  | { readonly kind: 'listening'; readonly ports: Readonly<Record<string, number>> }
  | { readonly kind: 'snapshot'; readonly id: number; readonly snapshot: Snapshot }
  | { readonly kind: 'problem'; readonly text: string }
