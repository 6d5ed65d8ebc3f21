/** Ends containers the polite way: the preStop hook, TERM, and KILL when the grace period is over. */
import type { Clock } from '../../api/clock.ts'
import type { Handler } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import type { HandlerTarget, RunHandler } from '../probes/handler.ts'
import type { Containers } from '../runtime/containers.ts'

export interface StopRequest {
  readonly id: string
  readonly graceMs: number
  readonly preStop?: { readonly handler: Handler; readonly target: HandlerTarget }
}

export interface Stopper {
  /** Returns at once; true when this call began it. Repeated calls change nothing but a longer grace into a shorter. */
  stop(request: StopRequest): boolean
  /** The container has ended, or is nobody's business any more. */
  forget(id: string): void
  forgetAll(): void
}

export interface StopperOptions {
  readonly containers: Pick<Containers, 'signal'>
  readonly runHook: RunHandler
  readonly clock: Clock
  readonly log: Logger
  readonly onHookFailure: (id: string, complaint: string) => void
}

interface Stopping {
  /** When the grace period is over. */
  deadline: number
  isInHook: boolean
  cancelKill: () => void
}

/** However long the hook took, the program gets this much for itself. */
const leastTermMs = 2_000

export const createStopper = ({ containers, runHook, clock, log, onHookFailure }: StopperOptions): Stopper => {
  const stopping = new Map<string, Stopping>()

  const forget = (id: string): void => {
    stopping.get(id)?.cancelKill()
    stopping.delete(id)
  }

  /** What fails is begun anew by the next call to stop. */
  const signal = (id: string, name: 'TERM' | 'KILL'): Promise<void> =>
    containers.signal(id, name).catch((error: unknown) => {
      log.error({ err: error, container: id, signal: name }, 'cannot signal a container')
      forget(id)
    })

  const arm = (id: string, state: Stopping): void => {
    state.cancelKill()
    const at = state.deadline + (state.isInHook ? leastTermMs : 0)
    state.cancelKill = clock.after(Math.max(0, at - clock.now()), () => void signal(id, 'KILL'))
  }

  const begin = async ({ id, graceMs, preStop }: StopRequest, state: Stopping): Promise<void> => {
    if (preStop) {
      const complaint = await runHook(preStop.handler, preStop.target, graceMs)
      if (stopping.get(id) !== state) return
      if (complaint !== '') onHookFailure(id, complaint)
      state.isInHook = false
      state.deadline = Math.max(state.deadline, clock.now() + leastTermMs)
      arm(id, state)
    }
    await signal(id, 'TERM')
  }

  return {
    forget,
    forgetAll: () => {
      for (const id of [...stopping.keys()]) forget(id)
    },
    stop: (request) => {
      const { id, graceMs, preStop } = request
      const deadline = clock.now() + graceMs
      const known = stopping.get(id)
      if (known) {
        if (deadline < known.deadline) {
          known.deadline = deadline
          arm(id, known)
        }
        return false
      }
      const state: Stopping = { deadline, isInHook: graceMs > 0 && preStop !== undefined, cancelKill: () => undefined }
      stopping.set(id, state)
      arm(id, state)
      if (graceMs > 0) void begin(request, state)
      return true
    },
  }
}
