/** Follows the logs of containers that come and go, on nodes that may be away for a while. */
import { type Clock, sleep } from '../../api/clock.ts'
import { ApiError, errorText } from '../../api/errors.ts'
import { counted } from '../../host/counted.ts'
import { instanceName, type LogInstance } from './instances.ts'
import type { LogLine } from './lines.ts'
import { createResume, type Resume } from './resume.ts'

export interface FollowOptions {
  /** What a log says from then on, or from where the user said, as long as it goes on. */
  readonly open: (
    instance: LogInstance,
    from: { readonly since?: string; readonly isFirst: boolean },
    signal: AbortSignal,
  ) => AsyncIterable<readonly LogLine[]>
  /** As the API has it now; undefined when it is gone. */
  readonly current: (key: string) => LogInstance | undefined
  readonly write: (instance: LogInstance, lines: readonly LogLine[]) => Promise<void>
  readonly say: (message: string) => void
  /** So many logs at the same time. */
  readonly most: number
  readonly clock: Clock
}

export interface Follower {
  /** All instances that there are now. Those of the first look are read from where the user said, later ones from the beginning. */
  look(instances: readonly LogInstance[], signal: AbortSignal): void
}

const retryMs = 500
const longestRetryMs = 10_000
/** What a pod that is gone has said last is on its way for so long. */
const lastWordsMs = 5_000

/** The log itself is not there; anything else is the matter of its node, or of the way to it. */
const isOfInstance = (error: unknown): boolean => error instanceof ApiError && [400, 403, 404].includes(error.code)

/** What does not answer is told once, and once that it does again. */
const createTroubles = (say: (message: string) => void) => {
  const troubled = new Set<string>()
  return {
    failed: (instance: LogInstance, error: unknown): void => {
      const name = instanceName(instance)
      const key = isOfInstance(error) ? instance.key : instance.node
      if (troubled.has(key)) return
      troubled.add(key)
      say(`cannot read the log of ${name} on ${instance.node}: ${errorText(error)}; trying again`)
    },
    works: (instance: LogInstance): void => {
      troubled.delete(instance.key)
      if (troubled.delete(instance.node)) say(`${instance.node} answers again`)
    },
  }
}

export const createFollower = ({ open, current, write, say, most, clock }: FollowOptions): Follower => {
  const followed = new Set<string>()
  const troubles = createTroubles(say)
  let running = 0
  let isFirstLook = true
  let hasToldLimit = false
  let latest: readonly LogInstance[] = []

  /** True when its end was reached. */
  const readOn = async (
    instance: LogInstance,
    resume: Resume,
    isFirst: boolean,
    signal: AbortSignal,
  ): Promise<boolean> => {
    const since = resume.since()
    resume.restart()
    try {
      for await (const lines of open(instance, { isFirst, ...(since === undefined ? {} : { since }) }, signal)) {
        troubles.works(instance)
        const fresh = resume.fresh(lines)
        if (fresh.length > 0) await write(instance, fresh)
      }
      return true
    } catch (error) {
      if (!signal.aborted && current(instance.key)) troubles.failed(instance, error)
      return false
    }
  }

  const follow = async (instance: LogInstance, isFirst: boolean, signal: AbortSignal): Promise<void> => {
    const resume = createResume()
    for (let pause = retryMs; !signal.aborted; pause = Math.min(pause * 2, longestRetryMs)) {
      // What ended only while it was read may have said more.
      const wasOver = current(instance.key)?.isOver ?? true
      const started = clock.now()
      const isRead = await readOn(instance, resume, isFirst, signal)
      if (isRead && wasOver) return
      if (!current(instance.key)) return
      if (clock.now() - started > longestRetryMs) pause = retryMs
      await sleep(isRead ? retryMs : pause, signal, clock)
    }
  }

  const begin = (instance: LogInstance, signal: AbortSignal): void => {
    followed.add(instance.key)
    running++
    const isFirst = isFirstLook
    const life = new AbortController()
    const watchdog = async (): Promise<void> => {
      while (!life.signal.aborted && current(instance.key)) await sleep(retryMs, life.signal, clock)
      await sleep(lastWordsMs, life.signal, clock)
      life.abort()
    }
    void watchdog()
    void follow(instance, isFirst, AbortSignal.any([signal, life.signal])).finally(() => {
      running--
      life.abort()
      if (!signal.aborted) look(latest, signal)
    })
  }

  const look: Follower['look'] = (instances, signal) => {
    latest = instances
    const keys = new Set(instances.map(({ key }) => key))
    for (const key of followed) if (!keys.has(key)) followed.delete(key)
    for (const instance of instances) {
      if (followed.has(instance.key)) continue
      if (running >= most) {
        if (!hasToldLimit)
          say(
            `${counted(instances.length, 'log')} to follow, ${most} at a time: name fewer, or more with --max-log-requests`,
          )
        hasToldLimit = true
        break
      }
      begin(instance, signal)
    }
    isFirstLook = false
  }

  return { look }
}
