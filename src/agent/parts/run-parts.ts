/**
 * Parts of a node's network beside somebody else's kubelet: pod network, Services, DNS, Ingress, with nothing but the
 * standard API (`--only network,proxy,dns,ingress`). They start side by side: none waits for what another one needs.
 */
import { mkdir } from 'node:fs/promises'
import { createClient } from '../../api/client.ts'
import { openTransport } from '../../api/http-transport.ts'
import { createCommandRunner } from '../../host/command.ts'
import { keepWaitingConnections } from '../../host/waiting-connections.ts'
import { createClusterInformers } from '../cluster-informers.ts'
import { type Life, liveOnRanges } from '../moves.ts'
import { servedPorts, serverPlace } from '../node/served-ports.ts'
import type { Part } from '../part-names.ts'
import { openRuleStore } from '../rule-store.ts'
import { openTakeover } from '../takeover.ts'
import { createWatchFailures } from '../watch-failures.ts'
import { runDnsPart } from './dns-part.ts'
import { type HeldPart, holdPart, type RunHeld } from './hold-part.ts'
import { runIngressPart } from './ingress-part.ts'
import { runNetworkPart } from './network-part.ts'
import type { PartContext, PartsOptions } from './part.ts'
import { runProxyPart } from './proxy-part.ts'

type RunPart = (context: PartContext, ...held: Parameters<RunHeld>) => Promise<void>

/** Begins again whenever the node gets another range of pod addresses. */
const onRanges =
  (run: (context: PartContext, life: Life) => Promise<void>): RunPart =>
  (context, signal) =>
    liveOnRanges(signal, context.options.log, (life) => run(context, life))

const runs: Readonly<Record<Part, { readonly isWarm: boolean; readonly run: RunPart }>> = {
  network: { isWarm: false, run: onRanges(runNetworkPart) },
  proxy: { isWarm: false, run: onRanges(runProxyPart) },
  dns: { isWarm: true, run: runDnsPart },
  ingress: { isWarm: true, run: runIngressPart },
}

const heldPart = (name: Part, context: PartContext): HeldPart => {
  const { isWarm, run } = runs[name]
  return { name, isWarm, run: (signal, succession) => run(context, signal, succession) }
}

/**
 * Runs until `signal` aborts, or other processes have taken all of its parts; rejects when a part cannot start. What is in the
 * kernel stays: traffic goes on.
 */
export const runParts = async (options: PartsOptions, signal: AbortSignal): Promise<void> => {
  const { only, nodeAddresses, log } = options
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  await mkdir(options.stateDir, { recursive: true })
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
  await keepWaitingConnections(log)
  const takeover = await openTakeover(options.stateDir, log)
  const { connection, transport } = await openTransport(options.kubeconfig)
  const client = createClient(transport)
  const runner = createCommandRunner()
  const failures = createWatchFailures(log)
  const apiServer = serverPlace(connection.server)
  const context: PartContext = {
    ...{ options, client, failures, runner, apiServer },
    informers: createClusterInformers(client, failures, either),
    netfilterOf: await openRuleStore(runner, log),
    served: servedPorts({
      agentPort: options.agentPort,
      proxy: only.has('proxy') ? options.proxy : undefined,
      ingress: only.has('ingress') ? options.ingress : undefined,
      dnsMetrics: only.has('dns') ? options.dns.metrics : undefined,
      ...{ apiServer, nodeAddresses },
    }),
    metrics: new Set(),
  }
  try {
    await Promise.all([...only].map((part) => holdPart(takeover, heldPart(part, context), either)))
  } finally {
    // One that fails leaves none of the others behind.
    stop.abort()
    await Promise.all([transport.close(), takeover.close()])
  }
}
