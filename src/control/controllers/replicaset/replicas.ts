/** Keeps as many equal pods as an object asks for: a ReplicaSet, or its elder, a ReplicationController. */

import { formatTime } from '../../../api/clock.ts'
import { errorText, isNamespaceTerminating, isNotFound } from '../../../api/errors.ts'
import { referenceTo } from '../../../api/event-recorder.ts'
import { objectKey, pods } from '../../../api/resources.ts'
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { type CreateController, createQueue, recorderFor } from '../controller.ts'
import { createExpectations } from '../expectations.ts'
import { claim, controllerOf, controllerReference, sortClaims } from '../ownership.ts'
import { isActive } from '../pod-state.ts'
import { writeStatus } from '../write-status.ts'
import { inDeletionOrder } from './deletion-order.ts'
import type { Replicated, ReplicatedKind } from './replicated.ts'
import { countPods } from './status.ts'

/** So many pods are made or deleted at most before looking again. */
const burst = 500
/** How long to wait for the informer to show what was written. */
const catchUpMs = 1_000

/** What a ReplicaSet's template is for its pods, with the owner in it. */
const draftOf = <T extends Replicated>({ resource }: ReplicatedKind<T>, owner: T) => ({
  metadata: {
    ...owner.spec.template?.metadata,
    name: '',
    generateName: `${owner.metadata.name}-`,
    namespace: owner.metadata.namespace ?? '',
    ownerReferences: [controllerReference(owner, resource)],
  },
  spec: owner.spec.template?.spec ?? { containers: [] },
})

export const createReplicaController =
  <T extends Replicated>(kind: ReplicatedKind<T>): CreateController =>
  (context) => {
    const { controller: name, resource } = kind
    const matcherOf = (owner: T) => matchLabelSelector(kind.selectorOf(owner))
    const { client, informers, clock } = context
    const podCopies = informers.of(pods)
    const sets = informers.of(resource)
    const events = recorderFor(context, kind.source)
    const expectations = createExpectations(podCopies, clock)

    const makeOne = async (key: string, owner: T): Promise<void> => {
      const pod = await client.create(pods, draftOf(kind, owner))
      expectations.created(key, pod)
      events.record(referenceTo(owner), 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    }

    /** In batches of 1, 2, 4 …: when pods are refused, one refusal is enough. Returns why it stopped early. */
    const make = async (key: string, owner: T, count: number): Promise<unknown> => {
      for (let left = count, size = 1; left > 0; left -= size, size *= 2) {
        const batch = Array.from({ length: Math.min(size, left) }, () => makeOne(key, owner))
        const failed = (await Promise.allSettled(batch)).find(({ status }) => status === 'rejected')
        if (failed?.status === 'rejected') return failed.reason
      }
      return undefined
    }

    const removeOne = async (key: string, owner: T, pod: Pod): Promise<void> => {
      try {
        await client.delete(pods, pod, { preconditions: { uid: pod.metadata.uid ?? '' } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
      expectations.deleted(key, pod)
      events.record(referenceTo(owner), 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
    }

    const manage = async (key: string, owner: T, active: readonly Pod[]): Promise<string | undefined> => {
      const surplus = active.length - (owner.spec.replicas ?? 1)
      if (surplus > 0) {
        const leaving = inDeletionOrder(active).slice(0, Math.min(surplus, burst))
        await Promise.all(leaving.map((pod) => removeOne(key, owner, pod)))
      }
      if (surplus >= 0) return undefined
      const error = await make(key, owner, Math.min(-surplus, burst))
      if (error === undefined || isNamespaceTerminating(error)) return undefined
      const message = errorText(error)
      events.record(referenceTo(owner), 'Warning', 'FailedCreate', `Error creating: ${message}`)
      return message
    }

    const ownedPods = async (owner: T): Promise<readonly Pod[]> => {
      const candidates = podCopies.by('namespace', owner.metadata.namespace ?? '')
      const matches = matcherOf(owner)
      return claim(client, [resource, owner], pods, sortClaims(owner, matches, candidates))
    }

    const reconcile = async (key: string): Promise<Outcome> => {
      const owner = sets.get(key)
      if (!owner) {
        expectations.forget(key)
        return 'done'
      }
      const owned = await ownedPods(owner)
      const isUpToDate = expectations.areMet(key)
      const isLeaving = owner.metadata.deletionTimestamp !== undefined
      const failure =
        isLeaving || !isUpToDate
          ? owner.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')?.message
          : await manage(key, owner, owned.filter(isActive))
      const { status, againInMs } = countPods(owner, owned, failure, clock.now())
      await writeStatus(client, resource, owner, status, ['replicas'])
      if (!isUpToDate) return { againInMs: catchUpMs }
      if (failure !== undefined && !isLeaving) throw new Error(`${failure} (at ${formatTime(clock.now())})`)
      return againInMs === undefined ? 'done' : { againInMs }
    }

    const queue = createQueue(context, name, reconcile)

    const ownerChanged = (pod: Pod): void => {
      const controller = controllerOf(pod)
      if (controller?.kind === resource.kind) return queue.add(`${pod.metadata.namespace}/${controller.name}`)
      if (controller) return
      for (const owner of sets.by('namespace', pod.metadata.namespace ?? ''))
        if (matcherOf(owner)(pod.metadata.labels)) queue.add(objectKey(owner))
    }

    return {
      name,
      run: (signal) => {
        sets.onChange((key) => queue.add(key))
        podCopies.onChange((_key, current, previous) => {
          if (current) ownerChanged(current)
          if (previous && controllerOf(previous)?.uid !== (current && controllerOf(current)?.uid))
            ownerChanged(previous)
        })
        return queue.run(signal)
      },
    }
  }
