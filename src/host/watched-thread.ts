/** Threads that are watched over: one that does not answer any more is ended, as if it had ended by itself. */
import { Worker } from 'node:worker_threads'
import { beatsOf, createHeart, noteOf } from './heartbeat.ts'

export interface WatchedThread<Sent> {
  post(message: Sent): void
  /** Resolves when the thread has ended, with the reason when nobody asked it to. */
  readonly ended: Promise<Error | undefined>
  /** Sends `message`, which is to end the thread; ends it by force when that takes longer than `withinMs`. */
  stop(message: Sent, withinMs: number): Promise<void>
}

export interface WatchedThreadOptions<Heard> {
  /** In messages: `the ingress thread …`. */
  readonly name: string
  readonly url: URL
  /** What the thread finds as its `workerData`, with `heart` beside it: see `startHeartbeat`. */
  readonly data: object
  readonly hear: (message: Heard) => void
  /** So long a thread may be silent. */
  readonly silentMs?: number
}

/** The thread did not answer and was ended for that. */
export class ThreadStuck extends Error {
  override readonly name = 'ThreadStuck'
}

const defaultSilentMs = 2_000
/** Until its first beat: what it imports is read from disk. */
const startMs = 30_000
const looksPerPeriod = 8

/**
 * Starts a thread. Silence is counted in looks, not by the clock: where the whole machine stands still, we do, too, and
 * nobody is to blame.
 */
export const startWatchedThread = <Sent, Heard>(options: WatchedThreadOptions<Heard>): WatchedThread<Sent> => {
  const { name, url, data, hear, silentMs = defaultSilentMs } = options
  const heart = createHeart()
  const worker = new Worker(url, { workerData: { ...data, heart } })
  const ended = Promise.withResolvers<Error | undefined>()
  let failure: Error | undefined
  let isStopping = false
  let beats = 0
  let silentLooks = 0

  const lookMs = silentMs / looksPerPeriod
  const look = (): void => {
    const now = beatsOf(heart)
    silentLooks = now === beats ? silentLooks + 1 : 0
    beats = now
    if (silentLooks * lookMs < (beats === 0 ? startMs : silentMs)) return
    const note = noteOf(heart)
    const about = note === '' ? '' : `, since ${JSON.stringify(note)}`
    clearInterval(looking)
    failure ??= new ThreadStuck(`the ${name} thread did not answer for ${silentMs} ms${about}`)
    void worker.terminate()
    // Where it waits for the kernel it ends when the kernel lets it go: nobody is to wait for that.
    ended.resolve(isStopping ? undefined : failure)
  }
  const looking = setInterval(look, lookMs)
  looking.unref()

  worker.on('message', hear)
  worker.on('error', (error) => {
    failure ??= error instanceof Error ? error : new Error(String(error))
  })
  worker.on('exit', (code) => {
    clearInterval(looking)
    ended.resolve(isStopping ? undefined : (failure ?? new Error(`the ${name} thread ended with code ${code}`)))
  })

  const post = (message: Sent): void => worker.postMessage(message)
  return {
    post,
    ended: ended.promise,
    stop: async (message, withinMs) => {
      isStopping = true
      post(message)
      const timer = setTimeout(() => void worker.terminate(), withinMs)
      await ended.promise
      clearTimeout(timer)
    },
  }
}
