/** Keeps the Nodes of the simulation and their Leases: few writes, and few at a time, however many nodes there are. */
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../api/errors.ts'
import { failureText } from '../../api/failure-text.ts'
import type { CopyReader } from '../../api/local-copy.ts'
import { nodes } from '../../api/resources.ts'
import type { Node } from '../../api/types/index.ts'
import { createWorkQueue, type Outcome, type WorkQueue } from '../../api/work-queue.ts'
import type { Logger } from '../../host/log.ts'
import { renewLease } from '../node/lease.ts'
import { metadataPatch, nodeLabels, nodeStatus, withoutHeartbeat } from '../node/node-object.ts'
import { isSimulated, type NodeFleet, nodeNames, simulatedTraits } from './simulated-node.ts'

export interface NodesOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly fleet: NodeFleet
  readonly copies: CopyReader<Node>
  readonly identity: string
  /** From 0 to 1. */
  readonly random: () => number
  readonly leaseMs: number
  /** How old a status that has not changed may get. */
  readonly reportMs: number
  /** Writes at a time. */
  readonly parallel: number
}

/** The kubelet's: a Lease is good for four times as long as it is renewed. */
const leasesMissed = 4
/** How often to look whether a Node of somebody else's is still in the way. */
const foreignLookMs = 60_000

const reportedAt = (node: Node): number =>
  Date.parse(node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime ?? '')

export interface SimulatedNodes {
  /** Looks after all of them until `signal` aborts. The copy is in by then. */
  run(signal: AbortSignal): Promise<void>
}

/** The first renewal of a node comes after a part of the period, so that they are spread over it and never come all together. */
const createLeases = (options: NodesOptions): WorkQueue => {
  const { client, clock, log, copies, identity, random, leaseMs, parallel } = options
  const durationSeconds = Math.ceil((leasesMissed * leaseMs) / 1000)
  const begun = new Set<string>()
  return createWorkQueue(
    async (nodeName) => {
      const node = copies.get(nodeName)
      if (!node) return 'done'
      await renewLease({ client, clock, nodeName, identity, durationSeconds }, node)
      if (begun.has(nodeName)) return { againInMs: leaseMs }
      begun.add(nodeName)
      return { againInMs: random() * leaseMs }
    },
    {
      ...{ clock, concurrency: parallel, backoffMs: { base: 200, max: leaseMs } },
      onError: (node, error, retryInMs) =>
        log.warn({ node, retryInMs }, `cannot renew node lease; retrying: ${failureText(error)}`),
    },
  )
}

export const createSimulatedNodes = (options: NodesOptions): SimulatedNodes => {
  const { client, clock, log, fleet, copies, reportMs, parallel } = options
  const numbers = new Map(nodeNames(fleet).map((name, n) => [name, n]))
  const leases = createLeases(options)

  const make = async (n: number): Promise<Outcome> => {
    const traits = simulatedTraits(fleet, n, undefined)
    try {
      const metadata = { name: traits.name, labels: nodeLabels(traits), annotations: traits.annotations }
      await client.create(nodes, { metadata, spec: {} })
      // The news of it brings the next look.
      return 'done'
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
    if (isSimulated(await client.get(nodes, traits.name))) return 'done'
    log.error(`node ${traits.name} is there and not a simulated one: it is left alone; choose another --name-prefix`)
    return { againInMs: foreignLookMs }
  }

  const tell = async (n: number, found: Node): Promise<Outcome> => {
    const patch = metadataPatch(simulatedTraits(fleet, n, found), found)
    const node = patch ? await client.patch(nodes, found, patch) : found
    const now = clock.now()
    const status = nodeStatus(simulatedTraits(fleet, n, node), node.status, now)
    const age = now - reportedAt(node)
    if (age < reportMs && isDeepStrictEqual(withoutHeartbeat(status), withoutHeartbeat(node.status)))
      return { againInMs: reportMs - age }
    await client.updateStatus(nodes, { ...node, status })
    return { againInMs: reportMs }
  }

  const queue = createWorkQueue(
    async (name) => {
      const n = numbers.get(name)
      if (n === undefined) return 'done'
      const node = copies.get(name)
      return node ? tell(n, node) : make(n)
    },
    {
      ...{ clock, concurrency: parallel },
      // Others write the Node, too: who was first is no trouble, and one that was deleted is made anew.
      onError: (node, error, retryInMs) =>
        log[isConflict(error) || isNotFound(error) ? 'debug' : 'warn'](
          { node, retryInMs },
          `cannot write the Node; retrying: ${failureText(error)}`,
        ),
    },
  )

  return {
    run: async (signal) => {
      for (const name of numbers.keys()) queue.add(name)
      copies.onChange((name, node, previous) => {
        if (!numbers.has(name)) return
        queue.add(name)
        if (node && node.metadata.uid !== previous?.metadata.uid) leases.add(name)
      }, signal)
      await Promise.all([queue.run(signal), leases.run(signal)])
    },
  }
}
