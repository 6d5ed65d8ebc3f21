/** Gives pods their nodes. */
import { setImmediate } from 'node:timers/promises'
import { deepEqual } from '../../api/deep-equal.ts'
import { isFinished } from '../../api/pods.ts'
import { namespaces, nodes, objectKey, podDisruptionBudgets, pods } from '../../api/resources.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import type { Node, Pod } from '../../api/types/index.ts'
import type { ControllerContext, CreateController } from '../controllers/controller.ts'
import { createBackoff, flushMs } from './backoff.ts'
import { runBindingCycle } from './binding-cycle.ts'
import { defaultSchedulerName } from './config/configuration.ts'
import type { SchedulerSettings } from './config/settings.ts'
import { type Decision, decide } from './decide.ts'
import { decideTogether } from './decide-together.ts'
import type { Circumstances, Refused } from './feasible.ts'
import type { Extend } from './framework/extend.ts'
import type { ClusterEvent, Snapshot } from './framework/filter.ts'
import { createInFlight } from './in-flight.ts'
import { createRoomMaker } from './make-room.ts'
import { createNominations } from './nominations.ts'
import { createPlacements } from './placements.ts'
import { createProfiles, type Profile } from './profiles.ts'
import { inOrder, isGated, isWithoutNode, schedulerOf } from './queue.ts'
import { createTeller } from './teller.ts'
import { failed, gated, type Verdict, verdictOf } from './verdict.ts'

/** However many pods wait, others have their turn after this time. */
const mostBusyMs = 20

/** About so many pods others are asked at the same time; the next ones wait in their order. */
const mostAsked = 16

/** What matters of a node here; heartbeats do not. */
const relevant = ({ metadata, spec, status }: Node): unknown => [
  ...[metadata.labels, metadata.deletionTimestamp, spec, status?.allocatable],
]

/** What matters of a pod to others. */
const relevantOfPod = ({ metadata, spec }: Pod): unknown => [metadata.labels, metadata.deletionTimestamp, spec]

const uidOf = ({ metadata }: Pod): string => metadata.uid ?? ''

