/** What the agent and its DNS thread tell each other. */
import type { Upstream } from '../forward/forwarder.ts'
import type { ZoneRecord } from '../zone/records.ts'

export interface WorkerData {
  /** `cluster.local` */
  readonly origin: string
  /** Where to listen. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly ttl: number
  readonly upstreams: readonly Upstream[]
  /** Who may ask for names outside. */
  readonly recursionCIDRs: readonly string[]
}

export type ToWorker =
  /** Replaces the records of these sources. */
  | {
      readonly kind: 'records'
      readonly sources: readonly (readonly [source: string, records: readonly ZoneRecord[]])[]
    }
  /** All that there is has been told. */
  | { readonly kind: 'synced' }
  | { readonly kind: 'stop' }

export type FromWorker =
  | { readonly kind: 'listening'; readonly port: number }
  /** A query could not be answered, by a fault of ours. */
  | { readonly kind: 'fault'; readonly error: unknown }
