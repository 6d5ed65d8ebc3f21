/** Pods that others are asked about, or that are being bound: nothing else is done with them meanwhile. */
import type { Pod } from '../../api/types/index.ts'
import { endCycle } from './binding-cycle.ts'

export interface InFlight {
  has(pod: Pod): boolean
  /** Begins at once. `end`: by which the work is told to stop. */
  start(pod: Pod, work: (end: AbortController) => Promise<void>): void
  /** The pod is wanted no longer. */
  stop(uid: string): void
  /** Stops all. Resolves when everything has ended. */
  close(): Promise<void>
}

export interface InFlightListener {
  /** Work is not expected to. */
  failed(pod: Pod, error: unknown): void
  ended(pod: Pod): void
}

export const createInFlight = ({ failed, ended }: InFlightListener): InFlight => {
  const ends = new Map<string, AbortController>()
  const running = new Set<Promise<void>>()
  const uidOf = ({ metadata }: Pod): string => metadata.uid ?? ''
  return {
    has: (pod) => ends.has(uidOf(pod)),
    start: (pod, work) => {
      const end = new AbortController()
      ends.set(uidOf(pod), end)
      const done = work(end)
        .catch((error: unknown) => failed(pod, error))
        .finally(() => {
          if (ends.get(uidOf(pod)) === end) ends.delete(uidOf(pod))
          running.delete(done)
          ended(pod)
        })
      running.add(done)
    },
    stop: (uid) => {
      const end = ends.get(uid)
      if (end) endCycle(end)
    },
    close: async () => {
      for (const end of ends.values()) endCycle(end)
      while (running.size > 0) await Promise.all(running)
    },
  }
}
