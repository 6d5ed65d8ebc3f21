/** Collapses bursts of changes into single syncs, and looks again from time to time even when nothing changed. */
import { type Clock, sleep, systemClock, untilBeat } from './clock.ts'

/** The keys that changed since the last successful sync, or `all`: look at everything. */
export type Dirty = ReadonlySet<string> | 'all'

interface SyncLoopOptions {
  /** Brings the world in line. When it throws, the same keys (and newer ones) come again after a back-off. */
  readonly sync: (dirty: Dirty) => Promise<void>
  /** Least time between the starts of two syncs. */
  readonly minIntervalMs?: number
  /** A sync of `all` at least this often, to repair what others changed. */
  readonly resyncMs?: number
  /** The resync is due at a beat: of one that asks the kernel what others ask, too. */
  readonly onBeat?: boolean
  readonly clock?: Clock
  readonly onError?: (error: unknown, retryInMs: number) => void
}

interface SyncLoop {
  mark(key: string): void
  markAll(): void
  /** As `mark`; resolves when a sync that has begun since then has succeeded. */
  done(key: string): Promise<void>
  /** Starts with a sync of `all`, then runs until `signal` aborts; resolves when the last sync has ended. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves after the first sync that succeeded. */
  readonly synced: Promise<void>
}

const retryBaseMs = 100
const retryMaxMs = 5_000

export const createSyncLoop = (options: SyncLoopOptions): SyncLoop => {
  const { sync, minIntervalMs = 0, resyncMs = 30_000, onBeat = false, clock = systemClock, onError } = options
  const first = Promise.withResolvers<void>()
  let keys = new Set<string>()
  let all = true
  let wake: (() => void) | undefined
  let waiting: (() => void)[] = []

  const markAll = (): void => {
    all = true
    wake?.()
  }
  const mark = (key: string): void => {
    keys.add(key)
    wake?.()
  }

  /** Resolves when something is dirty or the resync is due. */
  const dirty = async (signal: AbortSignal): Promise<void> => {
    if (all || keys.size > 0) return
    const changed = new Promise<void>((resolve) => {
      wake = resolve
    })
    const cancel = clock.after(onBeat ? untilBeat(resyncMs, clock) : resyncMs, markAll)
    const stop = () => wake?.()
    signal.addEventListener('abort', stop, { once: true })
    await changed
    signal.removeEventListener('abort', stop)
    cancel()
  }

  return {
    mark,
    markAll,
    done: (key) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        mark(key)
      }),
    synced: first.promise,
    run: async (signal) => {
      let failures = 0
      while (!signal.aborted) {
        await dirty(signal)
        if (signal.aborted) return
        const taken: Dirty = all ? 'all' : keys
        all = false
        keys = new Set()
        const told = waiting
        waiting = []
        const started = clock.now()
        try {
          await sync(taken)
          failures = 0
          first.resolve()
          for (const tell of told) tell()
        } catch (error) {
          waiting = [...told, ...waiting]
          if (taken === 'all') all = true
          else for (const key of taken) keys.add(key)
          const retryInMs = Math.min(retryBaseMs * 2 ** failures++, retryMaxMs)
          onError?.(error, retryInMs)
          await sleep(retryInMs, signal, clock)
        }
        const restMs = started + minIntervalMs - clock.now()
        if (restMs > 0) await sleep(restMs, signal, clock)
      }
    },
  }
}
