/** Keeps as many pods as a ReplicaSet asks for. */

import { formatTime } from '../../../api/clock.ts'
import { isNamespaceTerminating, isNotFound } from '../../../api/errors.ts'
import { referenceTo } from '../../../api/event-recorder.ts'
import { objectKey, pods, replicaSets } from '../../../api/resources.ts'
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { Pod, ReplicaSet } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { type CreateController, createQueue, recorderFor } from '../controller.ts'
import { createExpectations } from '../expectations.ts'
import { claim, controllerOf, controllerReference, sortClaims } from '../ownership.ts'
import { isActive } from '../pod-state.ts'
import { writeStatus } from '../write-status.ts'
import { inDeletionOrder } from './deletion-order.ts'
import { countPods } from './status.ts'

const name = 'replicaset-controller'

/** So many pods are made or deleted at most before looking again. */
const burst = 500
/** How long to wait for the informer to show what was written. */
const catchUpMs = 1_000

export const createReplicaSetController: CreateController = (context) => {
  const { client, informers, clock } = context
  const podCopies = informers.of(pods)
  const sets = informers.of(replicaSets)
  const events = recorderFor(context, name)
  const expectations = createExpectations(podCopies, clock)

  const draftOf = ({ metadata, spec }: ReplicaSet, replicaSet: ReplicaSet) => ({
    metadata: {
      ...spec.template.metadata,
      name: '',
      generateName: `${metadata.name}-`,
      namespace: metadata.namespace ?? '',
      ownerReferences: [controllerReference(replicaSet, replicaSets)],
    },
    spec: spec.template.spec,
  })

  const makeOne = async (key: string, replicaSet: ReplicaSet): Promise<void> => {
    const pod = await client.create(pods, draftOf(replicaSet, replicaSet))
    expectations.created(key, pod)
    events.record(referenceTo(replicaSet), 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
  }

  /** In batches of 1, 2, 4 …: when pods are refused, one refusal is enough. Returns why it stopped early. */
  const make = async (key: string, replicaSet: ReplicaSet, count: number): Promise<unknown> => {
    for (let left = count, size = 1; left > 0; left -= size, size *= 2) {
      const batch = Array.from({ length: Math.min(size, left) }, () => makeOne(key, replicaSet))
      const failed = (await Promise.allSettled(batch)).find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') return failed.reason
    }
    return undefined
  }

  const removeOne = async (key: string, replicaSet: ReplicaSet, pod: Pod): Promise<void> => {
    try {
      await client.delete(pods, pod, { preconditions: { uid: pod.metadata.uid ?? '' } })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
    expectations.deleted(key, pod)
    events.record(referenceTo(replicaSet), 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
  }

  const manage = async (key: string, replicaSet: ReplicaSet, active: readonly Pod[]): Promise<string | undefined> => {
    const surplus = active.length - (replicaSet.spec.replicas ?? 1)
    if (surplus > 0) {
      const leaving = inDeletionOrder(active).slice(0, Math.min(surplus, burst))
      await Promise.all(leaving.map((pod) => removeOne(key, replicaSet, pod)))
    }
    if (surplus >= 0) return undefined
    const error = await make(key, replicaSet, Math.min(-surplus, burst))
    if (error === undefined || isNamespaceTerminating(error)) return undefined
    const message = error instanceof Error ? error.message : String(error)
    events.record(referenceTo(replicaSet), 'Warning', 'FailedCreate', `Error creating: ${message}`)
    return message
  }

  const ownedPods = async (replicaSet: ReplicaSet): Promise<readonly Pod[]> => {
    const candidates = podCopies.by('namespace', replicaSet.metadata.namespace ?? '')
    const matches = matchLabelSelector(replicaSet.spec.selector)
    return claim(client, [replicaSets, replicaSet], pods, sortClaims(replicaSet, matches, candidates))
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const replicaSet = sets.get(key)
    if (!replicaSet) {
      expectations.forget(key)
      return 'done'
    }
    const owned = await ownedPods(replicaSet)
    const isUpToDate = expectations.areMet(key)
    const isLeaving = replicaSet.metadata.deletionTimestamp !== undefined
    const failure =
      isLeaving || !isUpToDate
        ? replicaSet.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')?.message
        : await manage(key, replicaSet, owned.filter(isActive))
    const { status, againInMs } = countPods(replicaSet, owned, failure, clock.now())
    await writeStatus(client, replicaSets, replicaSet, status, ['replicas'])
    if (!isUpToDate) return { againInMs: catchUpMs }
    if (failure !== undefined && !isLeaving) throw new Error(`${failure} (at ${formatTime(clock.now())})`)
    return againInMs === undefined ? 'done' : { againInMs }
  }

  const queue = createQueue(context, name, reconcile)

  const ownerChanged = (pod: Pod): void => {
    const controller = controllerOf(pod)
    if (controller?.kind === 'ReplicaSet') return queue.add(`${pod.metadata.namespace}/${controller.name}`)
    if (controller) return
    for (const replicaSet of sets.by('namespace', pod.metadata.namespace ?? ''))
      if (matchLabelSelector(replicaSet.spec.selector)(pod.metadata.labels)) queue.add(objectKey(replicaSet))
  }

  return {
    name,
    run: (signal) => {
      sets.onChange((key) => queue.add(key))
      podCopies.onChange((_key, current, previous) => {
        if (current) ownerChanged(current)
        if (previous && controllerOf(previous)?.uid !== (current && controllerOf(current)?.uid)) ownerChanged(previous)
      })
      return queue.run(signal)
    },
  }
}
