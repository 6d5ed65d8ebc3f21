/**
 * Parts of a node's network beside somebody else's kubelet: Services, DNS, Ingress, with nothing but the standard API
 * (`--only proxy,dns,ingress`).
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createClient } from '../api/client.ts'
import { aborted, sleep } from '../api/clock.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { createInformer, type Informer } from '../api/informer.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import {
  ingressClasses,
  ingresses,
  nodes as nodeResource,
  pods as podResource,
  type Resource,
  services,
} from '../api/resources.ts'
import { createSliceInformer, serviceOfSlice } from '../api/slices.ts'
import type { KubeObject } from '../api/types/index.ts'
import { createCommandRunner } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import { familiesOf } from '../ipam/cidr.ts'
import { toPolicyPod } from '../overlay/policy/pod.ts'
import { createIngress } from '../proxy/ingress/ingress.ts'
import { type AgentOptions, readHostResolvConf, toUpstream } from './agent.ts'
import { createDnsStack, watchPublished } from './dns-stack.ts'
import { openRuleStore } from './rule-store.ts'
import { createServiceStack, readTcpLiberal } from './service-stack.ts'

export const parts = ['proxy', 'dns', 'ingress'] as const
export type Part = (typeof parts)[number]

type Shared =
  | ('kubeconfig' | 'nodeName' | 'nodeAddresses' | 'clusterCIDRs' | 'serviceCIDRs' | 'clusterDns' | 'clusterDomain')
  | ('upstreams' | 'ingressPort' | 'proxy' | 'dns' | 'log')

/** Where the node has no pod range of its own, the cluster's counts as local. */
export interface ServicesOnlyOptions extends Pick<AgentOptions, Shared> {
  readonly only: ReadonlySet<Part>
}

const retryMs = 1_000

/** Asks until the server answers: it may come up after us. Undefined when `signal` aborts first. */
const untilAnswered = async <T>(ask: () => Promise<T>, signal: AbortSignal, log: Logger): Promise<T | undefined> => {
  while (!signal.aborted) {
    try {
      return await ask()
    } catch (error) {
      log.warn({ err: error, retryInMs: retryMs }, 'the API server does not answer')
      await sleep(retryMs, signal)
    }
  }
  return undefined
}

/** Runs until `signal` aborts. What is in the kernel stays: traffic goes on. */
export const runServicesOnly = async (options: ServicesOnlyOptions, signal: AbortSignal): Promise<void> => {
  const { only, nodeName, nodeAddresses, clusterCIDRs, serviceCIDRs, clusterDns, log } = options
  const transport = createHttpTransport(await readKubeconfig(options.kubeconfig))
  const client = createClient(transport)
  const runner = createCommandRunner()
  const onErrorOf = (kind: string) => (error: unknown, retryInMs: number) =>
    log.warn({ err: error, kind, retryInMs }, 'cannot watch')
  const watch = <T extends KubeObject>(resource: Resource<T>): Informer<T> =>
    createInformer(client, resource, { onError: onErrorOf(resource.kind) })

  const found = await untilAnswered(
    () => createSliceInformer(client, { indexes: { service: serviceOfSlice }, onError: onErrorOf('EndpointSlice') }),
    signal,
    log,
  )
  if (!found) return
  log.info({ source: found.source, only: [...only] }, 'following Services')
  const { slices } = found
  const watched = { services: watch(services), slices, nodes: watch(nodeResource) }
  const running = Object.values(watched).map((informer) => informer.run(signal))

  const netfilterOf = await openRuleStore(runner, log)

  if (only.has('proxy')) {
    await Promise.race([watched.nodes.synced, aborted(signal)])
    const { podCIDRs = [], podCIDR } = watched.nodes.get(nodeName)?.spec ?? {}
    const own = podCIDRs.length > 0 ? podCIDRs : podCIDR ? [podCIDR] : clusterCIDRs
    const stack = createServiceStack({
      ...{ ...watched, nodeName, nodeAddresses, podCIDRs: own, runner, log },
      ...{ netfilters: familiesOf(serviceCIDRs).map(netfilterOf), serviceCIDRs, settings: options.proxy },
      isTcpLiberal: await readTcpLiberal(),
    })
    void stack.synced.then(() => log.info('Services are in the kernel'))
    running.push(stack.run(signal))
  }
  if (only.has('dns')) {
    const hostDns = await readHostResolvConf()
    const upstreams = options.upstreams ?? hostDns.nameservers
    const { snapshotFile } = options.dns
    if (snapshotFile !== undefined) await mkdir(dirname(snapshotFile), { recursive: true, mode: 0o700 })
    const pods = createInformer(client, podResource, { onError: onErrorOf('Pod'), view: toPolicyPod })
    const published = watchPublished(client, onErrorOf('ConfigMap'))
    running.push(pods.run(signal), published.run(signal))
    const dns = await createDnsStack({
      ...{
        ...watched,
        pods,
        published,
        settings: options.dns,
        address: clusterDns,
        device: 'lo',
        clusterDomain: options.clusterDomain,
      },
      ...{ upstreams: upstreams.map(toUpstream), searches: hostDns.searches, runner, log },
      ...{ clusterCIDRs, nodeAddresses, netfilterOf },
    })
    running.push(dns.run(signal, Promise.resolve()))
  }
  if (only.has('ingress')) {
    const more = { ingresses: watch(ingresses), classes: watch(ingressClasses) }
    const ingress = createIngress({
      ...{ ...watched, ...more, log },
      listen: { address: '0.0.0.0', port: options.ingressPort },
    })
    running.push(...Object.values(more).map((informer) => informer.run(signal)), ingress.run(signal))
  }
  await Promise.all(running)
  await transport.close()
}
