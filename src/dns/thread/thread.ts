/** Starts the thread that answers, and stops it. */
import { startWatchedThread } from '../../host/watched-thread.ts'
import type { Upstream } from '../config/upstream.ts'
import type { FromWorker, LoggedQuery, ToWorker, WorkerData } from './protocol.ts'
import type { DnsStats } from './stats.ts'

export interface DnsThread {
  readonly port: number
  /** Cluster names are answered already, from the zone that was kept. */
  readonly isReady: boolean
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

/** Resolves when the thread listens. Rejects when it cannot. */
export const startDnsThread = async (data: Omit<WorkerData, 'heart'>, on: ThreadListener): Promise<DnsThread> => {
  const listening = Promise.withResolvers<Pick<DnsThread, 'port' | 'isReady'>>()
  const askers: ((stats: DnsStats) => void)[] = []

  const hear = (message: FromWorker): void => {
    switch (message.kind) {
      case 'listening':
        return listening.resolve(message)
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
  void thread.ended.then((reason) => listening.reject(reason ?? new Error('the DNS thread was stopped')))
  const { post } = thread
  const { port, isReady } = await listening.promise
  return {
    ...{ port, isReady, post },
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
