/** The cluster DNS on a node: its address as one of the node's own, and the server on it. */

import type { Client } from '../api/client.ts'
import { aborted } from '../api/clock.ts'
import { createInformer, type Informer } from '../api/informer.ts'
import { publishedLabel } from '../api/labels.ts'
import { configMaps } from '../api/resources.ts'
import type { EndpointSlice, Service } from '../api/types/index.ts'
import type { DnsConfig } from '../dns/config/config.ts'
import type { Upstream } from '../dns/config/upstream.ts'
import { followDnsConfig, readDnsConfig } from '../dns/config/watch.ts'
import { createClusterDns } from '../dns/dns.ts'
import { answerDnsProbe, type DnsFacts } from '../dns/metrics.ts'
import { createNodeAddress } from '../dns/node-address.ts'
import { type Published, publishedBy } from '../dns/skydns/published.ts'
import { mergeStats } from '../dns/thread/stats.ts'
import type { PodName } from '../dns/zone/pod-records.ts'
import { type ListenAddress, runHttpListener } from '../host/http-listener.ts'
import type { Iproute } from '../host/iproute.ts'
import type { Logger } from '../host/log.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'
import { sumRestarts } from '../host/restarts.ts'
import { familyOf, type IpFamily } from '../ip/address.ts'
import { hostCidr } from '../ip/cidr.ts'

/** What the operator of a node may choose about DNS. */
export interface DnsSettings {
  /** Where the rest is configured; undefined: nowhere. */
  readonly configFile: string | undefined
  /** Where the last known zone is kept; undefined: nowhere. */
  readonly snapshotFile: string | undefined
  /** Threads that answer, on one port. */
  readonly threads: number
  /** `/metrics`, `/health` and `/ready`; undefined: not served. */
  readonly metrics: ListenAddress | undefined
}

export interface DnsStackOptions {
  readonly services: Informer<Service>
  readonly slices: Informer<EndpointSlice>
  /** The cluster DNS address, and the device that shall have it. */
  readonly address: string
  readonly device: string
  readonly clusterDomain: string
  /** For the names of pods; without, there are none. */
  readonly pods?: Informer<PodName>
  readonly published?: Informer<Published>
  readonly settings: DnsSettings
  readonly upstreams: readonly Upstream[]
  /** The search domains of the node's own resolver. */
  readonly searches: readonly string[]
  /** Pods and nodes; they, and this node, may ask for names outside of the cluster. */
  readonly clusterCIDRs: readonly string[]
  readonly nodeAddresses: readonly string[]
  readonly netfilterOf: (family: IpFamily) => Netfilter
  readonly iproute: Iproute
  readonly log: Logger
}

/** ConfigMaps in which users publish records. */
export const watchPublished = (
  client: Client,
  onError: (error: unknown, retryInMs: number) => void,
): Informer<Published> =>
  createInformer(client, configMaps, { onError, labelSelector: publishedLabel, view: publishedBy })

export interface DnsStack {
  readonly ready: Promise<void>
  /** Serves until `signal` aborts; `alone`: see `ClusterDns`. */
  run(signal: AbortSignal, alone: Promise<void>): Promise<void>
}

export const dnsPort = 53

export const toUpstream = (address: string): Upstream => ({ address, port: dnsPort })

/** Rejects when the configuration is wrong: a start with another one than was asked for would be worse. */
export const createDnsStack = async (options: DnsStackOptions): Promise<DnsStack> => {
  const { configFile, snapshotFile, metrics, threads } = options.settings
  const configured = configFile === undefined ? undefined : await readDnsConfig(configFile)
  const { pods, published, address, device, clusterCIDRs, nodeAddresses, log } = options
  const own = createNodeAddress({
    ...{ address, port: dnsPort, device },
    ...{ iproute: options.iproute, netfilter: options.netfilterOf(familyOf(address)), log },
  })
  const recursionCIDRs = [...clusterCIDRs, ...[...nodeAddresses, address, '::1'].map(hostCidr), '127.0.0.0/8']
  /** The kernel shares the packets out among them; one keeps the zone on disk for all. */
  const servers = Array.from({ length: threads }, (_, at) =>
    createClusterDns({
      ...{ services: options.services, slices: options.slices, clusterDomain: options.clusterDomain, log },
      ...{ upstreams: options.upstreams, searches: options.searches, recursionCIDRs },
      ...{ addresses: [address], port: dnsPort },
      ...(pods ? { pods } : {}),
      ...(published ? { published } : {}),
      ...(configured ? { config: configured.config } : {}),
      ...(snapshotFile === undefined ? {} : { snapshotFile, savesSnapshot: at === 0 }),
    }),
  )
  const facts: DnsFacts = {
    get isSynced() {
      return servers.every(({ isSynced }) => isSynced)
    },
    stats: async () => {
      const all = (await Promise.all(servers.map((server) => server.stats()))).filter((stats) => stats !== undefined)
      return all.length > 0 ? mergeStats(all) : undefined
    },
    restarts: () => sumRestarts(servers.map((server) => server.restarts)),
    looping: () => servers.map((server) => server.looping()).find((why) => why !== undefined),
  }
  const configure = (config: DnsConfig): void => {
    for (const server of servers) server.configure(config)
  }
  return {
    ready: Promise.all(servers.map(({ ready }) => ready)).then(() => undefined),
    run: async (signal, alone) => {
      const holding = own.run(signal)
      await Promise.race([own.synced, aborted(signal)])
      await Promise.all([
        holding,
        ...servers.map((server) => server.run(signal, alone)),
        configured ? followDnsConfig(configured, configure, log, signal) : undefined,
        metrics
          ? runHttpListener(
              { ...metrics, name: 'DNS metrics', log, answer: (path) => answerDnsProbe(facts, path) },
              signal,
            )
          : undefined,
      ])
    },
  }
}
