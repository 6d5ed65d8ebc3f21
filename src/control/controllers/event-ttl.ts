/** Events are news: after a while they go, and where there are too many, the oldest go at once. */
import { sleep } from '../../api/clock.ts'
import { isNotFound } from '../../api/errors.ts'
import { events } from '../../api/resources.ts'
import type { Event } from '../../api/types/index.ts'
import type { CreateController } from './controller.ts'

const name = 'event-ttl'

const ttlMs = 3_600_000
const lookEveryMs = 30_000
/** Some 20 MB: whoever writes more is not read by anybody. */
const most = 10_000
/** So many at a time: they are one write to the disk, and other writes want their turn, too. */
const batch = 100

/** When the Event was last news. What says it is still to come is as old as itself. */
export const lastSeen = ({ metadata, lastTimestamp, series, eventTime }: Event, now: number): number => {
  const born = Date.parse(metadata.creationTimestamp ?? '') || 0
  const said = Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? '') || born
  return said > now ? born : said
}

/** Those that are to go, the oldest first. */
export const surplusEvents = (all: readonly Event[], now: number): readonly Event[] => {
  const dated = all.map((event) => ({ event, at: lastSeen(event, now) })).sort((a, b) => a.at - b.at)
  const tooMany = Math.max(0, dated.length - most)
  return dated.filter(({ at }, index) => index < tooMany || now - at > ttlMs).map(({ event }) => event)
}

export const createEventTtlController: CreateController = ({ client, informers, clock, log }) => {
  const copies = informers.of(events)

  const remove = async (event: Event): Promise<void> => {
    try {
      await client.delete(events, event, { preconditions: { uid: event.metadata.uid ?? '' } })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  const removeSurplus = async (signal: AbortSignal): Promise<void> => {
    const surplus = surplusEvents([...copies.values()], clock.now())
    for (let at = 0; at < surplus.length && !signal.aborted; at += batch)
      await Promise.all(surplus.slice(at, at + batch).map(remove))
  }

  return {
    name,
    run: async (signal) => {
      while (!signal.aborted) {
        await removeSurplus(signal).catch((error: unknown) =>
          log.warn({ err: error }, 'cannot remove old events; trying again'),
        )
        await sleep(lookEveryMs, signal, clock)
      }
    },
  }
}
