/** The node as one that runs pods: its Node, its pods, and the answers about them. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { steadyClock, systemClock } from '../../api/clock.ts'
import { createEventRecorder, referenceTo } from '../../api/event-recorder.ts'
import type { Informer } from '../../api/informer.ts'
import { readKubeconfig } from '../../api/kubeconfig.ts'
import { kubernetesVersion } from '../../api/kubernetes-version.ts'
import { isFinished } from '../../api/pods.ts'
import { objectKey } from '../../api/resources.ts'
import type { Pod, Service, StringMap } from '../../api/types/index.ts'
import { controlUserName } from '../../api/users.ts'
import { podResolvConf } from '../../dns/resolv-conf.ts'
import { keepApiServers, readApiServers } from '../api-servers.ts'
import { rotateClientCertificate } from '../certificates/client-certificate.ts'
import { createServingCertificate } from '../certificates/serving-certificate.ts'
import { containerDefaults } from '../env/defaults.ts'
import { type ServiceLink, toServiceLink } from '../env/service-links.ts'
import { createEvictionManager, type EvictionManager } from '../eviction/manager.ts'
import { createNodeSources } from '../eviction/node-sources.ts'
import { readHostResolvConf } from '../host-resolv-conf.ts'
import { createForwardCounters, type ForwardCounters } from '../logs/forward/counters.ts'
import { openSinks } from '../logs/forward/open-sinks.ts'
import { readAgentIdentity } from '../node/agent-identity.ts'
import { createCollectionEvents } from '../node/collection-events.ts'
import { type HostFacts, readHostFacts } from '../node/host-facts.ts'
import { acquireLease } from '../node/lease.ts'
import { nodeReference } from '../node/node-events.ts'
import { type NodeTraits, nodeCapacity } from '../node/node-object.ts'
import { createRegistration } from '../node/registration.ts'
import { allocatableOf } from '../node/reserved.ts'
import { imageDir, nodeRuntimes } from '../node-runtimes.ts'
import { createPodAgent, type PodAgent, type PodAgentOptions } from '../pod-agent.ts'
import { hostPortsOf } from '../pods/host-ports.ts'
import { createRuntimeClasses } from '../pods/runtime-classes.ts'
import type { Pressure } from '../pressure/signals.ts'
import { awaitRuntime, endLeftPods, noteRuntime, type OpenedRuntime } from '../runtime/cri/open-runtime.ts'
import { configPage } from '../server/config-page.ts'
import { createHttpHandlers } from '../server/http.ts'
import { createRoutes } from '../server/routes.ts'
import { createAgentServer } from '../server/server.ts'
import { createTunnel, type TunnelOptions } from '../server/tunnel.ts'
import { runTunnels } from '../server/tunnels.ts'
import { createNodeShutdown, type EndingPods, type NodeShutdown } from '../shutdown/node-shutdown.ts'
import { readShutdown, shutdownFile, writeProgress } from '../shutdown/request.ts'
import { createNodeStats, type NodeStats } from '../stats/node-stats.ts'
import { createPodPorts } from '../streams/pod-ports.ts'
import { createUpgrades } from '../streams/upgrades.ts'
import { createNodeMounts } from '../volumes/node-mounts.ts'
import { networkAnnotations } from './network.ts'
import type { AgentOptions } from './options.ts'
import type { CreatePart, NodeContext } from './part.ts'
import type { LivePodNetwork } from './pod-network-slot.ts'

const maxPods = 110

const caOf = ({ connection: { ca }, options }: NodeContext): string => {
  if (ca !== undefined) return ca
  throw new Error(`${options.kubeconfig} names no certificate authority: the agent knows its callers by it`)
}

/** Pods' host ports are forwarded while they are there; of one that cannot be, its pod's Events tell. */
const forwardHostPorts = (node: NodeContext, { pods }: PodAgent, { stack }: LivePodNetwork): void => {
  const { client, options } = node
  const { nodeName, log } = options
  const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, log })
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

/** Counts for as long as the process lives. */
const forwardCounters = ({ options, metrics }: NodeContext): ForwardCounters | undefined => {
  if (options.logForward.targets.length === 0) return undefined
  const counters = createForwardCounters()
  metrics.add(counters.registry)
  return counters
}

/** What an earlier forwarding has left goes when nothing is forwarded any more. */
const forwardLogs = async (
  { logForward, dataDir }: AgentOptions,
  counters: ForwardCounters | undefined,
): Promise<Pick<PodAgentOptions, 'logForward'>> => {
  const folder = join(dataDir, 'log-forward')
  if (counters) return { logForward: { sinks: await openSinks(logForward), counters, folder } }
  await rm(folder, { recursive: true, force: true })
  return {}
}

type Serving = ReturnType<typeof createServingCertificate>

interface PodsOfNode {
  readonly agent: PodAgent
  readonly removeUnusedImages: () => Promise<void>
}

const allocatableHere = ({ options: { reserved, eviction } }: NodeContext, host: HostFacts): StringMap =>
  allocatableOf(nodeCapacity({ host, maxPods }), reserved, eviction.thresholds)

