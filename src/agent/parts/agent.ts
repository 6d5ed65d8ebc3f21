/** The node daemon: a list of parts, each of which has what it needs of the node. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '../../api/client.ts'
import { openTransport } from '../../api/http-transport.ts'
import { createCommandRunner } from '../../host/command.ts'
import { createIprouteReadings } from '../../host/iproute-readings.ts'
import { once } from '../../host/once.ts'
import { keepWaitingConnections } from '../../host/waiting-connections.ts'
import type { OverlayIdentity } from '../../overlay/annotations.ts'
import { readIdentity } from '../../overlay/identity.ts'
import { readApiServers } from '../api-servers.ts'
import { createClusterInformers } from '../cluster-informers.ts'
import { servedPorts, serverPlace } from '../node/served-ports.ts'
import type { PartName } from '../part-names.ts'
import { openRuleStore } from '../rule-store.ts'
import { openTakeover } from '../takeover.ts'
import { createWatchFailures } from '../watch-failures.ts'
import { createDns } from './dns.ts'
import { holdParts } from './hold-parts.ts'
import { createIngressPart } from './ingress.ts'
import { createNetwork } from './network.ts'
import type { AgentOptions } from './options.ts'
import type { CreatePart, NodeContext } from './part.ts'
import { createPodNetworkSlot } from './pod-network-slot.ts'
import { createPods } from './pods.ts'
import { createReadiness } from './readiness.ts'
import { createServices } from './services.ts'

const create: Readonly<Record<PartName, CreatePart>> = {
  network: createNetwork,
  proxy: createServices,
  dns: createDns,
  ingress: createIngressPart,
  pods: createPods,
}

/** What other nodes know this one by, read when it is first asked for. */
const identityOf = ({ overlay, nodeName, log }: AgentOptions): (() => Promise<OverlayIdentity>) =>
  once(() => readIdentity(overlay.backend, nodeName, overlay.keyFile, (message) => log.warn(message)))

const openNode = async (
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ readonly node: NodeContext; close(): Promise<void> }> => {
  const { only, nodeAddresses, dataDir, agentPort, log } = options
  const serversFile = join(dataDir, 'api-servers.json')
  const { connection, transport } = await openTransport(options.kubeconfig, () => readApiServers(serversFile))
  const client = createClient(transport)
  const runner = createCommandRunner()
  const iproute = createIprouteReadings(runner)
  const failures = createWatchFailures(log)
  const apiServer = serverPlace(connection.server)
  const node: NodeContext = {
    ...{ options, client, connection, refreshConnection: transport.refresh, serversFile, failures, apiServer },
    ...{ runner, iproute },
    informers: createClusterInformers(client, failures, signal),
    netfilterOf: await openRuleStore(runner, log),
    served: servedPorts({
      ...{ agentPort, apiServer, nodeAddresses },
      proxy: only.has('proxy') ? options.proxy : undefined,
      ingress: only.has('ingress') ? options.ingress : undefined,
      dnsMetrics: only.has('dns') ? options.dns.metrics : undefined,
    }),
    identity: identityOf(options),
    metrics: new Set(),
    readiness: createReadiness(),
    podNetwork: createPodNetworkSlot(),
  }
  const close = async (): Promise<void> => {
    iproute.close()
    await transport.close()
  }
  return { node, close }
}

/**
 * Runs until `signal` aborts, or other processes have taken all of its parts; rejects when a part cannot start. Pods and what is
 * in the kernel stay: traffic goes on.
 */
export const runAgent = async (options: AgentOptions, signal: AbortSignal): Promise<void> => {
  const { only, stateDir, dataDir, log } = options
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  await mkdir(stateDir, { recursive: true })
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await keepWaitingConnections(log)
  const takeover = await openTakeover(stateDir, log)
  try {
    const { node, close } = await openNode(options, either)
    const parts = [...only].map((name) => create[name](node))
    // Pods need all the others: who takes one part of their agent takes the node.
    const groups = only.has('pods') ? [parts] : parts.map((part) => [part])
    try {
      await Promise.all(groups.map((group) => holdParts(takeover, group, either)))
    } finally {
      // One that fails leaves none of the others behind.
      stop.abort()
      await close()
    }
  } finally {
    await takeover.close()
  }
}
