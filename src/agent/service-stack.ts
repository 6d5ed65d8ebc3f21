/** Services on a node, put together: rules for each IP family, relays, old UDP connections, health and metrics. */

import { availableParallelism, networkInterfaces } from 'node:os'
import type { Registry } from 'prom-client'
import { aborted } from '../api/clock.ts'
import type { Informer } from '../api/informer.ts'
import { isServedEverywhere, type ServedPort } from '../api/served-ports.ts'
import type { EndpointSlice, Node, Service } from '../api/types/index.ts'
import type { CommandRunner } from '../host/command.ts'
import { createConnections } from '../host/conntrack/connections.ts'
import { type ListenAddress, runHttpListener } from '../host/http-listener.ts'
import type { Logger } from '../host/log.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'
import { readSysctl, writeSysctl } from '../host/sysctl.ts'
import { isIPv6, parseAddress } from '../ip/address.ts'
import { cidrOf, contains } from '../ip/cidr.ts'
import { applyLimits, type ConnectionLimits } from '../proxy/conntrack/limits.ts'
import { place, relay, type UdpPort } from '../proxy/conntrack/stale.ts'
import { createUdpCleaner, type UdpCleaner } from '../proxy/conntrack/udp-cleaner.ts'
import { createProxyHealth } from '../proxy/health/proxy-health.ts'
import { createServiceHealth } from '../proxy/health/service-health.ts'
import { protocolOf } from '../proxy/iptables/endpoints.ts'
import { isSkipped, type ServicePortView } from '../proxy/iptables/model.ts'
import { reservedPlace, reservedPort } from '../proxy/iptables/reserved.ts'
import { createServiceProxy, type PortFollower } from '../proxy/iptables/service-proxy.ts'
import { portalsOf } from '../proxy/iptables/service-rules.ts'
import { createProxyMetrics } from '../proxy/metrics/proxy-metrics.ts'
import { allObservers } from '../proxy/observer.ts'
import { runLocalhostNodePorts } from '../proxy/userspace/localhost.ts'
import { createUserspaceProxy } from '../proxy/userspace/userspace-proxy.ts'

/** What the operator of a node may choose about Services. */
export interface ProxySettings {
  /** For Services that do not say otherwise. */
  readonly mode: 'iptables' | 'userspace'
  /** Serve the Services labelled for this proxy instead of those labelled for none. */
  readonly proxyName: string | undefined
  /** Node ports at 127.0.0.1 and ::1. */
  readonly localhostNodePorts: boolean
  /** Node ports at the node's addresses within these ranges only; all but loopback when undefined. */
  readonly nodePortAddresses: readonly string[] | undefined
  readonly masqueradeAll: boolean
  /** Which bit of the packet mark stands for "masquerade this". */
  readonly masqueradeBit: number
  readonly connections: ConnectionLimits
  /** Undefined: not served. */
  readonly healthz: ListenAddress | undefined
  readonly metrics: ListenAddress | undefined
}

export interface ServiceStackOptions {
  readonly services: Informer<Service>
  /** With the index `service` that `serviceOfSlice` computes. */
  readonly slices: Informer<EndpointSlice>
  readonly nodes: Informer<Node>
  /** One for each IP family of the node. */
  readonly netfilters: readonly Netfilter[]
  readonly nodeName: string
  readonly nodeAddresses: readonly string[]
  readonly podCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  readonly settings: ProxySettings
  /** What nodes serve themselves, at any of their addresses. */
  readonly servedPorts?: readonly ServedPort[]
  /** The API server, where its address is known. */
  readonly apiServer?: { readonly address: string; readonly port: number } | undefined
  /** The kernel lets packets pass that are out of their connection's window: then none is INVALID for a good reason. */
  readonly isTcpLiberal: boolean
  /** What else is read where the metrics are. */
  readonly moreMetrics?: () => readonly Registry[]
  readonly runner: CommandRunner
  readonly log: Logger
}

export interface ServiceStack {
  /** Resolves when all Services of the first lists are in the kernel. */
  readonly synced: Promise<void>
  /** Runs until `signal` aborts. Rules stay; what processes carry ends. */
  run(signal: AbortSignal): Promise<void>
}

/** Whether the kernel is liberal about TCP sequence numbers. */
export const readTcpLiberal = async (): Promise<boolean> =>
  ((await readSysctl('net.netfilter.nf_conntrack_tcp_be_liberal')) ?? '0') !== '0'

/** This machine's addresses, now. */
export const ownAddresses = (): ReadonlySet<string> =>
  new Set(Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []))

/** Where the clients of a port may be: at a relay, or at whoever serves. What is not relayed yet the kernel translates. */
const endPlaces = (view: ServicePortView, relays: ReadonlyMap<string, number>): readonly string[] => {
  const serving = view.endpoints.filter(({ ready, serving }) => ready || serving)
  const portals = portalsOf(view)
  if (portals.length === 0) return serving.map(({ address, port }) => place(address.text, port))
  return portals.flatMap(({ id, endpoints }) => {
    const port = relays.get(id)
    return port === undefined ? endpoints.map((one) => place(one.address, one.port)) : [place(relay, port)]
  })
}

