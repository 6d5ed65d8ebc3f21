/**
 * Parts of a node's network beside somebody else's kubelet: pod network, Services, DNS, Ingress, with nothing but the
 * standard API (`--only network,proxy,dns,ingress`).
 */

import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Registry } from 'prom-client'
import { createClient } from '../api/client.ts'
import { aborted, sleep } from '../api/clock.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { createInformer, type Informer } from '../api/informer.ts'
import { readKubeconfig } from '../api/kubeconfig.ts'
import { podCIDRsOf } from '../api/nodes.ts'
import {
  ingressClasses,
  ingresses,
  namespaces,
  networkPolicies,
  nodes as nodeResource,
  pods as podResource,
  type Resource,
  services,
} from '../api/resources.ts'
import { formatServedPorts, servedPortsAnnotation } from '../api/served-ports.ts'
import { createSliceInformer, serviceOfSlice } from '../api/slices.ts'
import type { KubeObject, Node } from '../api/types/index.ts'
import { createCommandRunner } from '../host/command.ts'
import type { Logger } from '../host/log.ts'
import { familiesOf } from '../ip/address.ts'
import { overlayAnnotations } from '../overlay/annotations.ts'
import { readIdentity } from '../overlay/identity.ts'
import { createPolicyMetrics } from '../overlay/policy/metrics.ts'
import { toPolicyPod } from '../overlay/policy/pod.ts'
import { type AgentOptions, toUpstream } from './agent.ts'
import { createDnsStack, watchPublished } from './dns-stack.ts'
import { readHostResolvConf } from './host-resolv-conf.ts'
import { createIngressStack, hasGatewayApi } from './ingress-stack.ts'
import { type Life, liveOnRanges } from './moves.ts'
import { createNodeEvents, tellRejected } from './node/node-events.ts'
import { servedPorts, serverPlace } from './node/served-ports.ts'
import { createPodNetworkStack } from './pod-network-stack.ts'
import { openRuleStore } from './rule-store.ts'
import { createServiceStack, readTcpLiberal } from './service-stack.ts'

export const parts = ['network', 'proxy', 'dns', 'ingress'] as const
export type Part = (typeof parts)[number]

type Shared =
  | ('kubeconfig' | 'nodeName' | 'nodeAddresses' | 'clusterCIDRs' | 'serviceCIDRs' | 'clusterDns' | 'clusterDomain')
  | ('upstreams' | 'ingress' | 'agentPort' | 'proxy' | 'dns' | 'overlay' | 'dataDir' | 'log')

/** Where the node has no pod range of its own, the cluster's counts as local. */
export interface ServicesOnlyOptions extends Pick<AgentOptions, Shared> {
  readonly only: ReadonlySet<Part>
}

const retryMs = 1_000
const complainAfterMs = 5_000

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

/** This node, as soon as its cluster has given it addresses for pods. Undefined when `signal` aborts first. */
const untilNetworked = async (
  nodes: Informer<Node>,
  nodeName: string,
  log: Logger,
  signal: AbortSignal,
): Promise<Node | undefined> => {
  const found = Promise.withResolvers<Node>()
  nodes.onChange((key, node) => {
    if (key === nodeName && node && podCIDRsOf(node).length > 0) found.resolve(node)
  })
  const complaint = setTimeout(
    () => log.warn({ node: nodeName }, 'the cluster has given this node no podCIDR yet (--allocate-node-cidrs)'),
    complainAfterMs,
  )
  const node = await Promise.race([found.promise, aborted(signal)])
  clearTimeout(complaint)
  return node ?? undefined
}

/** Runs until `signal` aborts. What is in the kernel stays: traffic goes on. */
export const runServicesOnly = (options: ServicesOnlyOptions, signal: AbortSignal): Promise<void> =>
  liveOnRanges(signal, options.log, (life) => live(options, life))

