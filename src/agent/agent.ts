/** The node daemon as a whole: registers the node, carries its traffic, runs its pods. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '../api/client.ts'
import { sleep, systemClock } from '../api/clock.ts'
import { createEventRecorder, type EventRecorder, referenceTo } from '../api/event-recorder.ts'
import { openTransport } from '../api/http-transport.ts'
import type { Informer } from '../api/informer.ts'
import { type Connection, readKubeconfig } from '../api/kubeconfig.ts'
import { kubernetesVersion } from '../api/kubernetes-version.ts'
import { objectKey } from '../api/resources.ts'
import { formatServedPorts, servedPortsAnnotation } from '../api/served-ports.ts'
import type { Pod, Service } from '../api/types/index.ts'
import { controlUserName } from '../api/users.ts'
import type { Upstream } from '../dns/config/upstream.ts'
import { podResolvConf } from '../dns/resolv-conf.ts'
import { createCommandRunner } from '../host/command.ts'
import { jsonOf, readOrSetAside } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { Logger } from '../host/log.ts'
import { keepWaitingConnections } from '../host/waiting-connections.ts'
import { parseCidr } from '../ip/cidr.ts'
import { overlayAnnotations } from '../overlay/annotations.ts'
import { podBridge } from '../overlay/bridge.ts'
import { readIdentity } from '../overlay/identity.ts'
import { keepApiServers, readApiServers } from './api-servers.ts'
import { rotateClientCertificate } from './certificates/client-certificate.ts'
import { createServingCertificate } from './certificates/serving-certificate.ts'
import { createClusterInformers } from './cluster-informers.ts'
import { createDnsStack, type DnsSettings, dnsPort } from './dns-stack.ts'
import { containerDefaults } from './env/defaults.ts'
import { type ServiceLink, toServiceLink } from './env/service-links.ts'
import { readHostResolvConf } from './host-resolv-conf.ts'
import type { IngressStackSettings } from './ingress-stack.ts'
import { type Life, liveOnRanges } from './moves.ts'
import { createNetworkStack, type NetworkStack } from './network-stack.ts'
import { readAgentIdentity } from './node/agent-identity.ts'
import { readHostFacts } from './node/host-facts.ts'
import { acquireLease } from './node/lease.ts'
import { createNodeEvents, tellRejected } from './node/node-events.ts'
import { type NodeTraits, nodeCapacity } from './node/node-object.ts'
import { createRegistration } from './node/registration.ts'
import { servedPorts, serverPlace } from './node/served-ports.ts'
import { nodeRuntimes } from './node-runtimes.ts'
import { parts } from './part-names.ts'
import { createPodAgent, type PodAgent } from './pod-agent.ts'
import type { OverlaySettings } from './pod-network-stack.ts'
import { type RangesWait, untilRanges } from './pod-ranges.ts'
import { hostPortsOf } from './pods/host-ports.ts'
import { createRuntimeClasses } from './pods/runtime-classes.ts'
import { openRuleStore } from './rule-store.ts'
import type { Image } from './runtime/images.ts'
import type { RuntimeName } from './runtime/runtime-names.ts'
import { configPage } from './server/config-page.ts'
import { createHttpHandlers } from './server/http.ts'
import { createRoutes } from './server/routes.ts'
import { createAgentServer } from './server/server.ts'
import { createTunnel, type TunnelOptions } from './server/tunnel.ts'
import { runTunnels } from './server/tunnels.ts'
import type { ProxySettings } from './service-stack.ts'
import { createNodeStats } from './stats/node-stats.ts'
import { createPodPorts } from './streams/pod-ports.ts'
import { createUpgrades } from './streams/upgrades.ts'
import { type Claim, openTakeover } from './takeover.ts'
import { createNodeMounts } from './volumes/node-mounts.ts'
import { createWatchFailures } from './watch-failures.ts'

export interface AgentOptions {
  readonly kubeconfig: string
  /** The kubeconfig was made by joining: the certificate in it is renewed there. */
  readonly hasJoined: boolean
  readonly nodeName: string
  /** Among the nodes, at most one of each IP family; the first carries pod traffic. */
  readonly nodeAddresses: readonly string[]
  /** What need not outlive a reboot. */
  readonly stateDir: string
  /** What must. */
  readonly dataDir: string
  /** Different for each node of one machine. */
  readonly cgroupParent: string
  /** What runs pods that do not ask for another. */
  readonly runtime: RuntimeName
  readonly overlay: OverlaySettings
  readonly clusterCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  readonly clusterDns: string
  readonly clusterDomain: string
  /** Where names outside are asked for; those of the node's resolv.conf when missing. */
  readonly upstreams: readonly string[] | undefined
  readonly ingress: IngressStackSettings
  readonly proxy: ProxySettings
  readonly dns: DnsSettings
  /** 0 for none: the control plane comes over the connection that the agent dials. */
  readonly agentPort: number
  /** The folder with the `podway` that containers find on their PATH. */
  readonly launcherDir: string
  readonly version: string
  readonly log: Logger
}

