/** What the table of annotations is made of. */

import type { RoutePolicy } from '../policy/policy.ts'
import type { IngressSettings } from './settings.ts'
import type { Reference } from './text.ts'

export interface Row<T> {
  /** Throws `WrongValue`. */
  readonly read: (text: string) => T
  /** Under the prefix of this project only: ingress-nginx has no such key. */
  readonly isOwn?: true
  /** It decides who may ask, or whom the proxy trusts: when it is wrong, the routes are closed. */
  readonly guards?: true
  /** It counts in a canary too; everything else does in the main Ingress only. */
  readonly inCanary?: true
  /** Told whenever it is there. */
  readonly note?: { readonly severity: 'error' | 'warning'; readonly reason: string }
}

/** Keys without a prefix. */
export type Rows = Readonly<Record<string, Row<unknown>>>

/** What was read of these rows; keys that are missing or wrong are not there. */
export type Values<R extends Rows> = { readonly [K in keyof R]?: ReturnType<R[K]['read']> }

export type ObjectData = Readonly<Record<string, string>>

/** One Ingress being read. Keys are without their prefix. */
export interface Reading {
  readonly defaults: RoutePolicy
  /** Whether a key is there with a wrong value. */
  isBroken(key: string): boolean
  tell(severity: 'error' | 'warning', key: string, reason: string): void
  /** Tells an error, and closes the routes. */
  block(key: string, reason: string): void
  /** Data of an object of the Ingress' own namespace; undefined, and told, when it cannot be had. */
  secret(key: string, of: Reference): ObjectData | undefined
  configMap(key: string, of: Reference): ObjectData | undefined
}

/** What a concern adds. Everything but `policy` replaces the default as it is. */
export interface Part extends Partial<Omit<IngressSettings, 'policy' | 'problems' | 'secrets' | 'configMaps'>> {
  readonly policy?: Partial<RoutePolicy>
}

/** Only the fields that have a value. */
export const defined = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>

/** Tuning that nginx needs and this proxy has no use for. */
export const idle = (because: string): Row<string> => ({
  read: (text) => text,
  note: { severity: 'warning', reason: `has no effect here: ${because}` },
})

/** What requests would be served differently without. */
export const unserved = (because: string): Row<string> => ({
  read: (text) => text,
  note: { severity: 'error', reason: because },
})
