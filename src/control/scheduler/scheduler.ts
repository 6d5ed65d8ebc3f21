/** Gives pods their nodes. */
import { formatTime } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { referenceTo } from '../../api/event-recorder.ts'
import { conditionOf, isFinished } from '../../api/pods.ts'
import { nodes, objectKey, pods, type Resource } from '../../api/resources.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import type { Binding, Node, Pod } from '../../api/types/index.ts'
import { type CreateController, recorderFor } from '../controllers/controller.ts'
import { decide } from './decide.ts'
import { addPod, createNodeStates, type NodeState } from './node-state.ts'
import type { Placement } from './pod-volumes.ts'
import { createVolumeBinding } from './volume-binding.ts'

/** By which pods ask for it. */
export const schedulerName = 'default-scheduler'

/** A pod that did not fit is tried again when something changes, but not more often than this. */
const backoffMs = { base: 1_000, max: 10_000 }
/** Something may have changed that we do not watch. */
const flushMs = 60_000

/** A binding is posted to the pod that it is about. */
const bindings: Resource<Binding> = { group: '', version: 'v1', plural: 'pods', kind: 'Binding', namespaced: true }

interface Attempt {
  readonly uid: string | undefined
  readonly count: number
  readonly notBefore: number
}

const isOurs = ({ spec, metadata }: Pod): boolean =>
  !spec.nodeName && (spec.schedulerName ?? schedulerName) === schedulerName && metadata.deletionTimestamp === undefined

const priority = ({ spec }: Pod): number => spec.priority ?? 0

/** Important ones first, then first come, first served. */
const inOrder = (all: readonly Pod[]): readonly Pod[] =>
  all.toSorted(
    (a, b) =>
      priority(b) - priority(a) ||
      ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1),
  )

/** What matters of a node here; heartbeats do not. */
const relevant = ({ metadata, spec, status }: Node): unknown => [metadata.labels, spec, status?.allocatable]

