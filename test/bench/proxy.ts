/**
 * What the service proxy costs with many Services, on both rule stores. Run inside scripts/universe.sh:
 *   sh scripts/universe.sh node --expose-gc test/bench/proxy.ts [SERVICES=10000] [CHANGES=50] [BACKEND…]
 * Times are from the change in the (in-memory) API to the return of the restore.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createClient } from '../../src/api/client.ts'
import { createInformer } from '../../src/api/informer.ts'
import { endpointSlices, services } from '../../src/api/resources.ts'
import { serviceOfSlice } from '../../src/api/slices.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createNetfilter, type Netfilter, type NetfilterBackend } from '../../src/host/netfilter/netfilter.ts'
import { cleanupProxy } from '../../src/proxy/iptables/kernel.ts'
import { createServiceProxy } from '../../src/proxy/iptables/service-proxy.ts'
import { type ClusterApi, openClusterApi } from '../support/cluster-api.ts'
import { makeService, makeSlice } from '../unit/proxy/support/objects.ts'
import { sized } from './support/size.ts'

const [count = String(sized(10_000, 20)), changes = String(sized(50, 3)), ...chosen] = process.argv.slice(2)
const backends: readonly NetfilterBackend[] = (['nft', 'legacy'] as const).filter(
  (backend) => chosen.length === 0 || chosen.includes(backend),
)

const percentile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN

const round = (value: number): number => Math.round(value * 10) / 10
const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024)
/** Of live objects; needs --expose-gc to mean anything. */
const memory = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** As many pods as a node usually has at most are on this one. */
const localPods = 110

const slice = (at: number, last: number) => {
  const first =
    at < localPods ? { address: `10.1.0.${at + 2}`, node: 'here' } : { address: `10.3.${at >> 8}.${at & 255}` }
  return makeSlice([first, { address: `10.2.${last}.${at & 255}`, node: 'away' }], { service: `web-${at}` })
}

/** Cluster addresses all over a /16, as an allocator that draws lots gives them. */
const fill = (api: ClusterApi, size: number): void => {
  for (let at = 0; at < size; at++) {
    const number = (at * 7919) % 65_536
    api.put('services', makeService({ name: `web-${at}`, clusterIP: `10.96.${number >> 8}.${number & 255}` }))
    api.put('endpointslices', slice(at, 0))
  }
}

interface Watched extends Netfilter {
  /** Resolves after the next change was written. */
  written(): Promise<void>
}

const watch = (netfilter: Netfilter): Watched => {
  let next = Promise.withResolvers<void>()
  return {
    ...netfilter,
    written: () => next.promise,
    apply: async (edits) => {
      await netfilter.apply(edits)
      if (edits.every(({ chains }) => chains.length === 0)) return
      next.resolve()
      next = Promise.withResolvers<void>()
    },
  }
}

const startProxy = (api: ClusterApi, netfilter: Netfilter) => {
  const client = createClient(api)
  const stop = new AbortController()
  const watched = createInformer(client, services)
  const slices = createInformer(client, endpointSlices, { indexes: { service: serviceOfSlice } })
  const proxy = createServiceProxy({
    ...{
      services: watched,
      slices,
      netfilter,
      nodeName: 'here',
      podCIDRs: ['10.1.0.0/24'],
      serviceCIDRs: ['10.96.0.0/16'],
      log: silentLogger,
      writeSysctl: async () => undefined,
    },
  })
  const running = [watched.run(stop.signal), slices.run(stop.signal)]
  const ready = Promise.all([watched.synced, slices.synced])
  const start = async (): Promise<number> => {
    await ready
    const started = performance.now()
    running.push(proxy.run(stop.signal))
    await proxy.synced
    return performance.now() - started
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await Promise.all(running)
  }
  return { start, end, ready }
}

const measure = async (backend: NetfilterBackend): Promise<Readonly<Record<string, number | string>>> => {
  const size = Number(count)
  const netfilter = watch(createNetfilter(createCommandRunner(), 'IPv4', backend))
  const api = await openClusterApi()
  fill(api, size)
  const first = startProxy(api, netfilter)
  await first.ready
  const before = memory()
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const coldMs = await first.start()
  delay.disable()
  const after = memory()
  const times: number[] = []
  for (let change = 0; change < Number(changes); change++) {
    const written = netfilter.written()
    const started = performance.now()
    api.put('endpointslices', slice((change * 997) % size, 1 + change))
    await written
    times.push(performance.now() - started)
  }
  await first.end()
  const second = startProxy(api, netfilter)
  const warmMs = await second.start()
  await second.end()
  const started = performance.now()
  await cleanupProxy(netfilter)
  return {
    backend,
    services: size,
    'cold start, ms': Math.round(coldMs),
    'longest block of the loop, ms': Math.round(delay.max / 1e6),
    'one endpoint p50, ms': round(percentile(times, 0.5)),
    'one endpoint p99, ms': round(percentile(times, 0.99)),
    'restart (reads back, writes nothing), ms': Math.round(warmMs),
    'clean-up, ms': Math.round(performance.now() - started),
    'heap above informers, MB': megabytes(after - before),
  }
}

for (const backend of backends) console.log(JSON.stringify(await measure(backend), undefined, 2))
