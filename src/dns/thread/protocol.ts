/** What the agent and its DNS thread tell each other. */
import type { DnsConfig } from '../config/config.ts'
import type { Upstream } from '../config/upstream.ts'
import type { SkyEntry } from '../skydns/record.ts'
import type { ZoneRecord } from '../zone/records.ts'
import type { DnsStats } from './stats.ts'

export interface WorkerData {
  /** `cluster.local` */
  readonly origin: string
  /** Where to listen, once it is told to. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly config: DnsConfig
  /** Who may ask for names outside. */
  readonly recursionCIDRs: readonly string[]
  /** The search domains of the node's own resolver, which pods have, too. */
  readonly searches: readonly string[]
  /** Where the last known zone is kept; undefined: nowhere. */
  readonly snapshotFile: string | undefined
  readonly savesSnapshot: boolean
  /** See `startHeartbeat`. */
  readonly heart: SharedArrayBuffer
}

export type ToWorker =
  /** Replaces the records of these sources. */
  | {
      readonly kind: 'records'
      readonly sources: readonly (readonly [source: string, records: readonly ZoneRecord[]])[]
    }
  /** All that there is has been told: other sources than these are no more. */
  | { readonly kind: 'synced'; readonly sources: readonly string[] }
  /** Replaces what this source publishes. */
  | { readonly kind: 'published'; readonly source: string; readonly entries: readonly SkyEntry[] }
  | { readonly kind: 'config'; readonly config: DnsConfig }
  | { readonly kind: 'listen' }
  | { readonly kind: 'stats' }
  | { readonly kind: 'stop' }

export type FromWorker =
  /** `hasZone`: it will answer cluster names from the zone that was kept, whatever it is told. */
  | { readonly kind: 'started'; readonly hasZone: boolean }
  | { readonly kind: 'listening'; readonly port: number }
  /** A query could not be answered, by a fault of ours. */
  | { readonly kind: 'fault'; readonly error: string }
  /** The zone that was kept cannot be used. */
  | { readonly kind: 'damage'; readonly message: string }
  | { readonly kind: 'loop'; readonly upstream: Upstream }
  | { readonly kind: 'stats'; readonly stats: DnsStats }
  /** One of many, as the configuration says. */
  | { readonly kind: 'query'; readonly query: LoggedQuery }

export interface LoggedQuery {
  readonly client: string
  readonly name: string
  readonly type: number
  readonly rcode: number
  readonly bytes: number
  readonly ms: number
  readonly overTcp: boolean
}