const live = async (options: ServicesOnlyOptions, { signal, endOnMove }: Life): Promise<void> => {
  const { only, nodeName, nodeAddresses, clusterCIDRs, serviceCIDRs, clusterDns, log } = options
  const connection = await readKubeconfig(options.kubeconfig)
  const transport = createHttpTransport(connection)
  const served = servedPorts({
    agentPort: options.agentPort,
    proxy: only.has('proxy') ? options.proxy : undefined,
    ingress: only.has('ingress') ? options.ingress : undefined,
    dnsMetrics: only.has('dns') ? options.dns.metrics : undefined,
    ...{ apiServer: serverPlace(connection.server), nodeAddresses },
  })
  const client = createClient(transport)
  const runner = createCommandRunner()
  const onErrorOf = (kind: string) => (error: unknown, retryInMs: number) =>
    log.warn({ err: error, kind, retryInMs }, 'cannot watch')
  const watch = <T extends KubeObject>(resource: Resource<T>): Informer<T> =>
    createInformer(client, resource, { onError: onErrorOf(resource.kind) })

  const slices = createSliceInformer(client, {
    indexes: { service: serviceOfSlice },
    onError: onErrorOf('EndpointSlice'),
  })
  const watched = { services: watch(services), slices, nodes: watch(nodeResource) }
  const running = Object.values(watched).map((informer) => informer.run(signal))

  const netfilterOf = await openRuleStore(runner, log)

  const pods = createInformer(client, podResource, { onError: onErrorOf('Pod'), view: toPolicyPod })
  if (only.has('network') || only.has('dns')) running.push(pods.run(signal))
  let policyMetrics: readonly Registry[] = []

  if (only.has('network')) {
    await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
    const { backend, keyFile } = options.overlay
    const identity = await readIdentity(backend, nodeName, keyFile, (message) => log.warn(message))
    const node = await untilNetworked(watched.nodes, nodeName, log, signal)
    if (!node) return
    const annotations = {
      ...overlayAnnotations(backend, identity, nodeAddresses[0] ?? ''),
      [servedPortsAnnotation]: formatServedPorts(served),
    }
    await untilAnswered(() => client.patch(nodeResource, node, { metadata: { annotations } }), signal, log)
    const more = { namespaces: watch(namespaces), policies: watch(networkPolicies) }
    const podCIDRs = podCIDRsOf(node)
    endOnMove(watched.nodes, nodeName, podCIDRs)
    const stack = await createPodNetworkStack({
      ...{ ...more, pods, nodes: watched.nodes, nodeName, nodeAddresses, podCIDRs, clusterCIDRs, serviceCIDRs },
      ...{
        clusterDns,
        settings: options.overlay,
        onRejected: tellRejected(createNodeEvents(client, nodeName, log)),
        identity,
        agentPort: options.agentPort,
        servedPorts: served,
        netfilters: familiesOf(podCIDRs).map(netfilterOf),
        runner,
        log,
      },
    })
    policyMetrics = [createPolicyMetrics(stack.policies)]
    void stack.ready.then(() => log.info({ podCIDRs, socket: options.overlay.cniSocket }, 'the pod network is ready'))
    running.push(...Object.values(more).map((informer) => informer.run(signal)), stack.run(signal))
  }
  if (only.has('proxy')) {
    await Promise.race([watched.nodes.synced, aborted(signal)])
    const known = podCIDRsOf(watched.nodes.get(nodeName))
    endOnMove(watched.nodes, nodeName, known)
    const own = known.length > 0 ? known : clusterCIDRs
    const stack = createServiceStack({
      ...{ ...watched, nodeName, nodeAddresses, podCIDRs: own, runner, log },
      ...{ netfilters: familiesOf(serviceCIDRs).map(netfilterOf), serviceCIDRs, settings: options.proxy },
      ...{ servedPorts: served, apiServer: serverPlace(connection.server) },
      isTcpLiberal: await readTcpLiberal(),
      moreMetrics: policyMetrics,
    })
    void stack.synced.then(() => log.info('Services are in the kernel'))
    running.push(stack.run(signal))
  }
  if (only.has('dns')) {
    const hostDns = await readHostResolvConf()
    const upstreams = options.upstreams ?? hostDns.nameservers
    const { snapshotFile } = options.dns
    if (snapshotFile !== undefined) await mkdir(dirname(snapshotFile), { recursive: true, mode: 0o700 })
    const published = watchPublished(client, onErrorOf('ConfigMap'))
    running.push(published.run(signal))
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
    const more = { ingresses: watch(ingresses), classes: watch(ingressClasses), namespaces: watch(namespaces) }
    running.push(...Object.values(more).map((informer) => informer.run(signal)))
    const settings = options.ingress
    const hasGateways = await untilAnswered(() => hasGatewayApi(client), signal, log)
    if (hasGateways === undefined) return
    const ingress = createIngressStack({
      ...watched,
      ...more,
      client,
      settings,
      hasGatewayApi: hasGateways,
      ...{ clusterDomain: options.clusterDomain, clusterDns },
      ...{ nodeName, nodeAddresses, netfilterOf, runner, log },
    })
    running.push(ingress.run(signal))
  }
  await Promise.all(running)
  await transport.close()
}
