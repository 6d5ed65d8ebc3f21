/** Writes the statuses of the Gateway API's objects, and nothing else. Part of the control plane: loads no relay. */
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../../../api/client.ts'
import { type Clock, formatTime } from '../../../api/clock.ts'
import { isConflict, isNotFound } from '../../../api/errors.ts'
import { gatewayClasses, gateways, httpRoutes, type Resource } from '../../../api/resources.ts'
import type { Gateway, KubeObject } from '../../../api/types/index.ts'
import { createWorkQueue, type Outcome } from '../../../api/work-queue.ts'
import type { PlaceOf } from './places.ts'
import { ownGateways, resolveGateways } from './resolve.ts'
import { statusesOf, type Wanted } from './statuses.ts'
import { type GatewaySources, worldOf } from './world.ts'

export interface GatewayControllerOptions {
  readonly client: Client
  readonly clock: Clock
  readonly sources: GatewaySources
  /** Of the nodes that serve. */
  readonly addresses: () => readonly string[]
  /** Gives addresses to these Gateways of ours, the oldest first, and takes those of all others back. */
  readonly settle: (gateways: readonly Gateway[]) => PlaceOf
  /** Told about every failure but lost races; all of them are tried again. */
  readonly onError: (error: unknown, retryInMs: number) => void
}

export interface GatewayController {
  /** Looks at everything again, soon: the addresses have changed. */
  lookAgain(): void
  /** Works until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** Everything is decided at once: a change of one object may concern any other. */
const everything = 'everything'
const debounceMs = 20
const afterRaceMs = 50
const backoffMs = { base: 100, max: 60_000 }

type WithStatus = KubeObject & { readonly status?: object }

const differs = ({ object, status }: Wanted<WithStatus>): boolean => {
  const before = (object.status ?? {}) as Readonly<Record<string, unknown>>
  return Object.entries(status).some(([field, value]) => !isDeepStrictEqual(value, before[field]))
}

/** Writes go out with the version they were decided upon: lists of conditions are shared with other controllers. */
const writer =
  (client: Client) =>
  async <T extends WithStatus>(resource: Resource<T>, { object, status }: Wanted<WithStatus>): Promise<boolean> => {
    const { uid, resourceVersion } = object.metadata
    try {
      await client.patch(resource, object, { metadata: { uid, resourceVersion }, status }, 'status')
      return true
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return false
      throw error
    }
  }

const watchSources = (sources: GatewaySources, changed: () => void): void => {
  const { classes, routes, grants, services, namespaces, secrets, configMaps } = sources
  for (const informer of [classes, sources.gateways, routes]) informer.onChange(changed)
  const ifUsed = (): void => {
    if (sources.gateways.size > 0) changed()
  }
  for (const informer of [grants, services, namespaces, secrets, configMaps]) informer.onChange(ifUsed)
}

/** Over copies that have been listed. */
export const createGatewayController = (options: GatewayControllerOptions): GatewayController => {
  const { client, clock, sources, addresses, settle, onError } = options
  const write = writer(client)

  const reconcile = async (): Promise<Outcome> => {
    const ours = ownGateways({ classes: [...sources.classes.values()], gateways: [...sources.gateways.values()] })
    const world = worldOf(sources, settle(ours))
    const surroundings = { addresses: addresses(), now: formatTime(clock.now()) }
    const wanted = statusesOf(resolveGateways(world), world.routes, surroundings)
    const written = await Promise.allSettled([
      ...wanted.classes.filter(differs).map((each) => write(gatewayClasses, each)),
      ...wanted.gateways.filter(differs).map((each) => write(gateways, each)),
      ...wanted.routes.filter(differs).map((each) => write(httpRoutes, each)),
    ])
    const failure = written.find(({ status }) => status === 'rejected')
    if (failure?.status === 'rejected') throw failure.reason
    return written.some((each) => each.status === 'fulfilled' && !each.value) ? { againInMs: afterRaceMs } : 'done'
  }

  const queue = createWorkQueue(reconcile, {
    clock,
    backoffMs,
    onError: (_key, error, retryInMs) => onError(error, retryInMs),
  })
  const lookAgain = (): void => queue.addAfter(everything, debounceMs)

  return {
    lookAgain,
    run: (signal) => {
      watchSources(sources, lookAgain)
      lookAgain()
      return queue.run(signal)
    },
  }
}
