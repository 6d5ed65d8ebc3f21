/** Keeps one pod on every node that a DaemonSet asks for. */
import { referenceTo } from '../../../api/event-recorder.ts'
import { daemonSets, nodes } from '../../../api/resources.ts'
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { Node, Pod } from '../../../api/types/index.ts'
import type { ControllerRevision, DaemonSet } from '../../../api/types/kubernetes/apps-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { catchUpMs, createPodControl } from '../pod-control/pod-control.ts'
import { podOf, type WorkloadKind } from '../pod-control/workload.ts'
import { onRelevantChange } from '../relevant-change.ts'
import { createRevisionHistory } from '../revisions/history.ts'
import { revisionLabel } from '../revisions/revision.ts'
import { writeStatus } from '../write-status.ts'
import { createFailureBackoff } from './failed-pods.ts'
import { daemonTemplate, nodeOf, onNode } from './placement.ts'
import {
  type DaemonPlan,
  endedPods,
  type Measure,
  type NodePods,
  planPlaces,
  planUpdate,
  podsByNode,
  strandedPods,
} from './plan.ts'
import { countDaemons } from './status.ts'

const name = 'daemonset-controller'

const kind: WorkloadKind<DaemonSet> = {
  resource: daemonSets,
  source: name,
  matcherOf: ({ spec }) => matchLabelSelector(spec.selector),
}

/** So many pods are made or deleted at most before looking again. */
const burst = 250

const kept = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady']

/** What matters of a node here; heartbeats do not. */
const relevant = ({ metadata, spec }: Node): unknown => [metadata.labels, spec?.taints]

const hashOf = ({ metadata }: ControllerRevision): string => metadata.labels?.[revisionLabel] ?? metadata.name

export const createDaemonSetController: CreateController = (context) => {
  const { client, informers, clock } = context
  const sets = informers.of(daemonSets)
  const nodeCopies = informers.of(nodes)
  const events = recorderFor(context, name)
  const control = createPodControl(context, kind)
  const history = createRevisionHistory(context, kind, revisionLabel)
  const failures = createFailureBackoff(clock)

  const mayReplace = (set: DaemonSet, pod: Pod): boolean => {
    const node = nodeOf(pod) ?? ''
    const waitMs = failures.waitMs(`${set.metadata.uid}/${node}`)
    if (waitMs > 0) {
      queue.addAfter(`${set.metadata.namespace}/${set.metadata.name}`, waitMs)
      return false
    }
    const isFailed = pod.status?.phase === 'Failed'
    const [type, reason, state, end] = isFailed
      ? (['Warning', 'FailedDaemonPod', 'failed', 'kill'] as const)
      : (['Normal', 'SucceededDaemonPod', 'succeeded', 'delete'] as const)
    const message = `Found ${state} daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node}, will try to ${end} it`
    events.record(referenceTo(set), type, reason, message)
    return true
  }

  /** Throws why pods could not be made. */
  const carryOut = async (set: DaemonSet, hash: string, { make, leaving }: DaemonPlan): Promise<void> => {
    const template = daemonTemplate(set, hash)
    const drafts = make.slice(0, burst).map((node) => podOf(set, daemonSets, onNode(template, node)))
    const { failure } = await control.create(set, drafts)
    await control.delete(set, leaving.slice(0, burst))
    if (failure !== undefined) throw new Error(failure)
  }

  /** An update goes on where every node has its pod. */
  const planOf = (places: readonly NodePods[], owned: readonly Pod[], measure: Measure): DaemonPlan => {
    const { make, leaving } = planPlaces(places, measure)
    const ended = endedPods(places).filter((pod) => mayReplace(measure.set, pod))
    const all = { make, leaving: [...leaving, ...ended, ...strandedPods(places, owned)] }
    return make.length + all.leaving.length > 0 ? all : planUpdate(places, measure)
  }

  const manage = async (
    set: DaemonSet,
    { current, old }: { readonly current: ControllerRevision; readonly old: readonly ControllerRevision[] },
  ): Promise<Outcome> => {
    const { pods: owned, isCurrent } = await control.claim(set)
    const measure: Measure = { set, hash: hashOf(current), now: clock.now() }
    const places = podsByNode(daemonTemplate(set, measure.hash), nodeCopies.values(), owned)
    const { status, againInMs } = countDaemons(places, measure)
    await writeStatus(client, daemonSets, set, status, kept)
    if (!isCurrent) return { againInMs: catchUpMs }
    await carryOut(set, measure.hash, planOf(places, owned, measure))
    const live = new Set(owned.map(({ metadata }) => metadata.labels?.[revisionLabel]))
    await history.prune(set, old, (revision) => live.has(hashOf(revision)))
    return againInMs === undefined ? 'done' : { againInMs }
  }

  const queue = createQueue(context, name, (key) => history.reconcile(key, manage))
  return {
    name,
    run: (signal) => {
      control.follow(queue.add)
      history.follow(queue.add)
      onRelevantChange(nodeCopies, relevant, () => {
        for (const [key] of sets.entries()) queue.add(key)
      })
      return queue.run(signal)
    },
  }
}
