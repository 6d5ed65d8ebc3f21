/** The work queue of a controller, and how it runs over local copies. */
import { aborted, type Clock, systemClock } from '../api/clock.ts'
import { isConflict, isNotFound } from '../api/errors.ts'
import type { Informer } from '../api/informer.ts'
import { createWorkQueue, type Outcome, type WorkQueue } from '../api/work-queue.ts'
import type { Logger } from '../host/log.ts'

interface QueueContext {
  readonly clock?: Clock
  readonly log: Logger
}

const isRace = (error: unknown): boolean => isConflict(error) || isNotFound(error)

/** How often keys are worked on at the same time; while one waits for a write, others go on. */
const concurrency = 4

/** A queue of keys with the manners all controllers share: lost races are normal, everything else is told. */
export const createQueue = (
  { clock = systemClock, log }: QueueContext,
  name: string,
  reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>,
): WorkQueue =>
  createWorkQueue(reconcile, {
    clock,
    concurrency,
    backoffMs: { base: 20, max: 60_000 },
    onError: (key, error, retryInMs) => {
      if (isRace(error)) log.debug({ controller: name, key, retryInMs }, 'somebody else was faster; looking again')
      else log.warn({ controller: name, key, err: error, retryInMs }, 'reconciling failed; trying again')
    },
  })

/** What is followed while a queue is worked on. */
type Copies = Pick<Informer<unknown>, 'run' | 'synced'>

/**
 * Follows the copies, and works once all of them are whole: nobody decides by half of what there is. Resolves some time after
 * `signal` has aborted, when the last reconciliation has ended.
 */
export const runQueue = async (queue: WorkQueue, copies: readonly Copies[], signal: AbortSignal): Promise<void> => {
  const following = Promise.all(copies.map((each) => each.run(signal)))
  await Promise.race([Promise.all(copies.map(({ synced }) => synced)), aborted(signal)])
  await queue.run(signal)
  await following
}
