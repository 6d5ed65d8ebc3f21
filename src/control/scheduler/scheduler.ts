/** Gives pods their nodes. */
import { setImmediate } from 'node:timers/promises'
import { formatTime } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { referenceTo } from '../../api/event-recorder.ts'
import { conditionOf, isFinished } from '../../api/pods.ts'
import { namespaces, nodes, objectKey, podDisruptionBudgets, pods, type Resource } from '../../api/resources.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import type { Binding, Node, Pod } from '../../api/types/index.ts'
import { type CreateController, recorderFor } from '../controllers/controller.ts'
import { createBackoff, flushMs } from './backoff.ts'
import { createCluster } from './cluster.ts'
import { decide, type Refused } from './decide.ts'
import { priorityOf } from './fit.ts'
import type { ClusterEvent, Snapshot } from './framework/plugin.ts'
import type { Placement } from './framework/pod-volumes.ts'
import { createNominations } from './nominations.ts'
import { createPlugins } from './plugins.ts'
import { preempt } from './preempt.ts'
import { evictFor } from './preemption.ts'
import { createVolumeBinding } from './volume-binding.ts'

/** By which pods ask for it. */
export const schedulerName = 'default-scheduler'

/** However many pods wait, others have their turn after this time. */
const mostBusyMs = 20

/** A binding is posted to the pod that it is about. */
const bindings: Resource<Binding> = { group: '', version: 'v1', plural: 'pods', kind: 'Binding', namespaced: true }

const isOurs = ({ spec, metadata }: Pod): boolean =>
  !spec.nodeName && (spec.schedulerName ?? schedulerName) === schedulerName && metadata.deletionTimestamp === undefined

const isGated = ({ spec }: Pod): boolean => (spec.schedulingGates ?? []).length > 0

/** Important ones first, then first come, first served. */
const inOrder = (all: readonly Pod[]): readonly Pod[] =>
  all.toSorted(
    (a, b) =>
      priorityOf(b) - priorityOf(a) ||
      ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1),
  )

/** What matters of a node here; heartbeats do not. */
const relevant = ({ metadata, spec, status }: Node): unknown => [
  ...[metadata.labels, metadata.deletionTimestamp, spec, status?.allocatable],
]

/** What matters of a pod to others. */
const relevantOfPod = ({ metadata, spec }: Pod): unknown => [metadata.labels, metadata.deletionTimestamp, spec]

/** What is said of a pod that has to wait. */
interface Verdict {
  readonly reason: 'Unschedulable' | 'SchedulingGated'
  readonly message: string
}

const gated: Verdict = {
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
}

