/** Keeps pods with names of their own, and the claims that belong to them. */
import { referenceTo } from '../../../api/event-recorder.ts'
import { objectKey, pods, statefulSets } from '../../../api/resources.ts'
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { ControllerRevision, StatefulSet } from '../../../api/types/kubernetes/apps-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { catchUpMs, createPodControl, type PodWords } from '../pod-control/pod-control.ts'
import type { PodDraft, WorkloadKind } from '../pod-control/workload.ts'
import { createRevisionHistory, type History } from '../revisions/history.ts'
import { revisionLabel, templateOf } from '../revisions/revision.ts'
import { writeStatus } from '../write-status.ts'
import { createStatefulClaims } from './claims.ts'
import { identityLabels, memberOf, ordinalOf } from './identity.ts'
import { countMembers, keepsRevision, planMembers, type StatefulPlan } from './plan.ts'

const name = 'statefulset-controller'

const kind: WorkloadKind<StatefulSet> = {
  resource: statefulSets,
  source: name,
  matcherOf: ({ spec }) => matchLabelSelector(spec.selector),
  mayAdopt: (set, pod) => ordinalOf(set, pod) !== undefined,
}

const words: PodWords<StatefulSet> = (verb, set, pod, error) => {
  const text = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`
  return error === undefined ? `${text} successful` : `${text} failed error: ${error}`
}

/** The labels of revisions, apart from those of pods. */
const hashLabel = 'controller.kubernetes.io/hash'

interface Revisions {
  readonly current: ControllerRevision
  readonly update: ControllerRevision
}

/** What pods had before is what the status says, as long as there is a revision of it. */
const revisionsOf = ({ status }: StatefulSet, { current: update, old }: History): Revisions => ({
  current: old.find(({ metadata }) => metadata.name === status.currentRevision) ?? update,
  update,
})

export const createStatefulSetController: CreateController = (context) => {
  const { client, clock } = context
  const events = recorderFor(context, name)
  const control = createPodControl(context, kind, words)
  const history = createRevisionHistory(context, kind, hashLabel)
  const claims = createStatefulClaims(context, events)

  const draftOf = (set: StatefulSet, { current, update }: Revisions, ordinal: number): PodDraft => {
    const kept = keepsRevision(set, ordinal) ? templateOf(current) : undefined
    const [template, revision] = kept ? [kept, current] : [set.spec.template, update]
    return memberOf(set, template, revision.metadata.name, ordinal)
  }

  /** An adopted pod gets the labels of its name; its claims go with whom the policy says. */
  const keepIdentity = async (set: StatefulSet, pod: Pod): Promise<void> => {
    const ordinal = ordinalOf(set, pod)
    if (ordinal === undefined) return
    const labels = identityLabels(set, ordinal)
    const { uid, resourceVersion } = pod.metadata
    if (Object.entries(labels).some(([key, value]) => pod.metadata.labels?.[key] !== value))
      await client.patch(pods, pod, { metadata: { uid, resourceVersion, labels } })
    if (pod.status?.phase === 'Pending' && pod.metadata.deletionTimestamp === undefined)
      await claims.ensure(set, ordinal)
    await claims.own(set, ordinal, pod)
  }

  const tellEnded = (set: StatefulSet, pod: Pod): void => {
    const [reason, state] =
      pod.status?.phase === 'Failed' ? ['RecreatingFailedPod', 'failed'] : ['RecreatingTerminatedPod', 'terminated']
    const message = `StatefulSet ${objectKey(set)} is recreating ${state} Pod ${pod.metadata.name}`
    events.record(referenceTo(set), 'Warning', reason, message)
  }

  /** Throws why pods could not be made. */
  const carryOut = async (set: StatefulSet, revisions: Revisions, plan: StatefulPlan): Promise<Outcome> => {
    for (const pod of plan.ended) tellEnded(set, pod)
    await control.delete(set, plan.leaving)
    const ready: number[] = []
    for (const ordinal of plan.make) if (await claims.ensure(set, ordinal)) ready.push(ordinal)
    const { failure } = await control.create(
      set,
      ready.map((ordinal) => draftOf(set, revisions, ordinal)),
    )
    if (failure !== undefined) throw new Error(failure)
    return ready.length < plan.make.length ? { againInMs: catchUpMs } : 'done'
  }

  const manage = async (set: StatefulSet, past: History): Promise<Outcome> => {
    const { pods: owned, isCurrent } = await control.claim(set)
    const revisions = revisionsOf(set, past)
    const [current, update] = [revisions.current.metadata.name, revisions.update.metadata.name]
    const view = { set, current, update, pods: owned, now: clock.now() }
    const { status, againInMs } = countMembers(view)
    await writeStatus(client, statefulSets, set, status, ['replicas', 'availableReplicas'])
    if (!isCurrent) return { againInMs: catchUpMs }
    for (const pod of owned) await keepIdentity(set, pod)
    const outcome = await carryOut(set, revisions, planMembers(view))
    const live = new Set([current, update, ...owned.map(({ metadata }) => metadata.labels?.[revisionLabel])])
    await history.prune(set, past.old, ({ metadata }) => live.has(metadata.name))
    return againInMs === undefined || outcome !== 'done' ? outcome : { againInMs }
  }

  const queue = createQueue(context, name, (key) => history.reconcile(key, manage))
  return {
    name,
    run: (signal) => {
      control.follow(queue.add)
      history.follow(queue.add)
      return queue.run(signal)
    },
  }
}
