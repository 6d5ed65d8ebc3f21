/** Starts the thread that answers, and stops it. */
import { Worker } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts'

export interface DnsThread {
  readonly port: number
  post(message: ToWorker): void
  /** Resolves when the thread has ended, with the reason when nobody asked it to. */
  readonly ended: Promise<Error | undefined>
  stop(): Promise<void>
}

const stopMs = 2_000

const workerUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** Resolves when the thread listens. Rejects when it cannot. `onFault` is told of queries that met a fault of ours. */
export const startDnsThread = async (data: WorkerData, onFault: (error: unknown) => void): Promise<DnsThread> => {
  const worker = new Worker(workerUrl(), { workerData: data })
  const listening = Promise.withResolvers<number>()
  const ended = Promise.withResolvers<Error | undefined>()
  let failure: Error | undefined
  let isStopping = false

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'listening') listening.resolve(message.port)
    else onFault(message.error)
  })
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error))
  })
  worker.on('exit', (code) => {
    const reason = failure ?? new Error(`the DNS thread ended with code ${code}`)
    listening.reject(reason)
    ended.resolve(isStopping ? undefined : reason)
  })

  const post = (message: ToWorker): void => worker.postMessage(message)
  return {
    port: await listening.promise,
    post,
    ended: ended.promise,
    stop: async () => {
      isStopping = true
      post({ kind: 'stop' })
      const timer = setTimeout(() => void worker.terminate(), stopMs)
      await ended.promise
      clearTimeout(timer)
    },
  }
}
