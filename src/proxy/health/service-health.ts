/**
 * Tells load balancers whether this node has endpoints of a Service: an HTTP server on the Service's health check port
 * (`healthCheckNodePort`), for Services of type LoadBalancer under external traffic policy Local.
 */
import { aborted } from '../../api/clock.ts'
import type { Informer } from '../../api/informer.ts'
import { objectKey } from '../../api/resources.ts'
import type { EndpointSlice, Service } from '../../api/types/index.ts'
import { type HttpReply, runHttpListener } from '../../host/http-listener.ts'
import type { Logger } from '../../host/log.ts'

export interface ServiceHealthOptions {
  readonly services: Informer<Service>
  /** With an index `service`: the key of the Service that a slice belongs to. */
  readonly slices: Informer<EndpointSlice>
  readonly nodeName: string
  /** Whether this node's rules are as they should be. */
  readonly isHealthy: () => boolean
  readonly log: Logger
}

export interface ServiceHealth {
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** The port on which the Service's health is asked; undefined when it is not. */
export const healthPortOf = ({ spec }: Service): number | undefined =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' ? spec.healthCheckNodePort : undefined

/** How many ready endpoints the node has: each address once, however many ports it serves. Pure. */
export const localEndpoints = (slices: readonly EndpointSlice[], nodeName: string): number =>
  new Set(
    slices
      .flatMap(({ endpoints }) => endpoints)
      .filter((endpoint) => endpoint.nodeName === nodeName && (endpoint.conditions?.ready ?? true))
      .map(({ addresses }) => addresses[0]),
  ).size

/** The answer, as kube-proxy words it. */
export const healthReply = ({ metadata }: Service, count: number, serviceProxyHealthy: boolean): HttpReply => ({
  status: count > 0 && serviceProxyHealthy ? 200 : 503,
  headers: {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'x-load-balancing-endpoint-weight': String(count),
  },
  body: JSON.stringify({
    service: { namespace: metadata.namespace ?? '', name: metadata.name },
    localEndpoints: count,
    serviceProxyHealthy,
  }),
})

interface Running {
  readonly port: number
  readonly stop: AbortController
  readonly ended: Promise<void>
}

export const createServiceHealth = (options: ServiceHealthOptions): ServiceHealth => {
  const { services, slices, nodeName, isHealthy, log } = options
  const running = new Map<string, Running>()

  const start = (key: string, port: number): Running => {
    const stop = new AbortController()
    const answer = (): HttpReply => {
      const service = services.get(key)
      if (!service) return { status: 503, body: '' }
      return healthReply(service, localEndpoints(slices.by('service', key), nodeName), isHealthy())
    }
    const name = `the health of Service ${key}`
    return { port, stop, ended: runHttpListener({ address: undefined, port, answer, name, log }, stop.signal) }
  }

  const update = (key: string, service: Service | undefined): void => {
    const port = service && healthPortOf(service)
    const now = running.get(key)
    if (now?.port === port) return
    now?.stop.abort()
    if (port === undefined) running.delete(key)
    else running.set(key, start(key, port))
  }

  return {
    run: async (signal) => {
      services.onChange((_key, current, previous) => {
        if (signal.aborted) return
        const known = current ?? previous
        if (known) update(objectKey(known), current)
      })
      await aborted(signal)
      for (const { stop } of running.values()) stop.abort()
      await Promise.all([...running.values()].map(({ ended }) => ended))
    },
  }
}