/** Where pods go. It is a controller like any other, and what makes up its mind is in `decide` and `preempt`. */
export const createScheduler: CreateController = (context) => {
  const { client, informers, clock, log } = context
  const nodeCopies = informers.of(nodes)
  const podCopies = informers.of(pods)
  const namespaceCopies = informers.of(namespaces)
  const budgetCopies = informers.of(podDisruptionBudgets)
  const events = recorderFor(context, schedulerName)
  const cluster = createCluster()
  const nominations = createNominations()
  /** Bound by us, and not seen so in the copy yet: by uid. */
  const assumed = new Map<string, string>()
  /** Deleted for others, and still there: by uid. */
  const evicted = new Set<string>()
  const backoff = createBackoff(clock, (key) => loop.mark(key))
  /** Where the next search begins. */
  let from = 0

  const boundTo = ({ spec, metadata }: Pod): string | undefined => spec.nodeName || assumed.get(metadata.uid ?? '')

  const happened = (event: ClusterEvent): void => backoff.happened(event)

  const assume = (pod: Pod, node: string): void => {
    assumed.set(pod.metadata.uid ?? '', node)
    nominations.set(pod, undefined)
    cluster.setPod(objectKey(pod), pod, node)
  }

  const forgetAssumed = (pod: Pod): void => {
    if (!assumed.delete(pod.metadata.uid ?? '')) return
    const key = objectKey(pod)
    const current = podCopies.get(key)
    cluster.setPod(key, current, current?.spec.nodeName)
    happened('pod gone')
  }

  const bind = async (pod: Pod, node: string): Promise<void> => {
    const { uid = '', namespace = '', name: podName } = pod.metadata
    const binding: Omit<Binding, 'apiVersion' | 'kind'> = {
      metadata: { name: podName, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    try {
      await client.create(bindings, binding, 'binding')
      backoff.forget(objectKey(pod))
      const message = `Successfully assigned ${objectKey(pod)} to ${node}`
      events.record(referenceTo(pod), 'Normal', 'Scheduled', message)
    } catch (error) {
      forgetAssumed(pod)
      if (isNotFound(error) || isConflict(error)) return
      log.warn({ err: error, pod: objectKey(pod), node }, 'cannot bind a pod; trying again')
      loop.mark(objectKey(pod))
    }
  }

  /** Of a pod that is not to go where it was meant to: not at once, or two who disagree would keep each other busy. */
  const reconsider = (pod: Pod): void => {
    backoff.postpone(pod, new Set<ClusterEvent>(['volume']))
    forgetAssumed(pod)
    happened('volume')
  }

  const volumes = createVolumeBinding(context, {
    bound: (pod, node) => {
      const found = nodeCopies.get(node)
      if (found && volumes.of(pod).objections(found).length === 0) void bind(pod, node)
      else reconsider(pod)
    },
    failed: reconsider,
    changed: (users) => {
      for (const pod of users) {
        backoff.forget(objectKey(pod))
        loop.mark(objectKey(pod))
      }
      happened('volume')
    },
  })
  const plugins = createPlugins(volumes.of)

  const prepareVolumes = async (pod: Pod, node: string, placements: readonly Placement[]): Promise<void> => {
    try {
      await volumes.begin(pod, node, placements)
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error))
        log.warn({ err: error, pod: objectKey(pod), node }, 'cannot prepare the volumes of a pod; trying again')
      reconsider(pod)
    }
  }

  /** Writes why a pod waits, and for which node. */
  const writeWaiting = async (pod: Pod, { reason, message }: Verdict): Promise<void> => {
    const known = conditionOf(pod, 'PodScheduled')
    const nominatedNodeName = nominations.nodeOf(pod)
    const isKnown = known?.status === 'False' && known.reason === reason && known.message === message
    if (isKnown && (pod.status?.nominatedNodeName || undefined) === nominatedNodeName) return
    const { uid } = pod.metadata
    const lastTransitionTime = known?.status === 'False' ? known.lastTransitionTime : formatTime(clock.now())
    const condition = { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime }
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
    const status = { conditions: [...others, condition], nominatedNodeName: nominatedNodeName ?? null }
    try {
      await client.patch(pods, pod, { metadata: { uid }, status }, 'status')
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  const tellUnschedulable = (pod: Pod, message: string): Promise<void> => {
    events.record(referenceTo(pod), 'Warning', 'FailedScheduling', message)
    return writeWaiting(pod, { reason: 'Unschedulable', message })
  }

  const isGoing = ({ metadata }: Pod): boolean =>
    metadata.deletionTimestamp !== undefined || evicted.has(metadata.uid ?? '')

  /** Somebody less important is on the way out, on the node that the pod waits for. */
  const isRoomComing = (pod: Pod, { objections }: Refused): boolean => {
    const node = nominations.nodeOf(pod)
    if (node === undefined) return false
    for (const [state, { isFinal }] of objections)
      if (state.node.metadata.name === node && !isFinal)
        return [...state.pods.values()].some((other) => isGoing(other) && priorityOf(other) < priorityOf(pod))
    return false
  }

  /** Pods that are less important wait no longer for a node which is cleared for another. */
  const unseat = (pod: Pod, node: string): void => {
    for (const other of nominations.on(node))
      if (priorityOf(other) < priorityOf(pod)) {
        nominations.set(other, undefined)
        backoff.forget(objectKey(other))
        loop.mark(objectKey(other))
      }
  }

  const evict = (preemptor: Pod, victim: Pod, node: string): Promise<void> => {
    const { uid = '' } = victim.metadata
    evicted.add(uid)
    return evictFor(preemptor, victim, node, { client, clock, events, schedulerName }).catch((error: unknown) => {
      evicted.delete(uid)
      log.warn({ err: error, pod: objectKey(victim), node }, 'cannot preempt a pod')
    })
  }

  /** What is added to the message of a pod that fits nowhere. */
  const makeRoom = async (pod: Pod, refused: Refused): Promise<string> => {
    if (refused.objections.size === 0) return ''
    if (pod.spec.preemptionPolicy === 'Never') return ' preemption: not eligible due to preemptionPolicy=Never.'
    if (isRoomComing(pod, refused)) return ' preemption: not eligible due to a terminating pod on the nominated node.'
    const found = preempt(pod, refused, [...budgetCopies.values()], from)
    if ('message' in found) {
      if (nominations.nodeOf(pod) !== undefined) happened('pod gone')
      nominations.set(pod, undefined)
      return ` ${found.message}`
    }
    const node = found.state.node.metadata.name
    unseat(pod, node)
    nominations.set(pod, node)
    await Promise.all(found.victims.map((victim) => evict(pod, victim, node)))
    return ''
  }

  const schedule = async (pod: Pod): Promise<void> => {
    const podVolumes = volumes.of(pod)
    const snapshot: Snapshot = {
      nodes: cluster.states,
      namespaceLabels: (name) => namespaceCopies.get(name)?.metadata.labels,
    }
    from = snapshot.nodes.length === 0 ? 0 : (from + 1) % snapshot.nodes.length
    const decision = decide(pod, snapshot, plugins, {
      ...(snapshot.nodes.length > 100 ? { from } : {}),
      ...{ nominatedOn: nominations.on, nominatedNode: nominations.nodeOf(pod) },
    })
    if ('message' in decision) {
      backoff.postpone(pod, decision.helpedBy)
      return tellUnschedulable(pod, decision.message + (await makeRoom(pod, decision)))
    }
    const node = decision.state.node.metadata.name
    const placements = podVolumes.placements(decision.state.node)
    assume(pod, node)
    return placements.length === 0 ? bind(pod, node) : prepareVolumes(pod, node, placements)
  }

  const isWaiting = (pod: Pod): boolean => isOurs(pod) && !boundTo(pod) && backoff.isDue(pod)

  const loop = createSyncLoop({
    clock,
    resyncMs: flushMs,
    minIntervalMs: 5,
    sync: async () => {
      const writes: Promise<void>[] = []
      let pausedAt = clock.now()
      for (const pod of inOrder(podCopies.by('node', '').filter(isWaiting))) {
        if (clock.now() - pausedAt > mostBusyMs) {
          await setImmediate()
          pausedAt = clock.now()
        }
        const current = podCopies.get(objectKey(pod))
        if (current && isWaiting(current))
          writes.push(isGated(current) ? writeWaiting(current, gated) : schedule(current))
      }
      await Promise.all(writes)
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'scheduling failed; trying again'),
  })

  const followWaiting = (key: string, pod: Pod | undefined, previous: Pod | undefined): void => {
    const before = previous && isOurs(previous) ? previous : undefined
    if (pod && isOurs(pod)) {
      const isKnown = previous?.status?.nominatedNodeName === pod.status?.nominatedNodeName
      const node = isKnown ? nominations.nodeOf(pod) : pod.status?.nominatedNodeName
      nominations.set(pod, assumed.has(pod.metadata.uid ?? '') ? undefined : node)
      if (before && deepEqual(relevantOfPod(pod), relevantOfPod(before))) return
      backoff.forget(key)
      loop.mark(key)
    } else if (before) {
      const isWaitedFor = nominations.nodeOf(before) !== undefined
      nominations.set(before, undefined)
      if (isWaitedFor && !pod?.spec.nodeName) happened('pod gone')
    }
  }

  const followPod = (key: string, current: Pod | undefined, previous: Pod | undefined): void => {
    const uid = (current ?? previous)?.metadata.uid ?? ''
    if (!current || current.spec.nodeName) assumed.delete(uid)
    if (!current) {
      evicted.delete(uid)
      backoff.forget(key)
    }
    const isThere = current !== undefined && !isFinished(current)
    const wasThere = previous !== undefined && !isFinished(previous)
    cluster.setPod(key, isThere ? current : undefined, isThere ? boundTo(current) : undefined)
    followWaiting(key, current, previous)
    const isNews = !isThere || !wasThere || !deepEqual(relevantOfPod(current), relevantOfPod(previous))
    if (!isNews) return
    if (isThere && boundTo(current)) happened('pod added')
    if (wasThere && boundTo(previous)) happened('pod gone')
  }

  return {
    name: schedulerName,
    run: async (signal) => {
      nodeCopies.onChange((key, current, previous) => {
        cluster.setNode(key, current)
        if (!current || !previous || !deepEqual(relevant(current), relevant(previous))) happened('node')
      }, signal)
      namespaceCopies.onChange((_key, current, previous) => {
        if (!deepEqual(current?.metadata.labels, previous?.metadata.labels)) happened('namespace')
      }, signal)
      podCopies.onChange(followPod, signal)
      volumes.follow(signal)
      await loop.run(signal)
      backoff.forget()
    },
  }
}