/** Where pods go. It is a controller like any other, and what makes up its mind is in `decide`. */
export const createScheduler: CreateController = (context) => {
  const { client, informers, clock, log } = context
  const nodeCopies = informers.of(nodes)
  const podCopies = informers.of(pods)
  const events = recorderFor(context, schedulerName)
  const attempts = new Map<string, Attempt>()
  const timers = new Set<() => void>()
  /** Bound by us, and not seen so in the copy yet: by uid. */
  const assumed = new Map<string, string>()

  const boundTo = ({ spec, metadata }: Pod): string | undefined => spec.nodeName || assumed.get(metadata.uid ?? '')

  const bind = async (pod: Pod, node: string): Promise<void> => {
    const { uid = '', namespace = '', name: podName } = pod.metadata
    const binding: Omit<Binding, 'apiVersion' | 'kind'> = {
      metadata: { name: podName, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    try {
      await client.create(bindings, binding, 'binding')
      attempts.delete(objectKey(pod))
      const message = `Successfully assigned ${objectKey(pod)} to ${node}`
      events.record(referenceTo(pod), 'Normal', 'Scheduled', message)
    } catch (error) {
      assumed.delete(uid)
      if (isNotFound(error) || isConflict(error)) return
      log.warn({ err: error, pod: objectKey(pod), node }, 'cannot bind a pod; trying again')
      loop.mark(objectKey(pod))
    }
  }

  /** Of a pod that is not to go where it was meant to: not at once, or two who disagree would keep each other busy. */
  const reconsider = (pod: Pod): void => {
    assumed.delete(pod.metadata.uid ?? '')
    postpone(pod)
    roomMayHaveChanged()
  }

  const volumes = createVolumeBinding(context, {
    bound: (pod, node) => {
      const found = nodeCopies.get(node)
      if (found && volumes.of(pod).objections(found).length === 0) void bind(pod, node)
      else reconsider(pod)
    },
    failed: reconsider,
    changed: (users) => {
      for (const pod of users) attempts.delete(objectKey(pod))
      roomMayHaveChanged()
    },
  })

  const prepareVolumes = async (pod: Pod, node: string, placements: readonly Placement[]): Promise<void> => {
    try {
      await volumes.begin(pod, node, placements)
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error))
        log.warn({ err: error, pod: objectKey(pod), node }, 'cannot prepare the volumes of a pod; trying again')
      reconsider(pod)
    }
  }

  const tellUnschedulable = async (pod: Pod, message: string): Promise<void> => {
    events.record(referenceTo(pod), 'Warning', 'FailedScheduling', message)
    const known = conditionOf(pod, 'PodScheduled')
    if (known?.status === 'False' && known.message === message) return
    const { uid } = pod.metadata
    const lastTransitionTime = known?.status === 'False' ? known.lastTransitionTime : formatTime(clock.now())
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime }
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
    try {
      await client.patch(pods, pod, { metadata: { uid }, status: { conditions: [...others, condition] } }, 'status')
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  const postpone = (pod: Pod): void => {
    const key = objectKey(pod)
    const before = attempts.get(key)
    const count = before?.uid === pod.metadata.uid ? (before?.count ?? 0) : 0
    const waitMs = Math.min(backoffMs.base * 2 ** count, backoffMs.max)
    const attemptedAt = clock.now()
    attempts.set(key, { uid: pod.metadata.uid, count: count + 1, notBefore: attemptedAt + waitMs })
    const cancel = clock.after(waitMs, () => {
      timers.delete(cancel)
      if (changedAt >= attemptedAt) loop.mark(key)
    })
    timers.add(cancel)
  }

  /** When something last changed that may make room. */
  let changedAt = 0

  const isDue = (pod: Pod): boolean => {
    const attempt = attempts.get(objectKey(pod))
    return !attempt || attempt.uid !== pod.metadata.uid || attempt.notBefore <= clock.now()
  }

  const schedule = (pod: Pod, states: readonly NodeState[]): Promise<void> => {
    const podVolumes = volumes.of(pod)
    const decision = decide(pod, states, podVolumes)
    if ('message' in decision) {
      postpone(pod)
      return tellUnschedulable(pod, decision.message)
    }
    addPod(decision.state, pod)
    const node = decision.state.node.metadata.name
    assumed.set(pod.metadata.uid ?? '', node)
    const placements = podVolumes.placements(decision.state.node)
    return placements.length === 0 ? bind(pod, node) : prepareVolumes(pod, node, placements)
  }

  const loop = createSyncLoop({
    clock,
    resyncMs: flushMs,
    minIntervalMs: 5,
    sync: async () => {
      const waiting = podCopies.by('node', '').filter((pod) => isOurs(pod) && !boundTo(pod) && isDue(pod))
      if (waiting.length === 0) return
      const states = createNodeStates(nodeCopies.values(), podCopies.values(), boundTo)
      await Promise.all(inOrder(waiting).map((pod) => schedule(pod, states)))
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'scheduling failed; trying again'),
  })

  const roomMayHaveChanged = (): void => {
    changedAt = clock.now()
    loop.markAll()
  }

  return {
    name: schedulerName,
    run: async (signal) => {
      nodeCopies.onChange((_key, current, previous) => {
        if (!current || !previous || !deepEqual(relevant(current), relevant(previous))) roomMayHaveChanged()
      })
      podCopies.onChange((key, current, previous) => {
        const uid = (current ?? previous)?.metadata.uid ?? ''
        if (!current) attempts.delete(key)
        if (!current || current.spec.nodeName) assumed.delete(uid)
        if (current && isOurs(current)) {
          if (!previous) loop.mark(key)
        } else if (previous?.spec.nodeName && (!current || isFinished(current))) roomMayHaveChanged()
      })
      volumes.follow(signal)
      await loop.run(signal)
      for (const cancel of timers) cancel()
    },
  }
}
