/** Keeps the Node object: makes it, and writes the status when it changes or has not been written for long. */
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../../api/client.ts'
import { aborted, type Clock, systemClock } from '../../api/clock.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../api/errors.ts'
import { nodes } from '../../api/resources.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import type { Node, Taint } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { runHeartbeat } from './lease.ts'
import { metadataPatch, type NodeTraits, nodeLabels, nodeStatus, withoutHeartbeat } from './node-object.ts'

export interface RegistrationOptions {
  readonly client: Client
  readonly nodeName: string
  readonly log: Logger
  /** What the node is now; asked at every look. */
  readonly traits: () => Promise<NodeTraits>
  /** Given to a Node that is made anew. */
  readonly taints?: readonly Taint[]
  readonly clock?: Clock
  /** How often to look. */
  readonly statusMs?: number
  /** How old a status that has not changed may get. */
  readonly reportMs?: number
  readonly leaseMs?: number
  readonly leaseSeconds?: number
  /** Which agent this is. */
  readonly identity: string
}

export interface Registration {
  /** The Node once it is registered. */
  readonly registered: Promise<Node>
  /** Something has changed: look now. */
  refresh(): void
  /** Registers, and keeps status and heartbeat until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

export const createRegistration = (options: RegistrationOptions): Registration => {
  const {
    client,
    nodeName,
    identity,
    log,
    clock = systemClock,
    statusMs = 10_000,
    reportMs = 60_000,
    taints = [],
  } = options
  const first = Promise.withResolvers<Node>()
  let current: Node | undefined
  let reportedAt = Number.NEGATIVE_INFINITY

  const make = async (traits: NodeTraits): Promise<Node> => {
    const metadata = { name: nodeName, labels: nodeLabels(traits), annotations: traits.annotations }
    try {
      return await client.create(nodes, { metadata, spec: taints.length === 0 ? {} : { taints } })
    } catch (error) {
      if (isAlreadyExists(error)) return client.get(nodes, nodeName)
      throw error
    }
  }

  const find = async (traits: NodeTraits): Promise<Node> => {
    try {
      return await client.get(nodes, nodeName)
    } catch (error) {
      if (isNotFound(error)) return make(traits)
      throw error
    }
  }

  /** A conflict is thrown like any failure: the loop looks again, at the newest version. */
  const sync = async (): Promise<void> => {
    const traits = await options.traits()
    const found = await find(traits)
    const patch = metadataPatch(traits, found)
    const node = patch ? await client.patch(nodes, found, patch) : found
    const status = nodeStatus(traits, node.status, clock.now())
    const isNews = !isDeepStrictEqual(withoutHeartbeat(status), withoutHeartbeat(node.status))
    const isDue = clock.now() - reportedAt >= reportMs
    current = isNews || isDue ? await client.updateStatus(nodes, { ...node, status }) : node
    if (isNews || isDue) reportedAt = clock.now()
    first.resolve(current)
  }

  const loop = createSyncLoop({
    ...{ sync, clock, resyncMs: statusMs },
    // Others write the Node, too: who was first is no trouble.
    onError: (error, retryInMs) =>
      log[isConflict(error) ? 'debug' : 'warn']({ err: error, retryInMs }, 'cannot write the Node'),
  })

  return {
    registered: first.promise,
    refresh: loop.markAll,
    run: async (signal) => {
      const heartbeat = async (): Promise<void> => {
        await Promise.race([first.promise, aborted(signal)])
        const { leaseMs: periodMs, leaseSeconds: durationSeconds } = options
        const timing = { ...(periodMs ? { periodMs } : {}), ...(durationSeconds ? { durationSeconds } : {}) }
        await runHeartbeat({ client, nodeName, identity, log, clock, node: () => current, ...timing }, signal)
      }
      await Promise.all([loop.run(signal), heartbeat()])
    },
  }
}
