/** Keeps as many equal pods as an object asks for: a ReplicaSet, or its elder, a ReplicationController. */

import { formatTime } from '../../../api/clock.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'
import { catchUpMs, createPodControl } from '../pod-control/pod-control.ts'
import { podOf } from '../pod-control/workload.ts'
import { isActive } from '../pod-state.ts'
import { writeStatus } from '../write-status.ts'
import { inDeletionOrder } from './deletion-order.ts'
import type { Replicated, ReplicatedKind } from './replicated.ts'
import { countPods } from './status.ts'

/** So many pods are made or deleted at most before looking again. */
const burst = 500

interface Managed {
  /** What is left of the pods. */
  readonly left: readonly Pod[]
  /** Why pods could not be made, when so. */
  readonly failure?: string | undefined
}

export const createReplicaController =
  <T extends Replicated>(kind: ReplicatedKind<T>): CreateController =>
  (context) => {
    const { controller: name, resource } = kind
    const { client, informers, clock } = context
    const sets = informers.of(resource)
    const control = createPodControl(context, kind)

    const manage = async (owner: T, owned: readonly Pod[]): Promise<Managed> => {
      const active = owned.filter(isActive)
      const surplus = active.length - (owner.spec.replicas ?? 1)
      if (surplus > 0) {
        const leaving = new Set(inDeletionOrder(active).slice(0, Math.min(surplus, burst)))
        await control.delete(owner, [...leaving])
        return { left: owned.filter((pod) => !leaving.has(pod)) }
      }
      if (surplus === 0) return { left: owned }
      const draft = podOf(owner, resource, owner.spec.template ?? { spec: { containers: [] } })
      const drafts = Array.from({ length: Math.min(-surplus, burst) }, () => draft)
      return { left: owned, failure: (await control.create(owner, drafts)).failure }
    }

    const reconcile = async (key: string): Promise<Outcome> => {
      const owner = sets.get(key)
      if (!owner) return 'done'
      const { pods: owned, isCurrent } = await control.claim(owner)
      // Others decide by the status how many pods may go elsewhere: it counts nothing that is gone.
      if (!isCurrent) return { againInMs: catchUpMs }
      const isLeaving = owner.metadata.deletionTimestamp !== undefined
      const before = owner.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')?.message
      const { left, failure } = isLeaving ? { left: owned, failure: before } : await manage(owner, owned)
      const { status, againInMs } = countPods(owner, left, failure, clock.now())
      await writeStatus(client, resource, owner, status, ['replicas'])
      if (failure !== undefined && !isLeaving) throw new Error(`${failure} (at ${formatTime(clock.now())})`)
      return againInMs === undefined ? 'done' : { againInMs }
    }

    const queue = createQueue(context, name, reconcile)
    return {
      name,
      run: (signal) => {
        control.follow(queue.add)
        return queue.run(signal)
      },
    }
  }