/** Works until `signal` aborts. */
const runScheduler = async (
  settings: SchedulerSettings,
  context: ControllerContext,
  signal: AbortSignal,
): Promise<void> => {
  const { client, informers, clock, log } = context
  const podCopies = informers.of(pods)
  const nodeCopies = informers.of(nodes)
  const namespaceCopies = informers.of(namespaces)
  const placements = createPlacements()
  const nominations = createNominations()
  const backoff = createBackoff(clock, settings.backoffMs, (key) => loop.mark(key))
  const teller = createTeller(client, clock, nominations)
  const inFlight = createInFlight({
    failed: (pod, err) => log.warn({ err, pod: objectKey(pod) }, 'scheduling failed; trying again'),
    ended: (pod) => {
      const current = currentOf(pod)
      if (current && isWaiting(current)) loop.mark(objectKey(pod))
    },
  })
  /** Where the next search begins. */
  let from = 0
  /** About how many pods others are asked, and whether there are more. */
  let asked = 0
  let areMore = false

  const happened = (event: ClusterEvent): void => backoff.happened(event)

  /** Tried again at once. */
  const hurry = (pod: Pod): void => {
    backoff.forget(objectKey(pod))
    loop.mark(objectKey(pod))
  }

  const wake = (event: ClusterEvent, waiting: readonly Pod[] = []): void => {
    for (const pod of waiting) hurry(pod)
    happened(event)
  }

  // Before the plug-ins, which may wake pods while they are made: of what is there already they are told at once.
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
        writes.push(next(podCopies.get(objectKey(pod))))
      }
      await Promise.all(writes)
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'scheduling failed; trying again'),
  })

  const profiles = createProfiles(context, { client, log, signal, wake }, settings)
  const roomMaker = createRoomMaker({
    nominations,
    budgets: () => informers.of(podDisruptionBudgets).values(),
    unseated: hurry,
    givenUp: () => happened('pod gone'),
  })

  const isOurs = (pod: Pod): boolean => isWithoutNode(pod) && profiles.has(schedulerOf(pod))

  const look = (): Snapshot => ({
    nodes: placements.nodes(),
    namespaceLabels: (name) => namespaceCopies.get(name)?.metadata.labels,
  })

  /** The pod as it is now, when it still wants a node. */
  const currentOf = (pod: Pod): Pod | undefined => {
    const current = podCopies.get(objectKey(pod))
    return current && uidOf(current) === uidOf(pod) && isOurs(current) ? current : undefined
  }

  /** Of a pod that was not bound: not at once, or two who disagree would keep each other busy. */
  const giveUp = async (pod: Pod, { events }: Profile, verdict: Verdict | undefined): Promise<void> => {
    const current = currentOf(pod)
    if (!current) return
    backoff.postpone(current)
    if (!verdict) return
    if (verdict.reason === 'SchedulerError')
      log.warn({ pod: objectKey(pod), reason: verdict.message }, 'cannot schedule a pod; trying again')
    await teller.failed(current, verdict, events)
  }

  const bind = async (pod: Pod, node: Node, profile: Profile, end: AbortController): Promise<void> => {
    const outcome = await runBindingCycle(pod, node, profile.plugins, clock, end)
    if (outcome.isBound) {
      backoff.forget(objectKey(pod))
      return teller.scheduled(pod, node.metadata.name, profile.events)
    }
    if (placements.forget(pod, podCopies.get(objectKey(pod)))) happened('pod gone')
    await giveUp(pod, profile, outcome.verdict)
  }

  /** Counts the pod in on its node before anybody else is looked at. */
  const assume = (pod: Pod, { node }: { readonly node: Node }): void => {
    placements.assume(pod, node.metadata.name)
    nominations.set(pod, undefined)
  }

  const refuse = async (
    pod: Pod,
    refused: Refused,
    profile: Profile,
    extenders: readonly Extend[],
    end = signal,
  ): Promise<void> => {
    backoff.postpone(pod, refused.helpedBy)
    const { schedulerName, events } = profile
    const preemptor = { pod, extenders, from, context: { client, clock, events, log, schedulerName } }
    const more = await roomMaker.makeRoom(preemptor, refused, end)
    await teller.failed(pod, verdictOf('Unschedulable', refused.message + more), events)
  }

  const circumstancesOf = (pod: Pod, { percentageOfNodesToScore }: Profile): Circumstances => {
    const { length } = placements.nodes()
    from = length === 0 ? 0 : (from + 1) % length
    return {
      ...(length > 100 ? { from } : {}),
      ...{ nominatedOn: nominations.on, nominatedNode: nominations.nodeOf(pod), percentageOfNodesToScore },
    }
  }

  /** Asks others, too, and takes their answer for what the pod is by then. */
  const scheduleTogether = async (
    pod: Pod,
    profile: Profile,
    extenders: readonly Extend[],
    end: AbortController,
  ): Promise<void> => {
    asked++
    let decision: Decision
    try {
      const setting = { plugins: profile.plugins, extenders, look }
      decision = await decideTogether(pod, setting, circumstancesOf(pod, profile), end.signal)
      if ('message' in decision) return await refuse(pod, decision, profile, extenders, end.signal)
    } catch (error) {
      return end.signal.aborted ? undefined : await giveUp(pod, profile, failed(error))
    } finally {
      asked--
      if (areMore && asked <= mostAsked / 2) {
        areMore = false
        loop.mark('')
      }
    }
    if (end.signal.aborted) return
    assume(pod, decision.state)
    await bind(pod, decision.state.node, profile, end)
  }

  const schedule = async (pod: Pod, profile: Profile): Promise<void> => {
    const extenders = profile.plugins.extenders.map(({ own }) => own).filter((each) => each.isInterested(pod))
    if (extenders.length > 0 && asked >= mostAsked) {
      areMore = true
      return
    }
    if (extenders.length > 0) return inFlight.start(pod, (end) => scheduleTogether(pod, profile, extenders, end))
    let decision: Decision
    try {
      decision = decide(pod, look(), profile.plugins, circumstancesOf(pod, profile))
    } catch (error) {
      return giveUp(pod, profile, failed(error))
    }
    if ('message' in decision) return refuse(pod, decision, profile, [])
    const { state } = decision
    assume(pod, state)
    inFlight.start(pod, (end) => bind(pod, state.node, profile, end))
  }

  const isWaiting = (pod: Pod): boolean =>
    isOurs(pod) && !placements.nodeOf(pod) && !inFlight.has(pod) && backoff.isDue(pod)

  const next = async (pod: Pod | undefined): Promise<void> => {
    const profile = pod && isWaiting(pod) ? profiles.get(schedulerOf(pod)) : undefined
    if (pod && profile) await (isGated(pod) ? teller.waiting(pod, gated) : schedule(pod, profile))
  }

  const followWaiting = (key: string, pod: Pod | undefined, previous: Pod | undefined): void => {
    const before = previous && isOurs(previous) ? previous : undefined
    if (pod && isOurs(pod)) {
      const isKnown = previous?.status?.nominatedNodeName === pod.status?.nominatedNodeName
      const node = isKnown ? nominations.nodeOf(pod) : pod.status?.nominatedNodeName
      nominations.set(pod, placements.nodeOf(pod) ? undefined : node)
      if (before && deepEqual(relevantOfPod(pod), relevantOfPod(before))) return
      if (!placements.nodeOf(pod)) inFlight.stop(uidOf(pod))
      backoff.forget(key)
      loop.mark(key)
    } else if (before) {
      const isWaitedFor = nominations.nodeOf(before) !== undefined
      nominations.set(before, undefined)
      if (isWaitedFor && !pod?.spec.nodeName) happened('pod gone')
    }
  }

  /** It is gone, or somebody else has decided where it runs. */
  const stopUnwanted = (key: string, current: Pod | undefined, previous: Pod | undefined): void => {
    const pod = current ?? previous
    if (!pod) return
    const node = current?.spec.nodeName
    const isElsewhere = node && previous && !previous.spec.nodeName && placements.nodeOf(previous) !== node
    if (!current || current.metadata.deletionTimestamp !== undefined || isElsewhere) inFlight.stop(uidOf(pod))
    if (current) return
    roomMaker.gone(uidOf(pod))
    backoff.forget(key)
  }

  const followPod = (key: string, current: Pod | undefined, previous: Pod | undefined): void => {
    stopUnwanted(key, current, previous)
    placements.setPod(key, current, previous)
    followWaiting(key, current, previous)
    const isThere = current !== undefined && !isFinished(current)
    const wasThere = previous !== undefined && !isFinished(previous)
    const isNews = !isThere || !wasThere || !deepEqual(relevantOfPod(current), relevantOfPod(previous))
    if (!isNews) return
    if (isThere && placements.nodeOf(current)) happened('pod added')
    if (wasThere && placements.nodeOf(previous)) happened('pod gone')
  }

  nodeCopies.onChange((key, current, previous) => {
    placements.setNode(key, current)
    if (!current || !previous || !deepEqual(relevant(current), relevant(previous))) happened('node')
  }, signal)
  namespaceCopies.onChange((_key, current, previous) => {
    if (!deepEqual(current?.metadata.labels, previous?.metadata.labels)) happened('namespace')
  }, signal)
  podCopies.onChange(followPod, signal)
  await loop.run(signal)
  await inFlight.close()
  backoff.forget()
}

/** Where pods go. It is a controller like any other. */
export const createScheduler =
  (settings: SchedulerSettings): CreateController =>
  (context) => ({
    name: defaultSchedulerName,
    run: (signal) => runScheduler(settings, context, signal),
  })
