/** Events are news: after a while they go. */
import { sleep } from '../../api/clock.ts'
import { isNotFound } from '../../api/errors.ts'
import { events } from '../../api/resources.ts'
import type { Event } from '../../api/types/index.ts'
import type { CreateController } from './controller.ts'

const name = 'event-ttl'

const ttlMs = 3_600_000
const lookEveryMs = 30_000
/** So many at a time: other writes want their turn, too. */
const batch = 100

/** When the Event was last news. */
export const lastSeen = ({ metadata, lastTimestamp, series, eventTime }: Event): number =>
  Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0

export const createEventTtlController: CreateController = ({ client, informers, clock, log }) => {
  const copies = informers.of(events)

  const removeOld = async (): Promise<void> => {
    const old = [...copies.values()].filter((event) => clock.now() - lastSeen(event) > ttlMs)
    for (const event of old.slice(0, batch)) {
      try {
        await client.delete(events, event)
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
  }

  return {
    name,
    run: async (signal) => {
      while (!signal.aborted) {
        await removeOld().catch((error: unknown) => log.warn({ err: error }, 'cannot remove old events; trying again'))
        await sleep(lookEveryMs, signal, clock)
      }
    },
  }
}