const createAgent = async (
  node: NodeContext,
  host: HostFacts,
  { stack }: LivePodNetwork,
  containerRuntime: OpenedRuntime | undefined,
  counters: ForwardCounters | undefined,
  pressures: () => ReadonlySet<Pressure>,
  shutdown: NodeShutdown,
  signal: AbortSignal,
): Promise<PodsOfNode> => {
  const { client, runner, informers, options } = node
  const { nodeName, nodeAddresses, stateDir, dataDir, clusterDns, clusterDomain, log, imageCollection } = options
  const hostDns = await readHostResolvConf()
  const nodes = informers.nodes()
  const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, log })
  const { factories, removeUnusedImages } = await nodeRuntimes({
    ...{ first: options.runtime, stateDir, dataDir, runner, log, cgroupParent: options.cgroupParent },
    ...{ containerRuntime, nodeName, hostIPs: nodeAddresses },
    onDown: (why) => {
      if (why === undefined) node.readiness.serves('pods')
      else node.readiness.begins('pods', `container runtime is down: ${why}`)
    },
    ...{ imageCollection, onCollectionFailure: createCollectionEvents(events, nodeReference(nodeName)), signal },
    env: containerDefaults(options.launcherDir),
  })
  const agent = createPodAgent({
    ...(await forwardLogs(options, counters)),
    ...{ client, nodeName, network: stack.network, runner, log, stateDir, clusterDomain },
    logDir: join(dataDir, 'logs'),
    volumeDir: join(dataDir, 'volumes'),
    ...{ podManifestPath: options.podManifestPath, rejection: shutdown.rejection },
    csi: { folder: options.csiPlugins, stagingDir: join(dataDir, 'csi') },
    nodeMounts: createNodeMounts(runner),
    hostIPs: nodeAddresses,
    runtimes: factories,
    nodeNow: () => ({ node: nodes.get(nodeName), pressures: pressures() }),
    handlerOf: createRuntimeClasses(client, systemClock),
    allocatable: allocatableHere(node, host),
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
  return { agent, removeUnusedImages }
}

/** Looks after what the node has left. */
const createEvictions = (
  node: NodeContext,
  host: HostFacts,
  { agent, removeUnusedImages }: PodsOfNode,
  stats: NodeStats,
  onChange: () => void,
): EvictionManager => {
  const { client, options } = node
  const { nodeName, dataDir, log } = options
  // Those of the node's own files are what it is there for, and stay.
  const pods = (): readonly Pod[] =>
    [...agent.pods.values()].filter(
      (pod) =>
        !isFinished(pod) && pod.metadata.deletionTimestamp === undefined && !agent.isStatic(pod.metadata.uid ?? ''),
    )
  const reclaimDisk = async (): Promise<void> => {
    await agent.removeEndedLogs()
    await removeUnusedImages()
  }
  return createEvictionManager({
    ...{ settings: options.eviction, pods, end: agent.end, onChange, log, clock: steadyClock },
    node: nodeReference(nodeName),
    events: createEventRecorder({ client, component: 'kubelet', host: nodeName, log }),
    sources: createNodeSources({
      places: { memoryBytes: host.memoryBytes, nodeDir: dataDir, imageDir: imageDir(dataDir) },
      ...{ disk: agent.disk, pods, measured: stats.measured, reclaimDisk, log },
    }),
  })
}

/** The pods on one pod network, and who is asked about them. */
const runPods = async (
  node: NodeContext,
  serving: Serving,
  agent: PodAgent,
  stats: NodeStats,
  signal: AbortSignal,
): Promise<void> => {
  const { options, readiness, serversFile } = node
  const { stateDir, agentPort: port, clusterDns, clusterDomain, log } = options
  const ports = createPodPorts(join(stateDir, 'relays'))
  const configz = configPage({ port, clusterDomain, clusterDNS: [clusterDns], maxPods })
  const answer = stats.counted(createRoutes({ ...agent, pages: { ...stats.pages, configz } }))
  const handlers = createHttpHandlers(answer, createUpgrades({ ...agent, ports, log }), log)
  const tunnels = {
    create: (connection: TunnelOptions['connection']) => createTunnel({ connection, handlers, log }),
    connection: () => readKubeconfig(options.kubeconfig),
    others: () => readApiServers(serversFile),
  }
  const server =
    port === 0
      ? undefined
      : createAgentServer({
          ...{ handlers, ca: caOf(node), certificate: serving, host: '0.0.0.0', port, log },
          authorize: ({ name }) => name === controlUserName,
        })
  void Promise.resolve(server?.listening)
    .then(() => readiness.serves('pods'))
    // Who runs the server hears of it.
    .catch(() => undefined)
  await Promise.all([agent.run(signal), stats.run(signal), server?.run(signal), runTunnels(tunnels, signal)])
  ports.close()
}

/** The one of the machine, where pods shall run there. */
const openContainerRuntime = async (
  { options }: NodeContext,
  signal: AbortSignal,
): Promise<OpenedRuntime | undefined> => {
  const { runtime, criSocket, dataDir, nodeName: node, log } = options
  const opened = runtime === 'cri' ? await awaitRuntime(criSocket, log, signal) : undefined
  if (opened) await noteRuntime(dataDir, { socket: opened.socket, node })
  return opened
}

const versionOf = ({ version: { runtimeName, runtimeVersion } }: OpenedRuntime): string =>
  `${runtimeName}://${runtimeVersion}`

/** For so long an agent that is started again may take until it serves. */
const startMs = 30_000

const agentIdentityOf = ({ options }: NodeContext, host: HostFacts): Promise<string> =>
  readAgentIdentity(join(options.dataDir, 'agent-identity.json'), options.nodeName, host.info.bootID, (message) =>
    options.log.warn(message),
  )

const createShutdown = ({ client, options }: NodeContext, onChange: (isActive: boolean) => void): NodeShutdown => {
  const { nodeName, stateDir, log } = options
  const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, log })
  const tell = (isActive: boolean): void => {
    const what = isActive ? 'event' : 'cancellation'
    events.record(nodeReference(nodeName), 'Normal', 'NodeShutdown', `Shutdown manager detected shutdown ${what}`)
    onChange(isActive)
  }
  const file = shutdownFile(stateDir)
  return createNodeShutdown({
    ...{ read: () => readShutdown(file), onChange: tell, clock: systemClock, log },
    onProgress: (progress) => writeProgress(file, progress),
  })
}

