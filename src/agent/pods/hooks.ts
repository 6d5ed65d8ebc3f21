/** Life-cycle hooks: what is done to a container right after its start and right before its end. */
import { type Clock, sleep } from '../../api/clock.ts'
import type { Handler } from '../../api/types/index.ts'
import type { Complaint, HandlerTarget, RunHandler } from '../probes/handler.ts'
import type { PostStart } from './view.ts'

/** As `RunHandler`, and knows `sleep` too. */
export const createRunHook =
  (run: RunHandler, clock: Clock): RunHandler =>
  async (handler, target, timeoutMs): Promise<Complaint> => {
    if (!handler.sleep) return run(handler, target, timeoutMs)
    await sleep(Math.min(handler.sleep.seconds * 1000, timeoutMs), undefined, clock)
    return ''
  }

export interface PostStarts {
  /** Runs the hook; `stateOf` tells what becomes of it. */
  start(pod: string, handler: Handler, target: HandlerTarget): void
  stateOf(containerId: string): PostStart
  forget(containerId: string): void
}

/** A hook has no time limit of its own; one that hangs for longer than this is taken for failed. */
const postStartTimeoutMs = 600_000

/** An agent that comes back knows of no hook: what it had started it takes for done. */
export const createPostStarts = (
  run: RunHandler,
  onDone: (pod: string, target: HandlerTarget, complaint: Complaint) => void,
): PostStarts => {
  const states = new Map<string, PostStart>()
  return {
    start: (pod, handler, target) => {
      const { containerId } = target
      states.set(containerId, 'running')
      void run(handler, target, postStartTimeoutMs).then((complaint) => {
        if (!states.has(containerId)) return
        if (complaint === '') states.delete(containerId)
        else states.set(containerId, { failed: complaint })
        onDone(pod, target, complaint)
      })
    },
    stateOf: (containerId) => states.get(containerId) ?? 'none',
    forget: (containerId) => void states.delete(containerId),
  }
}
