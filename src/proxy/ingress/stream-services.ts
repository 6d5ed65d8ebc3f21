/** TCP and UDP Services behind ports of the node, listed in two ConfigMaps as ingress-nginx has them. */
import { aborted, steadyClock } from '../../api/clock.ts'
import type { Informer } from '../../api/informer.ts'
import { servicesOfChange } from '../../api/slices.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import type { EndpointSlice, Service } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import type { Portal } from '../relays.ts'
import { createPicker, type Picker } from '../userspace/picker.ts'
import { listenTcp, type Relay } from '../userspace/tcp-relay.ts'
import { listenUdp } from '../userspace/udp-relay.ts'
import type { NamedData } from './data/named-data.ts'
import { type ClusterNames, createLookup } from './names/lookup.ts'
import { isOwnHost } from './names/own-host.ts'
import { resolveBackend } from './routes/endpoints.ts'
import { backendRef } from './routes/model.ts'
import { throttled } from './thread/throttled.ts'

export interface StreamSettings {
  readonly address: string
  /** `namespace/name` of the ConfigMaps; undefined: none. */
  readonly tcp: string | undefined
  readonly udp: string | undefined
}

export interface StreamServicesOptions {
  readonly services: Informer<Service>
  /** With the index `service`. */
  readonly slices: Informer<EndpointSlice>
  readonly configMaps: NamedData
  readonly settings: StreamSettings
  /** Missing: no name is the cluster's. */
  readonly clusterNames?: ClusterNames
  readonly log: Logger
}

export interface StreamServices {
  /** Serves until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** One line of a ConfigMap: a port of the node, and the Service port behind it. */
export interface StreamLine {
  readonly port: number
  /** `namespace/name`. */
  readonly service: string
  readonly servicePort: number | string
}

/** Reads `"9000": "namespace/name:port"`; a text says what is wrong with it. */
export const readStreamLine = (key: string, value: string): StreamLine | string => {
  const port = Number(key)
  if (!/^\d{1,5}$/.test(key) || port < 1 || port > 65_535) return `"${key}" is no port`
  const [service = '', servicePort = '', ...more] = value.trim().split(':')
  if (!/^[a-z0-9.-]+\/[a-z0-9.-]+$/.test(service) || servicePort === '')
    return `"${value}": expected namespace/service:port`
  if (more.some((each) => each !== '')) return `"${value}": the PROXY protocol is not spoken here`
  return { port, service, servicePort: /^\d+$/.test(servicePort) ? Number(servicePort) : servicePort }
}

interface Open {
  readonly protocol: 'tcp' | 'udp'
  readonly line: StreamLine
  readonly picker: Picker
  readonly relay: Relay
}

const listeners = { tcp: listenTcp, udp: listenUdp }
const retryAfterMs = 5_000
/** Each client of a Service whose name cannot be found says so. */
const problemsPerPeriod = 10
const periodMs = 10_000

export const createStreamServices = (options: StreamServicesOptions): StreamServices => {
  const { services, slices, configMaps, settings, log } = options
  const open = new Map<string, Open>()
  const told = new Set<string>()

  const tell = (problem: string): void => {
    if (!told.has(problem)) log.warn(problem)
    told.add(problem)
  }

  const lookup = createLookup({
    ...{ cluster: options.clusterNames, isRefused: isOwnHost },
    report: throttled((problem) => log.warn(problem), steadyClock, problemsPerPeriod, periodMs),
  })

  const linesOf = (protocol: 'tcp' | 'udp'): readonly (readonly [string, StreamLine])[] => {
    const name = settings[protocol]
    const data = name === undefined ? {} : (configMaps.get(name) ?? {})
    return Object.entries(data).flatMap(([key, value]) => {
      const line = readStreamLine(key, value)
      if (typeof line !== 'string')
        return [[`${protocol} ${line.port} ${line.service}:${line.servicePort}`, line] as const]
      tell(`ConfigMap ${name}: ${line}`)
      return []
    })
  }

  /** Services of UDP are none that HTTP could be proxied to: their ports are looked up here. */
  const portalOf = (id: string, protocol: 'tcp' | 'udp', { service, servicePort }: StreamLine): Portal => ({
    ...{ id, protocol, balancing: 'round-robin', affinitySeconds: undefined },
    endpoints: resolveBackend(
      backendRef(service, servicePort),
      services.get(service),
      slices.by('service', service),
      protocol === 'udp' ? 'UDP' : 'TCP',
    ).endpoints,
  })

  const sync = async (): Promise<void> => {
    const wanted = new Map(
      (['tcp', 'udp'] as const).flatMap((protocol) =>
        linesOf(protocol).map(([id, line]) => [id, { protocol, line }] as const),
      ),
    )
    for (const [id, { relay }] of open) {
      if (wanted.has(id)) continue
      open.delete(id)
      relay.close()
    }
    for (const [id, { protocol, line }] of wanted) {
      const portal = portalOf(id, protocol, line)
      const known = open.get(id)
      if (known) {
        known.picker.update(portal)
        continue
      }
      const picker = createPicker(portal)
      try {
        const relay = await listeners[protocol](settings.address, line.port, picker, lookup)
        open.set(id, { protocol, line, picker, relay })
        log.info({ port: line.port, protocol, service: line.service }, 'a stream service listens')
      } catch (error) {
        tell(`port ${line.port} for ${line.service}: ${error instanceof Error ? error.message : String(error)}`)
        setTimeout(() => loop.markAll(), retryAfterMs).unref()
      }
    }
  }

  const loop = createSyncLoop({
    sync,
    minIntervalMs: 20,
    onError: (error, retryInMs) => log.error({ err: error, retryInMs }, 'stream services cannot be served'),
  })

  return {
    run: async (signal) => {
      const names = [settings.tcp, settings.udp].filter((name) => name !== undefined)
      if (names.length === 0) return
      const following = configMaps.run(signal)
      configMaps.retain(new Set(names))
      await Promise.race([aborted(signal), Promise.all([services.synced, slices.synced, configMaps.settled()])])
      if (!signal.aborted) {
        configMaps.onChange(() => loop.markAll())
        services.onChange((key) => loop.mark(key))
        slices.onChange((_, current, previous) => {
          for (const service of servicesOfChange(current, previous)) loop.mark(service)
        })
        await loop.run(signal)
      }
      for (const { relay } of open.values()) relay.destroy()
      await following
    },
  }
}
