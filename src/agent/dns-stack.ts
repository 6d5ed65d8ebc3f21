/** The cluster DNS on a node: its address as one of the node's own, and the server on it. */
import type { Informer } from '../api/informer.ts'
import type { EndpointSlice, Service } from '../api/types/index.ts'
import { createClusterDns } from '../dns/dns.ts'
import type { Upstream } from '../dns/forward/upstream.ts'
import { createNodeAddress } from '../dns/node-address.ts'
import type { CommandRunner } from '../host/command.ts'
import { createIproute } from '../host/iproute.ts'
import type { Logger } from '../host/log.ts'
import type { Netfilter } from '../host/netfilter/netfilter.ts'

export interface DnsStackOptions {
  readonly services: Informer<Service>
  readonly slices: Informer<EndpointSlice>
  /** The cluster DNS address, and the device that shall have it. */
  readonly address: string
  readonly device: string
  readonly clusterDomain: string
  readonly upstreams: readonly Upstream[]
  /** Who may ask for names outside of the cluster. */
  readonly recursionCIDRs: readonly string[]
  /** Of the address's family. */
  readonly netfilter: Netfilter
  readonly runner: CommandRunner
  readonly log: Logger
}

export interface DnsStack {
  readonly ready: Promise<void>
  /** Serves as soon as the device is there, until `signal` aborts. */
  run(signal: AbortSignal, device: Promise<void>): Promise<void>
}

export const dnsPort = 53

export const createDnsStack = (options: DnsStackOptions): DnsStack => {
  const { services, slices, address, device, clusterDomain, upstreams, recursionCIDRs, netfilter, runner, log } =
    options
  const own = createNodeAddress({
    ...{ address, port: dnsPort, device },
    ...{ iproute: createIproute(runner), netfilter, log },
  })
  const dns = createClusterDns({
    ...{ services, slices, clusterDomain, upstreams, recursionCIDRs, log },
    ...{ addresses: [address], port: dnsPort },
  })
  return {
    ready: dns.ready.then(() => undefined),
    run: async (signal, deviceReady) => {
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      await Promise.race([deviceReady, stopped])
      const holding = own.run(signal)
      await Promise.race([own.synced, stopped])
      await Promise.all([holding, dns.run(signal)])
    },
  }
}