const endingPodsOf = ({ pods, runtimes, end }: PodAgent): EndingPods => ({
  ...{ pods: () => [...pods.values()].filter((pod) => !isFinished(pod)), end },
  running: async () =>
    new Map(
      (await runtimes.sandboxes.list()).flatMap(({ id, namespace, name, running }) =>
        running ? [[id, `${namespace}/${name}`] as const] : [],
      ),
    ),
})

const runNode = async (node: NodeContext, signal: AbortSignal): Promise<void> => {
  const { client, connection, informers, options, readiness, refreshConnection, serversFile } = node
  const { nodeName, nodeAddresses, dataDir, agentPort, version, log } = options
  const ca = caOf(node)
  const host = await readHostFacts(dataDir)
  const containerRuntime = await openContainerRuntime(node, signal)
  if (signal.aborted) return
  const annotations = await networkAnnotations(node)
  const counters = forwardCounters(node)
  let agent: PodAgent | undefined
  let evictions: EvictionManager | undefined
  const pressures = (): ReadonlySet<Pressure> => evictions?.pressures() ?? new Set()

  const startedAt = Date.now()
  const traits = async (): Promise<NodeTraits> => ({
    ...{ name: nodeName, host, addresses: nodeAddresses, maxPods, kubeletPort: agentPort, labels: {}, annotations },
    problems: [...shutdown.problems(), ...readiness.problems()],
    isStarting: Date.now() - startedAt < startMs && shutdown.problems().length === 0,
    kubeletVersion: kubernetesVersion(version),
    ...{ allocatable: allocatableHere(node, host), pressures: pressures() },
    runtimeVersion: containerRuntime ? versionOf(containerRuntime) : `${options.runtime}://${version}`,
    images: (await agent?.runtimes.listImages()) ?? [],
  })
  const shutdown = createShutdown(node, (isActive) => {
    registration.refresh()
    if (!isActive) agent?.restartStatic()
  })
  const identity = await agentIdentityOf(node, host)
  const registration = createRegistration({ client, nodeName, identity, log, traits })
  // Before anybody is told of a node that is ready.
  await shutdown.look()
  const serving = createServingCertificate({
    ...{ client, nodeName, addresses: nodeAddresses, ca, log },
    file: join(dataDir, 'serving-certificate.json'),
  })
  readiness.onChange(() => {
    if (readiness.problems().length === 0) log.info('the node is ready')
    registration.refresh()
  })
  keepApiServers(informers.slices(), serversFile, refreshConnection, log, signal)
  await acquireLease({ client, nodeName, identity, log }, signal)
  const renewed = { client, nodeName, file: options.kubeconfig, connection, onRenewed: refreshConnection, log }
  await Promise.all([
    containerRuntime ? undefined : endLeftPods(dataDir, log, signal),
    registration.run(signal),
    // Without a port there is nobody to show it to.
    agentPort > 0 ? serving.run(signal, registration.registered) : undefined,
    options.hasJoined ? rotateClientCertificate(renewed, signal) : undefined,
    node.podNetwork.each(signal, async (network, life) => {
      const pods = await createAgent(node, host, network, containerRuntime, counters, pressures, shutdown, life)
      agent = pods.agent
      const stats = createNodeStats({ nodeName, host, version, agent, dataDir, runner: node.runner, log })
      evictions = createEvictions(node, host, pods, stats, registration.refresh)
      forwardHostPorts(node, agent, network)
      await Promise.all([
        ...[runPods(node, serving, agent, stats, life), evictions.run(life)],
        shutdown.run(endingPodsOf(agent), life),
      ])
    }),
  ]).finally(() => containerRuntime?.client.close())
}

export const createPods: CreatePart = (node) => {
  node.readiness.begins('pods', 'nobody answers for the pods yet')
  return { name: 'pods', isWarm: false, run: (signal) => runNode(node, signal) }
}
