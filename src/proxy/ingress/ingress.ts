/** The Ingress proxy of one node: watches the API, compiles routes, and serves them from a thread of its own. */
import type { AddressInfo } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { aborted } from '../../api/clock.ts'
import { servicesOfChange } from '../../api/slices.ts'
import { createSyncLoop, type Dirty, type SyncLoop } from '../../api/sync-loop.ts'
import type { Logger } from '../../host/log.ts'
import { defaultLimits, type HeadLimits } from './http/limits.ts'
import { defaultTimeouts, type Timeouts } from './relay/timeouts.ts'
import type { RouteProblem } from './routes/compile.ts'
import { classView, ingressView } from './routes/model.ts'
import { createRouting, type RoutingSources } from './routes/routing.ts'
import { type RelayThread, startRelayThread } from './thread/thread.ts'

export interface IngressOptions extends RoutingSources {
  /** Port 0 for any free one. `reusePort` lets a successor bind while this process drains. */
  readonly listen: { readonly address: string; readonly port: number; readonly reusePort?: boolean }
  readonly log: Logger
  readonly timeouts?: Partial<Timeouts>
  readonly limits?: Partial<HeadLimits>
}

export interface IngressProxy {
  /** Serves until `signal` aborts, then finishes what runs. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when requests are served by the first complete table. */
  readonly ready: Promise<void>
  /** Where it listens; undefined before `ready`. */
  address(): AddressInfo | undefined
}

/** The dirty key of all routes; every other one is the `namespace/name` of a Service. */
const routesKey = 'routes'
const debounceMs = 20
/** Nobody else writes to the thread: there is no drift to repair. As long as timers can be. */
const resyncMs = 2 ** 31 - 1

/** Marks what a change touches. A change of mere status touches nothing. */
const watchSources = ({ ingresses, classes, services, slices }: RoutingSources, loop: SyncLoop): void => {
  ingresses.onChange((_, current, previous) => {
    if (!isDeepStrictEqual(current && ingressView(current), previous && ingressView(previous))) loop.mark(routesKey)
  })
  classes.onChange((_, current, previous) => {
    if (!isDeepStrictEqual(current && classView(current), previous && classView(previous))) loop.mark(routesKey)
  })
  services.onChange((key) => loop.mark(key))
  slices.onChange((_, current, previous) => {
    for (const service of servicesOfChange(current, previous)) loop.mark(service)
  })
}

/** Logs each problem when it appears. */
const createProblemLog = (log: Logger) => {
  let known = new Set<string>()
  return (problems: readonly RouteProblem[]): void => {
    const texts = new Set(problems.map(({ ingress, message }) => `Ingress ${ingress}: ${message}`))
    for (const text of texts) if (!known.has(text)) log.warn(text)
    known = texts
  }
}

/** Stores its options; everything else happens in `run`. */
export const createIngress = (options: IngressOptions): IngressProxy => {
  const { listen, log } = options
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const limits = { ...defaultLimits, ...options.limits }
  const routing = createRouting(options)
  const logProblems = createProblemLog(log)
  let thread: RelayThread | undefined

  const start = async (): Promise<RelayThread> => {
    const { table, backends } = routing.state()
    const data = { listen: { reusePort: false, ...listen }, timeouts, limits, configuration: { table, backends } }
    const started = await startRelayThread(data, (problem) => log.warn(problem))
    log.info({ address: started.address }, 'ingress listens')
    void started.ended.then((reason) => {
      thread = undefined
      if (reason === undefined) return
      log.error({ err: reason }, 'the ingress thread died: starting another one')
      loop.markAll()
    })
    return started
  }

  const sync = async (dirty: Dirty): Promise<void> => {
    const whole = dirty === 'all' || dirty.has(routesKey)
    const updates = whole ? [] : routing.refresh(dirty)
    if (whole) logProblems(routing.rebuild().problems)
    if (thread === undefined) thread = await start()
    else if (whole) thread.post({ kind: 'configure', configuration: routing.state() })
    else if (updates.length > 0) thread.post({ kind: 'update', backends: updates })
  }

  const loop = createSyncLoop({
    sync,
    minIntervalMs: debounceMs,
    resyncMs,
    onError: (error, retryInMs) => log.error({ err: error, retryInMs }, 'ingress cannot serve'),
  })

  return {
    ready: loop.synced,
    address: () => thread?.address,
    run: async (signal) => {
      if (signal.aborted) return
      const { ingresses, classes, services, slices } = options
      const synced = [ingresses.synced, classes.synced, services.synced, slices.synced]
      await Promise.race([aborted(signal), Promise.all(synced)])
      if (signal.aborted) return
      watchSources(options, loop)
      await loop.run(signal)
      await thread?.stop()
    },
  }
}
