/** Ends the connections that network policies forbid, once the rules that forbid them are in the kernel. */

import { setImmediate as otherWork } from 'node:timers/promises'
import { type Clock, systemClock } from '../../api/clock.ts'
import { createSyncLoop, type Dirty } from '../../api/sync-loop.ts'
import { isCommandMissing } from '../../host/command.ts'
import type { Conversation, Conversations } from '../../host/conntrack/conversations.ts'
import type { Logger } from '../../host/log.ts'
import { createJudge, type PolicySituation } from './forbidden.ts'

export interface ForbiddenCleanerOptions {
  readonly conversations: Conversations
  /** As it is now. */
  readonly situation: () => PolicySituation
  readonly log: Logger
  readonly clock?: Clock
}

export interface ForbiddenCleaner {
  /** To be called when the rules are in the kernel that may allow these pods (by key) of this node less than before. */
  look(pods: Dirty): void
  /** Looks at all pods of this node, then runs until `signal` aborts. To be started when the first rules are written. */
  run(signal: AbortSignal): Promise<void>
}

/** Bursts of changes are looked at together. */
const minIntervalMs = 200
/** So many are judged without a pause: others have work to do as well. */
const judgedAtOnce = 100

export const createForbiddenCleaner = (options: ForbiddenCleanerOptions): ForbiddenCleaner => {
  const { conversations, situation, log, clock = systemClock } = options
  let stop: AbortSignal | undefined
  let isMissing = false

  const clean = async (dirty: Dirty): Promise<void> => {
    if (situation().policies.length === 0) return
    const isAsked = (pod: string): boolean => dirty === 'all' || dirty.has(pod)
    const found = await conversations.list()
    const isForbidden = createJudge(situation(), isAsked)
    const forbidden: Conversation[] = []
    for (const [at, one] of found.entries()) {
      if (at % judgedAtOnce === judgedAtOnce - 1) await otherWork()
      if (isForbidden(one)) forbidden.push(one)
    }
    let count = 0
    for (const one of forbidden) {
      // Each takes a look at all of the table. Many must not hold up the agent's end, and what is allowed again stays.
      if (stop?.aborted) break
      if (createJudge(situation(), isAsked)(one)) count += await conversations.forget(one)
    }
    if (count > 0) log.info({ count }, 'deleted conntrack entries of connections that network policies forbid')
  }

  const loop = createSyncLoop({
    ...{ minIntervalMs, resyncMs: 3_600_000, clock },
    sync: async (dirty) => {
      try {
        await clean(dirty)
      } catch (error) {
        if (!isCommandMissing(error)) throw error
        if (!isMissing)
          log.warn(
            'the program conntrack is missing: connections that network policies forbid go on: install conntrack',
          )
        isMissing = true
      }
    },
    onError: (error, retryInMs) =>
      log.warn(
        { err: error, retryInMs },
        'cannot delete conntrack entries of connections that network policies forbid',
      ),
  })

  return {
    look: (pods) => {
      if (pods === 'all') loop.markAll()
      else for (const pod of pods) loop.mark(pod)
    },
    run: (signal) => {
      stop = signal
      return loop.run(signal)
    },
  }
}
