/** Tells the log why kinds cannot be followed: each reason once, and again only when it lasts. */
import { type Clock, systemClock } from '../api/clock.ts'
import { isForbidden } from '../api/errors.ts'
import { failureText } from '../api/failure-text.ts'
import type { Resource } from '../api/resources.ts'
import type { Logger } from '../host/log.ts'

export type OnWatchFailure = (error: unknown, retryInMs: number) => void

export interface WatchFailures {
  /** For an informer of this resource. `verbs`: what it asks to be allowed. */
  of(resource: Resource, verbs?: string): OnWatchFailure
  /** Why this kind could not be followed the last time it was tried; undefined when it always could. */
  last(resource: Resource): string | undefined
}

/** What goes on failing is told again after so long. */
const againMs = 300_000

export const qualifiedName = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`)

export const createWatchFailures = (log: Logger, clock: Clock = systemClock): WatchFailures => {
  const told = new Map<string, { readonly text: string; readonly at: number }>()
  return {
    of: (resource, verbs = 'list and watch') => {
      const name = qualifiedName(resource)
      return (error, retryInMs) => {
        const why = failureText(error)
        const text = isForbidden(error) ? `${why}; it needs the rights to ${verbs} ${name}` : why
        const before = told.get(name)
        if (before?.text === text && clock.now() - before.at < againMs) return
        told.set(name, { text, at: clock.now() })
        log.warn({ kind: resource.kind, retryInMs }, `cannot watch ${name}: ${text}`)
      }
    },
    last: (resource) => told.get(qualifiedName(resource))?.text,
  }
}
