/** The heartbeat: a Lease that is renewed so often that its silence means something. */
import type { Client } from '../../api/client.ts'
import { type Clock, formatMicroTime, sleep, systemClock } from '../../api/clock.ts'
import { isNotFound } from '../../api/errors.ts'
import { leases } from '../../api/resources.ts'
import type { Lease, Node } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'

export interface HeartbeatOptions {
  readonly client: Client
  /** The registered node, which the Lease is to vanish with. */
  readonly node: () => Node | undefined
  readonly nodeName: string
  readonly log: Logger
  readonly clock?: Clock
  readonly periodMs?: number
  /** After so many seconds of silence the node may be taken for lost. */
  readonly durationSeconds?: number
}

const namespace = 'kube-node-lease'

/** Renews the Lease until `signal` aborts. A failure is told once, and its end too. */
export const runHeartbeat = async (options: HeartbeatOptions, signal: AbortSignal): Promise<void> => {
  const { client, node, nodeName, log, clock = systemClock, periodMs = 2_000, durationSeconds = 10 } = options
  const target = { metadata: { name: nodeName, namespace } }
  let isFailing = false

  const create = (): Promise<Lease> => {
    const owner = node()
    const ownerReferences = owner?.metadata.uid
      ? [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner.metadata.uid }]
      : []
    const now = formatMicroTime(clock.now())
    return client.create(leases, {
      metadata: { ...target.metadata, ownerReferences },
      spec: { holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, acquireTime: now, renewTime: now },
    })
  }

  const renew = async (): Promise<void> => {
    const spec = {
      holderIdentity: nodeName,
      leaseDurationSeconds: durationSeconds,
      renewTime: formatMicroTime(clock.now()),
    }
    try {
      await client.patch(leases, target, { spec })
    } catch (error) {
      if (!isNotFound(error)) throw error
      await create()
    }
  }

  while (!signal.aborted) {
    try {
      await renew()
      if (isFailing) log.info('the heartbeat is heard again')
      isFailing = false
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, 'the heartbeat is not heard; trying on')
      isFailing = true
    }
    await sleep(periodMs, signal, clock)
  }
}
