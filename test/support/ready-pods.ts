/** How many pods of an application are ready, change by change, as a watch of all of them shows it. */
import type { Client } from '../../src/api/client.ts'
import { createInformer } from '../../src/api/informer.ts'
import { pods } from '../../src/api/resources.ts'
import type { Pod } from '../../src/api/types/index.ts'

export interface ReadyPods {
  /** From now on its pods are counted, as its label `app` names them; no more than `most` should be ready. */
  follow(app: string, most: number): void
  /** How many are ready now. */
  seen(app: string): number
  /** How many applications are followed. */
  readonly followed: number
  /** The fewest that were ready at once of any application since it is followed. */
  readonly fewest: number
  /** For how long, at most, more were ready than should be. */
  longestSurplusMs(): number
  /** Resolves when the watch has ended. */
  readonly ended: Promise<void>
}

export const isReadyPod = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status?.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True')

const appOf = ({ metadata }: Pod): string => metadata.labels?.['app'] ?? ''

export const watchReadyPods = (client: Client, signal: AbortSignal): ReadyPods => {
  const copies = createInformer(client, pods, { indexes: { app: (pod) => [appOf(pod)] } })
  const most = new Map<string, number>()
  const surplusSince = new Map<string, number>()
  let longest = 0
  let fewest = Number.POSITIVE_INFINITY
  const agesOf = (): readonly number[] => [...surplusSince.values()].map((since) => Date.now() - since)
  const seen = (app: string): number => copies.by('app', app).filter(isReadyPod).length
  const look = (app: string): void => {
    const limit = most.get(app)
    if (limit === undefined) return
    longest = Math.max(longest, ...agesOf())
    const ready = seen(app)
    fewest = Math.min(fewest, ready)
    if (ready > limit) surplusSince.set(app, surplusSince.get(app) ?? Date.now())
    else surplusSince.delete(app)
  }
  // Of a new list, only the whole is what there was at one time.
  copies.onChange((_key, current, previous) => {
    const pod = current ?? previous
    if (pod) queueMicrotask(() => look(appOf(pod)))
  })
  return {
    seen,
    follow: (app, limit) => {
      most.set(app, limit)
      look(app)
    },
    get followed() {
      return most.size
    },
    get fewest() {
      return fewest
    },
    longestSurplusMs: () => Math.max(longest, ...agesOf()),
    ended: copies.run(signal),
  }
}
