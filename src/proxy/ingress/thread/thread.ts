/** Starts a thread that serves, and stops it. */
import { startWatchedThread } from '../../../host/watched-thread.ts'
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts'
import type { Snapshot } from './statistics.ts'

export interface RelayThread {
  /** The ports of its doors by entry. */
  readonly ports: Readonly<Record<string, number>>
  post(message: ToWorker): void
  /** What it has served so far. Undefined when it ends before it can tell. */
  snapshot(): Promise<Snapshot | undefined>
  /** Resolves when the thread has ended, with the reason when nobody asked it to. */
  readonly ended: Promise<Error | undefined>
  /** Ends it gracefully: what runs is finished, for as long as the `drain` time-out allows. */
  stop(): Promise<void>
}

/** Beyond its own time-out, for a thread that does not answer any more. */
const graceMs = 2_000

const workerUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** Resolves when the thread listens. Rejects when it cannot. */
export const startRelayThread = async (
  data: Omit<WorkerData, 'heart'>,
  onProblem: (text: string) => void,
): Promise<RelayThread> => {
  const listening = Promise.withResolvers<Readonly<Record<string, number>>>()
  const asked = new Map<number, (snapshot: Snapshot | undefined) => void>()
  let questions = 0

  const hear = (message: FromWorker): void => {
    switch (message.kind) {
      case 'listening':
        return listening.resolve(message.ports)
      case 'snapshot':
        asked.get(message.id)?.(message.snapshot)
        return void asked.delete(message.id)
      case 'problem':
        return onProblem(message.text)
    }
  }
  const thread = startWatchedThread<ToWorker, FromWorker>({ name: 'ingress', url: workerUrl(), data, hear })
  void thread.ended.then((reason) => {
    listening.reject(reason ?? new Error('the ingress thread was stopped'))
    for (const answer of asked.values()) answer(undefined)
    asked.clear()
  })
  return {
    ports: await listening.promise,
    post: thread.post,
    snapshot: () =>
      new Promise((resolve) => {
        const id = questions++
        asked.set(id, resolve)
        thread.post({ kind: 'snapshot', id })
        // One that has ended answers nothing.
        void thread.ended.then(() => resolve(undefined))
      }),
    ended: thread.ended,
    stop: () => thread.stop({ kind: 'drain' }, data.timeouts.drain + graceMs),
  }
}