const maxPods = 110
/** For so long a successor may take to answer DNS before it ends the agent of before. */
const warmMs = 10_000

const caOf = ({ ca }: Connection, file: string): string => {
  if (ca === undefined) throw new Error(`${file} names no certificate authority: the agent knows its callers by it`)
  return ca
}

export const toUpstream = (address: string): Upstream => ({ address, port: dnsPort })

const isNetworks = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && parseCidr(each))

/** The node's pod network as it was when this agent last ran. Without it the control plane has to tell. */
export const readKeptNetwork = (file: string, log: Logger): Promise<readonly string[] | undefined> =>
  readOrSetAside(file, jsonOf('pod networks', isNetworks), (message) => log.warn(message))

/** For so long the control plane may answer before the node goes on with what it knew. */
const patienceMs = 2_000

/**
 * Resolves when the control plane has given this node its pod network, or, while it is away, to the one of before: what
 * is in the kernel and on disk is enough for the node's traffic and its DNS.
 */
const waitForNetwork = async (wait: RangesWait, file: string, signal: AbortSignal): Promise<readonly string[]> => {
  const { nodes, log } = wait
  const over = new AbortController()
  const told = untilRanges(wait, AbortSignal.any([signal, over.signal]))
  const kept = await readKeptNetwork(file, log)
  const late = kept && sleep(patienceMs, signal).then(() => (nodes.isSynced ? told : kept))
  const podCIDRs = await (late ? Promise.race([told, late]) : told)
  over.abort()
  if (podCIDRs === kept) log.warn({ podCIDRs }, 'API server unreachable; using the last known podCIDRs')
  else if (podCIDRs.length > 0) await writeFileAtomic(file, JSON.stringify(podCIDRs))
  return podCIDRs
}

/** Pods' host ports are forwarded while they are there; of one that cannot be, its pod's Events tell. */
const forwardHostPorts = ({ pods }: PodAgent, stack: NetworkStack, events: EventRecorder, log: Logger): void => {
  const forward = async (pod: Pod, uid: string): Promise<void> => {
    for (const problem of await stack.setHostPorts(uid, hostPortsOf(pod))) {
      log.warn({ pod: objectKey(pod), problem }, 'host port is not forwarded')
      events.record(referenceTo(pod), 'Warning', 'HostPortRejected', problem)
    }
  }
  pods.onChange((_key, current, previous) => {
    const before = previous?.metadata.uid
    if (before && before !== current?.metadata.uid) void stack.setHostPorts(before, [])
    if (current?.metadata.uid) void forward(current, current.metadata.uid)
  })
}

/** Services with addresses, for the environment of containers. */
const serviceLinks = (services: Informer<Service>) => ({
  synced: services.synced,
  *all(): Generator<ServiceLink> {
    for (const service of services.values()) {
      const link = toServiceLink(service)
      if (link) yield link
    }
  },
})

/** A node's agent has them all: who takes one of them takes the node. */
const ownParts = ['pods', ...parts]

/**
 * Runs until `signal` aborts; pods and their traffic go on afterwards. Rejects when it cannot start, or when another agent is
 * this node now; then all of its parts have ended.
 */