const udpPortOf = (view: ServicePortView, relays: ReadonlyMap<string, number>): UdpPort => ({
  addresses: [view.clusterIP, ...view.externalIPs, ...view.loadBalancerIPs].map(({ text }) => text),
  port: view.port,
  nodePort: view.nodePort,
  endpoints: new Set(endPlaces(view, relays)),
})

/** Shows the cleaner the UDP ports of Services. */
export const udpFollower = (cleaner: UdpCleaner): PortFollower => ({
  set: (service, ports, relays) =>
    cleaner.set(
      service,
      ports.filter(({ protocol }) => protocol === 'udp').map((port) => udpPortOf(port, relays)),
    ),
  written: cleaner.written,
})

export const createServiceStack = (options: ServiceStackOptions): ServiceStack => {
  const { services, slices, nodes, netfilters, nodeName, nodeAddresses, podCIDRs, settings, runner, log } = options
  const serviceRanges = options.serviceCIDRs.map(cidrOf)
  const isServiceAddress = (text: string): boolean => {
    const address = parseAddress(text)
    return address !== undefined && serviceRanges.some((range) => contains(range, address))
  }
  const { servedPorts = [], apiServer } = options
  const reserved = {
    ports: new Set(
      servedPorts.filter(isServedEverywhere).flatMap((served) => {
        const protocol = protocolOf(served)
        return protocol ? [reservedPort(protocol, served.port)] : []
      }),
    ),
    places: new Set(apiServer ? [reservedPlace(apiServer.address, apiServer.port)] : []),
  }
  const families = netfilters.map(({ family }) => family)
  const health = createProxyHealth({ nodeName, nodes, families })
  const metrics = createProxyMetrics(settings.mode, options.moreMetrics)
  const observer = allObservers([health, metrics])

  const perFamily = netfilters.map((netfilter) => {
    const { family } = netfilter
    const cleaner = createUdpCleaner({
      ...{ connections: createConnections(runner, family), isServiceAddress, ownAddresses, log },
      onCleaned: (entries, seconds) => metrics.cleaned(family, entries, seconds),
    })
    const relays = createUserspaceProxy({ family, log, onOpen: (service) => proxy.refresh(service) })
    const proxy = createServiceProxy({
      ...{ services, slices, nodes, netfilter, nodeName, nodeAddresses, podCIDRs, relays, observer, log },
      writeSysctl,
      relayByDefault: settings.mode === 'userspace',
      ...{ reserved, isOwnAddress: (address: string) => ownAddresses().has(address) },
      followers: [udpFollower(cleaner)],
      localhostNodePorts: settings.localhostNodePorts,
      masqueradeAll: settings.masqueradeAll,
      masqueradeMark: 2 ** settings.masqueradeBit,
      dropInvalid: !options.isTcpLiberal,
      serviceCIDRs: options.serviceCIDRs,
      ...(settings.proxyName === undefined ? {} : { proxyName: settings.proxyName }),
      ...(settings.nodePortAddresses ? { nodePortAddresses: settings.nodePortAddresses } : {}),
    })
    metrics.add(family, proxy)
    return { proxy, relays, cleaner }
  })
  const synced = Promise.all(perFamily.map(({ proxy }) => proxy.synced)).then(() => undefined)
  const serviceHealth = createServiceHealth({
    ...{ services, slices, nodeName, log },
    isHealthy: () => health.isHealthy,
  })

  const serveHealthz = (at: ListenAddress, signal: AbortSignal): Promise<void> =>
    runHttpListener(
      {
        ...{ ...at, name: 'healthz', log },
        answer: (path) => {
          const reply = health.answer(path)
          metrics.probed(path, reply.status)
          return reply
        },
      },
      signal,
    )

  return {
    synced,
    run: async (signal) => {
      await applyLimits(settings.connections, availableParallelism(), log)
      const { healthz, metrics: metricsAt, localhostNodePorts, proxyName } = settings
      await Promise.all([
        ...perFamily.map(async ({ proxy, relays, cleaner }) => {
          const cleaning = Promise.race([proxy.synced, aborted(signal)]).then(() => cleaner.run(signal))
          await Promise.all([proxy.run(signal), cleaning])
          relays.close()
        }),
        serviceHealth.run(signal),
        healthz ? serveHealthz(healthz, signal) : undefined,
        metricsAt ? runHttpListener({ ...metricsAt, answer: metrics.answer, name: 'metrics', log }, signal) : undefined,
        localhostNodePorts
          ? runLocalhostNodePorts(
              {
                ...{ services, log },
                isServed: (service) => !isSkipped(service, proxyName),
                nodeAddress6: nodeAddresses.find((address) => isIPv6(address)),
              },
              signal,
            )
          : undefined,
      ])
    },
  }
}
