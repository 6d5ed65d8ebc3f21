/** Many nodes without a machine, in one process: one watch for all Nodes, one for all pods, and bounded writes. */
import type { Client } from '../../api/client.ts'
import { aborted, type Clock, systemClock } from '../../api/clock.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { createInformer } from '../../api/informer.ts'
import { nodes, pods } from '../../api/resources.ts'
import { counted } from '../../host/counted.ts'
import type { Logger } from '../../host/log.ts'
import { createWatchFailures } from '../watch-failures.ts'
import { createSimulatedNodes } from './nodes.ts'
import { createSimulatedPods, podIndexes } from './pods.ts'
import { isSimulated, type NodeFleet, nodeNames, simulatedLabel } from './simulated-node.ts'
import type { PodDelays } from './simulated-pod.ts'

export interface SimulationOptions {
  readonly client: Client
  readonly fleet: NodeFleet
  readonly delays: PodDelays
  readonly leaseMs: number
  /** Who renews the Leases. */
  readonly identity: string
  readonly log: Logger
  /** Its Nodes are deleted at the end; otherwise they stay, and fall silent. */
  readonly removesNodes: boolean
  readonly clock?: Clock
  readonly random?: () => number
  /** Writes at a time. */
  readonly parallel?: number
}

/** The kubelet's. */
const reportMs = 300_000

/** Nodes that are not simulated are left alone, whatever they are called. */
const removeNodes = async ({ client, fleet, log, parallel = 32 }: SimulationOptions): Promise<void> => {
  const own = new Set(nodeNames(fleet))
  const labelSelector = `${simulatedLabel}=true`
  const found = (await client.list(nodes, { labelSelector })).items.filter(
    (node) => own.has(node.metadata.name) && isSimulated(node),
  )
  const waiting = found.values()
  const work = async (): Promise<void> => {
    for (const node of waiting)
      await client.delete(nodes, node, { preconditions: { uid: node.metadata.uid ?? '' } }).catch((error: unknown) => {
        // A conflict is a namesake that came meanwhile.
        if (!isNotFound(error) && !isConflict(error)) throw error
      })
  }
  await Promise.all(Array.from({ length: parallel }, work))
  log.info(`${counted(found.length, 'simulated node')} deleted`)
}

/** Runs until `signal` aborts. Rejects when its Nodes cannot be deleted at the end. */
export const runSimulation = async (options: SimulationOptions, signal: AbortSignal): Promise<void> => {
  const { client, fleet, delays, identity, leaseMs, log, removesNodes } = options
  const { clock = systemClock, random = Math.random, parallel = 32 } = options
  const failures = createWatchFailures(log, clock)
  const labelSelector = `${simulatedLabel}=true`
  const nodeCopies = createInformer(client, nodes, { labelSelector, clock, random, onError: failures.of(nodes) })
  const podCopies = createInformer(client, pods, {
    ...{ fieldSelector: 'spec.nodeName!=', indexes: podIndexes, clock, random, onError: failures.of(pods) },
  })
  const shared = { client, clock, log, parallel }
  const names = new Set(nodeNames(fleet))
  const simulatedNodes = createSimulatedNodes({
    ...shared,
    ...{ fleet, copies: nodeCopies, identity, random, leaseMs, reportMs },
  })
  const simulatedPods = createSimulatedPods({
    ...shared,
    ...{ copies: podCopies, nodeCopies, isOurs: (name) => names.has(name), delays },
  })
  const simulate = async (): Promise<void> => {
    await Promise.race([Promise.all([nodeCopies.synced, podCopies.synced]), aborted(signal)])
    if (!signal.aborted) await Promise.all([simulatedNodes.run(signal), simulatedPods.run(signal)])
  }
  log.info(`simulating ${counted(fleet.count, 'node')}`)
  await Promise.all([nodeCopies.run(signal), podCopies.run(signal), simulate()])
  if (removesNodes) await removeNodes(options)
}
