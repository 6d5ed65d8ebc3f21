/**
 * Tells the cluster what happened. The same thing again counts up the Event that is there; many alike become one; an
 * object that produces too many is cut short: client-go's rules. Nobody waits for an Event, and none is worth a retry.
 */

import type { Logger } from 'pino'
import type { Client } from './client.ts'
import { type Clock, formatTime, systemClock } from './clock.ts'
import { isNamespaceTerminating, isNotFound } from './errors.ts'
import { events } from './resources.ts'
import type { Event, KubeObject, ObjectReference } from './types/index.ts'

export type EventType = 'Normal' | 'Warning'

export interface EventRecorder {
  /** Returns at once; `reason` is one word in CamelCase. */
  record(about: ObjectReference, type: EventType, reason: string, message: string): void
  /** Resolves when everything recorded so far is sent or given up. */
  flush(): Promise<void>
}

interface EventRecorderOptions {
  readonly client: Client
  readonly component: string
  readonly host: string
  readonly log: Logger
  readonly clock?: Clock
}

/** The reference by which an Event names an object. */
export const referenceTo = (object: KubeObject, fieldPath?: string): ObjectReference => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  name: object.metadata.name,
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
  ...(object.metadata.resourceVersion === undefined ? {} : { resourceVersion: object.metadata.resourceVersion }),
  ...(fieldPath === undefined ? {} : { fieldPath }),
})

interface Occurrence {
  readonly about: ObjectReference
  readonly type: EventType
  readonly reason: string
  readonly message: string
  /** Equal for what counts as the same. */
  readonly key: string
  readonly now: number
}

interface Sent {
  readonly event: Event
  readonly count: number
}

/** client-go's numbers: one object may say so much at once, and then one thing in so many milliseconds. */
const burst = 25
const refillMs = 300_000
const alikeMs = 600_000
const alikeLimit = 10
const rememberedKeys = 1024
const queueLimit = 1000

/** A map that forgets what was not touched for longest. */
const createRecent = <T>(limit: number) => {
  const entries = new Map<string, T>()
  return {
    get: (key: string): T | undefined => entries.get(key),
    set: (key: string, value: T): void => {
      entries.delete(key)
      entries.set(key, value)
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break
        entries.delete(oldest)
      }
    },
  }
}

export const createEventRecorder = (options: EventRecorderOptions): EventRecorder => {
  const { client, component, host, log, clock = systemClock } = options
  const sent = createRecent<Sent>(rememberedKeys)
  const alike = createRecent<{ readonly since: number; readonly messages: Set<string> }>(rememberedKeys)
  const budgets = createRecent<{ readonly left: number; readonly at: number }>(rememberedKeys)
  let queued = 0
  let last: Promise<void> = Promise.resolve()
  let serial = 0

  const mayTell = (object: string, now: number): boolean => {
    const budget = budgets.get(object) ?? { left: burst, at: now }
    const left = Math.min(burst, budget.left + (now - budget.at) / refillMs)
    budgets.set(object, { left: left < 1 ? left : left - 1, at: now })
    return left >= 1
  }

  /** Once the same reason came with many messages, they are told as one. */
  const combine = (group: string, text: string, now: number): { readonly key: string; readonly message: string } => {
    const known = alike.get(group)
    const recent = known && now - known.since < alikeMs ? known : { since: now, messages: new Set<string>() }
    if (recent.messages.size <= alikeLimit) recent.messages.add(text)
    alike.set(group, recent)
    return recent.messages.size > alikeLimit
      ? { key: group, message: `(combined from similar events): ${text}` }
      : { key: `${group}\0${text}`, message: text }
  }

  const create = ({ about, type, reason, message, now }: Occurrence): Promise<Event> =>
    client.create(events, {
      metadata: {
        name: `${about.name ?? ''}.${now.toString(16)}${(serial++ % 0xffff).toString(16).padStart(4, '0')}`,
        // Events about cluster-scoped objects live in the default namespace.
        namespace: about.namespace ?? 'default',
      },
      involvedObject: about,
      ...{ reason, message, type, count: 1, eventTime: null },
      ...{ firstTimestamp: formatTime(now), lastTimestamp: formatTime(now) },
      source: { component, host },
      ...{ reportingComponent: component, reportingInstance: host },
    })

  const countUp = async ({ event, count }: Sent, { message, now }: Occurrence): Promise<Event | undefined> => {
    try {
      return await client.patch(events, event, { count: count + 1, message, lastTimestamp: formatTime(now) })
    } catch (error) {
      // It expired, or somebody deleted it.
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  const send = async (occurrence: Occurrence): Promise<void> => {
    const before = sent.get(occurrence.key)
    const again = before && (await countUp(before, occurrence))
    const event = again ?? (await create(occurrence))
    sent.set(occurrence.key, { event, count: again && before ? before.count + 1 : 1 })
  }

  return {
    record: (about, type, reason, text) => {
      const now = clock.now()
      if (queued >= queueLimit) return log.warn({ reason, text, about: about.name }, 'too many events: dropped one')
      const subject = [about.kind, about.namespace, about.name, about.uid, about.fieldPath].join('\0')
      if (!mayTell(subject, now)) return
      const { key, message } = combine([subject, type, reason].join('\0'), text, now)
      queued++
      last = last
        .then(() => send({ about, type, reason, message, key, now }))
        .catch((error: unknown) => {
          // What happens in a namespace that goes is no news.
          if (!isNamespaceTerminating(error)) log.warn({ err: error, reason, message }, 'cannot record an event')
        })
        .finally(() => {
          queued--
        })
    },
    flush: async () => {
      while (queued > 0) await last
    },
  }
}