export const runAgent = async (options: AgentOptions, signal: AbortSignal): Promise<void> => {
  const { stateDir, log } = options
  await mkdir(stateDir, { recursive: true })
  await keepWaitingConnections(log)
  const takeover = await openTakeover(stateDir, log)
  const claims = await Promise.all(ownParts.map(takeover.claim))
  const either = AbortSignal.any([signal, ...claims.map((claim) => claim.signal)])
  try {
    await liveOnRanges(either, log, (life) => live(options, claims, life))
  } finally {
    await Promise.all(claims.map((claim) => claim.end()))
    await takeover.close()
  }
}

const live = async (
  options: AgentOptions,
  claims: readonly Claim[],
  { signal, beginning, endOnMove }: Life,
): Promise<void> => {
  const { nodeName, nodeAddresses, stateDir, dataDir, clusterDns, clusterDomain, log } = options
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const serversFile = join(dataDir, 'api-servers.json')
  const { connection, transport } = await openTransport(options.kubeconfig, () => readApiServers(serversFile))
  const ca = caOf(connection, options.kubeconfig)
  const client = createClient(transport)
  const runner = createCommandRunner()
  const host = await readHostFacts(dataDir)
  const hostDns = await readHostResolvConf()
  const identity = await readIdentity(options.overlay.backend, nodeName, options.overlay.keyFile, (message) =>
    log.warn(message),
  )
  let problems: readonly string[] = [beginning]
  let listImages: () => Promise<readonly Image[]> = async () => []
  const apiServer = serverPlace(connection.server)
  const served = servedPorts({ ...options, dnsMetrics: options.dns.metrics, apiServer })

  const traits = async (): Promise<NodeTraits> => ({
    ...{ name: nodeName, host, addresses: nodeAddresses, maxPods, kubeletPort: options.agentPort, problems },
    kubeletVersion: kubernetesVersion(options.version),
    ...{ runtimeVersion: `${options.runtime}://${options.version}`, images: await listImages() },
    labels: {},
    annotations: {
      ...overlayAnnotations(options.overlay.backend, identity, nodeAddresses[0] ?? ''),
      [servedPortsAnnotation]: formatServedPorts(served),
    },
  })
  const agentIdentity = await readAgentIdentity(
    join(dataDir, 'agent-identity.json'),
    nodeName,
    host.info.bootID,
    (message) => log.warn(message),
  )
  const registration = createRegistration({ client, nodeName, identity: agentIdentity, log, traits })
  const serving = createServingCertificate({
    ...{ client, nodeName, addresses: nodeAddresses, ca, log },
    file: join(dataDir, 'serving-certificate.json'),
  })
  const failures = createWatchFailures(log)
  const informers = createClusterInformers(client, failures, signal)
  keepApiServers(informers.slices(), serversFile, transport.refresh, log, signal)
  const netfilterOf = await openRuleStore(runner, log)
  const dns = await createDnsStack({
    ...{ services: informers.services(), slices: informers.slices() },
    ...{ pods: informers.pods(), published: informers.published() },
    ...{ settings: options.dns, address: clusterDns, device: podBridge, clusterDomain },
    upstreams: (options.upstreams ?? hostDns.nameservers).map(toUpstream),
    ...{ searches: hostDns.searches, clusterCIDRs: options.clusterCIDRs, nodeAddresses, netfilterOf, runner, log },
  })
  const bridged = Promise.withResolvers<void>()
  const alone = Promise.withResolvers<void>()
  const background = [dns.run(signal, bridged.promise, alone.promise)]
  const others = await Promise.all(claims.map((claim) => claim.hasOthers()))
  if (others.includes(true)) {
    // Their bridge is there.
    bridged.resolve()
    await Promise.race([dns.ready, sleep(warmMs, signal)])
  }
  alone.resolve()
  await Promise.all(claims.map((claim) => claim.replaceOthers()))
  if (signal.aborted) return
  await acquireLease({ client, nodeName, identity: agentIdentity, log }, signal)
  const nodes = informers.nodes()
  background.push(registration.run(signal))
  // Without a port there is nobody to show it to.
  if (options.agentPort > 0) background.push(serving.run(signal, registration.registered))
  if (options.hasJoined)
    background.push(
      rotateClientCertificate(
        { client, nodeName, file: options.kubeconfig, connection, onRenewed: transport.refresh, log },
        signal,
      ),
    )
  const running = Promise.all(background)
  const network = waitForNetwork({ nodes, nodeName, failures, log }, join(dataDir, 'pod-networks.json'), signal)
  const podCIDRs = await Promise.race([network, running.then(() => [])])
  if (signal.aborted) return
  endOnMove(nodes, nodeName, podCIDRs)

  const stack = await createNetworkStack({
    ...{ informers, failures, nodes, nodeName, nodeAddresses, podCIDRs, netfilterOf, runner, log },
    ...{ clusterCIDRs: options.clusterCIDRs, serviceCIDRs: options.serviceCIDRs, clusterDns, clusterDomain },
    ...{ client, ingress: options.ingress, proxy: options.proxy, settings: options.overlay, identity },
    agentPort: options.agentPort,
    servedPorts: served,
    apiServer,
    onRejected: tellRejected(createNodeEvents(client, nodeName, log)),
  })
  void stack.bridged.then(bridged.resolve)
  const agent = createPodAgent({
    ...{ client, nodeName, network: stack.network, runner, log, stateDir, clusterDomain },
    logDir: join(dataDir, 'logs'),
    volumeDir: join(dataDir, 'volumes'),
    nodeMounts: createNodeMounts(runner),
    hostIPs: nodeAddresses,
    runtimes: await nodeRuntimes({
      ...{ first: options.runtime, stateDir, dataDir, runner, log, cgroupParent: options.cgroupParent },
      env: containerDefaults(options.launcherDir),
    }),
    handlerOf: createRuntimeClasses(client, systemClock),
    allocatable: nodeCapacity({ host, maxPods }),
    hostPorts: true,
    services: serviceLinks(informers.services()),
    resolvConf: async ({ spec, metadata }: Pod) =>
      podResolvConf(
        {
          policy: spec.dnsPolicy ?? 'ClusterFirst',
          hostNetwork: spec.hostNetwork ?? false,
          namespace: metadata.namespace ?? '',
          config: spec.dnsConfig,
        },
        { domain: clusterDomain, nameservers: [clusterDns] },
        hostDns,
      ),
  })
  listImages = agent.runtimes.listImages
  const events = createEventRecorder({ client, component: 'podway', host: nodeName, log })
  forwardHostPorts(agent, stack, events, log)
  const ports = createPodPorts(join(stateDir, 'relays'))
  const stats = createNodeStats({ nodeName, host, version: options.version, agent, dataDir, log })
  const configz = configPage({ port: options.agentPort, clusterDomain, clusterDNS: [clusterDns], maxPods })
  const answer = stats.counted(createRoutes({ ...agent, pages: { ...stats.pages, configz } }))
  const handlers = createHttpHandlers(answer, createUpgrades({ ...agent, ports, log }), log)
  const tunnels = {
    create: (connection: TunnelOptions['connection']) => createTunnel({ connection, handlers, log }),
    connection: () => readKubeconfig(options.kubeconfig),
    others: () => readApiServers(serversFile),
  }
  const server =
    options.agentPort === 0
      ? undefined
      : createAgentServer({
          ...{ handlers, ca, certificate: serving, host: '0.0.0.0', port: options.agentPort, log },
          authorize: ({ name }) => name === controlUserName,
        })
  void Promise.all([stack.ready, dns.ready, server?.listening])
    .then(() => {
      problems = []
      log.info({ podCIDRs }, 'the node is ready')
      registration.refresh()
    })
    // Whoever runs the part that failed hears of it from there.
    .catch(() => undefined)
  await Promise.all([
    running,
    stack.run(signal),
    agent.run(signal),
    stats.run(signal),
    server?.run(signal),
    runTunnels(tunnels, signal),
  ])
  ports.close()
  await transport.close()
}
