/** Starts a thread that serves, and stops it. */
import { Worker } from 'node:worker_threads'
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
export const startRelayThread = async (data: WorkerData, onProblem: (text: string) => void): Promise<RelayThread> => {
  const worker = new Worker(workerUrl(), { workerData: data })
  const listening = Promise.withResolvers<Readonly<Record<string, number>>>()
  const ended = Promise.withResolvers<Error | undefined>()
  const asked = new Map<number, (snapshot: Snapshot | undefined) => void>()
  let questions = 0
  let failure: Error | undefined
  let stopping = false

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
  worker.on('message', hear)
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error))
  })
  worker.on('exit', (code) => {
    const reason = failure ?? new Error(`the ingress thread ended with code ${code}`)
    listening.reject(reason)
    for (const answer of asked.values()) answer(undefined)
    ended.resolve(stopping ? undefined : reason)
  })

  const post = (message: ToWorker): void => worker.postMessage(message)
  return {
    ports: await listening.promise,
    post,
    snapshot: () =>
      new Promise((resolve) => {
        const id = questions++
        asked.set(id, resolve)
        post({ kind: 'snapshot', id })
      }),
    ended: ended.promise,
    stop: async () => {
      stopping = true
      post({ kind: 'drain' })
      const timer = setTimeout(() => void worker.terminate(), data.timeouts.drain + graceMs)
      await ended.promise
      clearTimeout(timer)
    },
  }
}
