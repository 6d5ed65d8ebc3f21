/** Starts the thread that answers, and stops it. */
import { startWatchedThread } from '../../host/watched-thread.ts'
import type { Upstream } from '../config/upstream.ts'
import type { FromWorker, LoggedQuery, ToWorker, WorkerData } from './protocol.ts'
import type { DnsStats } from './stats.ts'

export interface DnsThread {
  /** It will answer cluster names from the zone that was kept, whatever it is told. */
  readonly hasZone: boolean
  /** Resolves to the port when queries are answered. Rejects when it cannot listen. */
  listen(): Promise<number>
  post(message: ToWorker): void
  stats(): Promise<DnsStats>
  /** Resolves when the thread has ended, with the reason when nobody asked it to. */
  readonly ended: Promise<Error | undefined>
  stop(): Promise<void>
}

const stopMs = 2_000

const workerUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** What the thread has to tell beside answers. */
export interface ThreadListener {
  /** A query met a fault of ours, or the zone could not be kept. */
  fault(error: string): void
  /** The zone that was kept cannot be used. */
  damage(message: string): void
  /** This server leads back to us, and is left out. */
  loop(upstream: Upstream): void
  query(query: LoggedQuery): void
}

/** Resolves when the thread can be told things. Rejects when it cannot start. */
export const startDnsThread = async (data: Omit<WorkerData, 'heart'>, on: ThreadListener): Promise<DnsThread> => {
  const started = Promise.withResolvers<Pick<DnsThread, 'hasZone'>>()
  const listening = Promise.withResolvers<number>()
  const askers: ((stats: DnsStats) => void)[] = []

  const hear = (message: FromWorker): void => {
    switch (message.kind) {
      case 'started':
        return started.resolve(message)
      case 'listening':
        return listening.resolve(message.port)
      case 'fault':
        return on.fault(message.error)
      case 'damage':
        return on.damage(message.message)
      case 'loop':
        return on.loop(message.upstream)
      case 'query':
        return on.query(message.query)
      case 'stats':
        for (const resolve of askers.splice(0)) resolve(message.stats)
    }
  }
  const thread = startWatchedThread<ToWorker, FromWorker>({ name: 'DNS', url: workerUrl(), data, hear })
  void thread.ended.then((reason) => {
    const error = reason ?? new Error('the DNS thread was stopped')
    started.reject(error)
    listening.reject(error)
  })
  // Who waits for it hears of it; often nobody does.
  listening.promise.catch(() => undefined)
  const { post } = thread
  const { hasZone } = await started.promise
  return {
    ...{ hasZone, post },
    listen: () => {
      post({ kind: 'listen' })
      return listening.promise
    },
    stats: () =>
      new Promise((resolve, reject) => {
        askers.push(resolve)
        if (askers.length === 1) post({ kind: 'stats' })
        void thread.ended.then(() => reject(new Error('the DNS thread has ended')))
      }),
    ended: thread.ended,
    stop: () => thread.stop({ kind: 'stop' }, stopMs),
  }
}
