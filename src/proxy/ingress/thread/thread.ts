/** Starts the thread that serves, and stops it. */
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts'

export interface RelayThread {
  readonly address: AddressInfo
  post(message: ToWorker): void
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
  const listening = Promise.withResolvers<AddressInfo>()
  const ended = Promise.withResolvers<Error | undefined>()
  let failure: Error | undefined
  let stopping = false

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'listening') listening.resolve(message.address)
    else onProblem(message.text)
  })
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error))
  })
  worker.on('exit', (code) => {
    const reason = failure ?? new Error(`the ingress thread ended with code ${code}`)
    listening.reject(reason)
    ended.resolve(stopping ? undefined : reason)
  })

  const post = (message: ToWorker): void => worker.postMessage(message)
  return {
    address: await listening.promise,
    post,
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
