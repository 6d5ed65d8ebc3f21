/** The heartbeat: a Lease that is renewed so often that its silence means something, and says which agent is this node. */
import type { Client } from '../../api/client.ts'
import { type Clock, formatMicroTime, sleep, systemClock } from '../../api/clock.ts'
import { isAlreadyExists, isForbidden, isNotFound } from '../../api/errors.ts'
import { leases } from '../../api/resources.ts'
import type { Node } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'

export interface LeaseOptions {
  readonly client: Client
  readonly nodeName: string
  /** Which agent this is: no two may have one node at the same time. */
  readonly identity: string
  readonly log: Logger
  readonly clock?: Clock
  /** After so many seconds of silence the node may be taken for lost, and by another agent. */
  readonly durationSeconds?: number
}

export interface HeartbeatOptions extends LeaseOptions {
  /** The registered node, which the Lease is to vanish with. */
  readonly node: () => Node | undefined
  readonly periodMs?: number
}

const namespace = 'kube-node-lease'
const defaultSeconds = 10

/** Another agent is this node: the control plane has refused the Lease. */
export class NodeTaken extends Error {
  override readonly name = 'NodeTaken'
}

const ownersOf = (nodeName: string, owner: Node | undefined) =>
  owner?.metadata.uid ? [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner.metadata.uid }] : []

/** Writes the Lease once. Throws `NodeTaken` when another agent renews it. */
export const renewLease = async (options: Omit<LeaseOptions, 'log'>, owner?: Node): Promise<void> => {
  const { client, nodeName, identity, clock = systemClock, durationSeconds = defaultSeconds } = options
  const target = { metadata: { name: nodeName, namespace } }
  const renewTime = formatMicroTime(clock.now())
  const spec = { holderIdentity: identity, leaseDurationSeconds: durationSeconds, renewTime }
  const ownerReferences = ownersOf(nodeName, owner)
  const metadata = ownerReferences.length > 0 ? { metadata: { ownerReferences } } : {}
  try {
    await client.patch(leases, target, { ...metadata, spec })
  } catch (error) {
    if (isForbidden(error))
      throw new NodeTaken(
        `node ${nodeName} is taken: ${error.message}; end the other agent, or choose another --node-name`,
      )
    if (!isNotFound(error)) throw error
    const made = { metadata: { ...target.metadata, ownerReferences }, spec: { ...spec, acquireTime: renewTime } }
    await client.create(leases, made).catch((failure: unknown) => {
      // Somebody was faster: the next look tells who.
      if (!isAlreadyExists(failure)) throw failure
    })
  }
}

const retryMs = 1_000
/** For so long the control plane may answer before the node goes on without. */
const patienceMs = 2_000

/**
 * Resolves when the Lease is this agent's. One that another agent holds is waited for until it has expired: that agent may
 * have ended with its machine. Throws `NodeTaken` when it is renewed all the same. While the control plane is away there is
 * nobody to ask: the node goes on with what it knew.
 */
export const acquireLease = async (options: LeaseOptions, signal: AbortSignal): Promise<void> => {
  const { log, clock = systemClock, durationSeconds = defaultSeconds } = options
  const deadline = clock.now() + durationSeconds * 1000 + 3 * retryMs
  for (let isTold = false; !signal.aborted; await sleep(retryMs, signal, clock)) {
    try {
      const isOurs = await Promise.race([renewLease(options).then(() => true), sleep(patienceMs, signal, clock)])
      if (!isOurs) log.warn('the API server does not answer: the node lease has to wait')
      return
    } catch (error) {
      if (!(error instanceof NodeTaken)) {
        log.warn({ err: error }, 'cannot acquire the node lease yet')
        return
      }
      if (clock.now() >= deadline) throw error
      if (!isTold) log.warn(`${error.message}; waiting for its lease to expire`)
      isTold = true
    }
  }
}

/** Renews the Lease until `signal` aborts. A failure is told once, and its end too. Throws `NodeTaken`. */
export const runHeartbeat = async (options: HeartbeatOptions, signal: AbortSignal): Promise<void> => {
  const { node, log, clock = systemClock, periodMs = 2_000 } = options
  let isFailing = false
  while (!signal.aborted) {
    try {
      await renewLease(options, node())
      if (isFailing) log.info('node lease renewed again')
      isFailing = false
    } catch (error) {
      if (error instanceof NodeTaken) throw error
      if (!isFailing) log.warn({ err: error }, 'cannot renew node lease; retrying')
      isFailing = true
    }
    await sleep(periodMs, signal, clock)
  }
}
