/** The Ingress proxy of a node, put together: what it follows, where it listens, and where people look at it. */
import type { Client } from '../api/client.ts'
import { configMaps, secrets } from '../api/resources.ts'
import { type HttpReply, type ListenAddress, runHttpListener } from '../host/http-listener.ts'
import type { Iproute } from '../host/iproute.ts'
import type { Logger } from '../host/log.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'
import { familyOf, type IpFamily } from '../ip/address.ts'
import { createConfigMapData, createSecretData } from '../proxy/ingress/data/named-data.ts'
import { createIngress, type IngressSettings } from '../proxy/ingress/ingress.ts'
import { allSeries, createIngressMetrics } from '../proxy/ingress/operation/metrics.ts'
import { routeLines, statusPage } from '../proxy/ingress/operation/status-page.ts'
import { createOwnAddresses } from '../proxy/ingress/own-addresses.ts'
import { createStreamServices, type StreamSettings } from '../proxy/ingress/stream-services.ts'
import type { ClusterInformers } from './cluster-informers.ts'
import type { WatchFailures } from './watch-failures.ts'

/** What the operator of a node may choose about Ingress. */
export interface IngressStackSettings {
  readonly proxy: IngressSettings
  readonly streams: StreamSettings
  /** Metrics, health and the status page; undefined: not served. */
  readonly metrics: ListenAddress | undefined
}

export interface IngressStackOptions {
  readonly client: Client
  readonly informers: ClusterInformers
  readonly failures: WatchFailures
  readonly settings: IngressStackSettings
  /** What the cluster's DNS is asked for, and where. */
  readonly clusterDomain: string
  readonly clusterDns: string
  readonly nodeName: string
  readonly nodeAddresses: readonly string[]
  readonly netfilterOf: (family: IpFamily) => Netfilter
  readonly iproute: Iproute
  readonly log: Logger
}

export interface IngressStack {
  /** Resolves when requests are served. */
  readonly ready: Promise<void>
  /** Serves until `signal` aborts, then finishes what runs. */
  run(signal: AbortSignal): Promise<void>
}

const ownAddressesOf = ({ settings, iproute, netfilterOf, log }: IngressStackOptions) => {
  const { gatewayPool: pool } = settings.proxy
  if (pool === undefined) return {}
  const netfilters = [netfilterOf(familyOf(pool))]
  return { ownAddresses: createOwnAddresses({ iproute, netfilters, log }) }
}

export const createIngressStack = (options: IngressStackOptions): IngressStack => {
  const { client, informers, failures, settings, nodeName, log } = options
  const services = informers.services()
  const slices = informers.slices()
  const clusterNames = { domain: options.clusterDomain, servers: [options.clusterDns] }
  const dataVerbs = 'get, list and watch'
  const ingress = createIngress({
    ...{ services, slices, ingresses: informers.ingresses(), classes: informers.classes(), clusterNames, log },
    nodeAddresses: options.nodeAddresses,
    settings: settings.proxy,
    ...ownAddressesOf(options),
    secrets: createSecretData(client, failures.of(secrets, dataVerbs)),
    configMaps: createConfigMapData(client, failures.of(configMaps, dataVerbs)),
    gateway: {
      classes: informers.gatewayClasses(),
      gateways: informers.gateways(),
      routes: informers.httpRoutes(),
      grants: informers.referenceGrants(),
      namespaces: informers.namespaces(),
    },
  })
  const streams = createStreamServices({
    ...{ services, slices, log, clusterNames, settings: settings.streams },
    configMaps: createConfigMapData(client, failures.of(configMaps, dataVerbs)),
  })
  const registry = createIngressMetrics(ingress.snapshots, ingress.restarts)

  const answer = async (path: string): Promise<HttpReply> => {
    switch (path) {
      case '/metrics':
        return { status: 200, headers: { 'content-type': registry.contentType }, body: await registry.metrics() }
      case '/healthz': {
        const trouble = ingress.trouble()
        return trouble === undefined ? { status: 200, body: 'ok\n' } : { status: 503, body: `${trouble}\n` }
      }
      case '/routes': {
        const routes = { routes: routeLines(ingress.state()), problems: ingress.problems() }
        const headers = { 'content-type': 'application/json' }
        return { status: 200, headers, body: `${JSON.stringify(routes, undefined, 2)}\n` }
      }
      case '/': {
        const all = await ingress.snapshots()
        const connections = all.reduce((sum, each) => sum + each.connections, 0)
        const facts = { node: nodeName, state: ingress.state(), problems: ingress.problems() }
        const body = statusPage({ ...facts, series: allSeries(all), connections })
        return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
      }
      default:
        return { status: 404, body: 'not found: try /, /routes, /metrics or /healthz\n' }
    }
  }

  return {
    ready: ingress.ready,
    run: async (signal) => {
      const at = settings.metrics
      await Promise.all([
        at ? runHttpListener({ ...at, answer, name: 'ingress metrics', log }, signal) : undefined,
        streams.run(signal),
        ingress.run(signal),
      ])
    },
  }
}
