import type { IpFamily } from '../ip/address.ts'
/** What a service proxy tells of its work, for health checks and metrics. */

export type SyncKind = 'full' | 'partial'

/** Something for each of the tables that Services need. */
export interface RuleCounts {
  readonly nat: number
  readonly filter: number
}

export interface SyncReport {
  readonly kind: SyncKind
  readonly seconds: number
  /** Rules written by this sync. */
  readonly written: RuleCounts
}

/** Told in this order: changes at any time; for each sync that it started, and then how it ended. */
export interface ProxyObserver {
  /** `trigger`: when that happened, in the cluster, of which the change tells; ms since the epoch. */
  changed(family: IpFamily, kind: 'service' | 'endpoints', trigger?: number): void
  started(family: IpFamily, kind: SyncKind): void
  synced(family: IpFamily, report: SyncReport): void
  failed(family: IpFamily, kind: SyncKind): void
}

/** Tells all of them. */
export const allObservers = (observers: readonly ProxyObserver[]): ProxyObserver => ({
  changed: (...told) => {
    for (const observer of observers) observer.changed(...told)
  },
  started: (...told) => {
    for (const observer of observers) observer.started(...told)
  },
  synced: (...told) => {
    for (const observer of observers) observer.synced(...told)
  },
  failed: (...told) => {
    for (const observer of observers) observer.failed(...told)
  },
})
