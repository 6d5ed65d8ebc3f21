/** Rolls deployments out: one replica set for each template, sized step by step. */
import { isFinished } from '../../../api/pods.ts'
import { deployments, pods, replicaSets } from '../../../api/resources.ts'
import { type LabelMatcher, matchLabelSelector } from '../../../api/selectors.ts'
import type { Deployment, ReplicaSet } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createExpectations } from '../../../controller/expectations.ts'
import { followDependents } from '../../../controller/follow-dependents.ts'
import { claim, claimable, controllerOf, sortClaims } from '../../../controller/ownership.ts'
import { createQueue } from '../../../controller/queue.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { catchUpMs } from '../pod-control/pod-control.ts'
import { writeStatus } from '../write-status.ts'
import { isScaled, planRollingUpdate, planScale, type Resize } from './plan.ts'
import { createReplicaSetWriter } from './replica-sets.ts'
import { countReplicas, deadlineIn, isComplete, type RolloutEvent, withProgress } from './status.ts'
import { findCurrent } from './template.ts'

const name = 'deployment-controller'

/** Told once: when a deployment is paused, and when it goes on. */
const pauseEvent = ({ spec, status }: Deployment): RolloutEvent | undefined => {
  const known = status?.conditions?.find(({ type }) => type === 'Progressing')?.reason
  if (known === 'ProgressDeadlineExceeded') return undefined
  const wasPaused = known === 'DeploymentPaused'
  if (spec.paused && !wasPaused)
    return { reason: 'DeploymentPaused', message: 'Deployment is paused', status: 'Unknown' }
  if (!spec.paused && wasPaused)
    return { reason: 'DeploymentResumed', message: 'Deployment is resumed', status: 'Unknown' }
  return undefined
}

const matcherOf = ({ spec }: Deployment): LabelMatcher => matchLabelSelector(spec.selector)

const emptied = (old: readonly ReplicaSet[]): readonly Resize[] =>
  old.filter(({ spec }) => spec.replicas !== 0).map((set) => ({ set, replicas: 0 }))

export const createDeploymentController: CreateController = (context) => {
  const { client, informers, clock } = context
  const copies = informers.of(deployments)
  const sets = informers.of(replicaSets)
  const podCopies = informers.of(pods)
  const expectations = createExpectations(sets, clock)
  const writer = createReplicaSetWriter(context, recorderFor(context, name), expectations)

  const ownedSets = (deployment: Deployment): Promise<readonly ReplicaSet[]> => {
    const claims = sortClaims(deployment, matcherOf(deployment), claimable(sets, deployment))
    return claim(client, [deployments, deployment], replicaSets, claims)
  }

  const isRunning = (set: ReplicaSet): boolean =>
    podCopies.by('owner', set.metadata.uid ?? '').some((pod) => !isFinished(pod))

  interface Step {
    readonly current: ReplicaSet | undefined
    readonly event?: RolloutEvent
  }

  const ensureCurrent = async (deployment: Deployment, old: readonly ReplicaSet[]): Promise<Step> => {
    const current = await writer.make(deployment, old)
    const message = `Created new replica set "${current.metadata.name}"`
    await writer.refresh(deployment, current, old)
    return { current, event: { reason: 'NewReplicaSetCreated', message, status: 'True' } }
  }

  const recreate = async (
    deployment: Deployment,
    current: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
  ): Promise<Step> => {
    await writer.resize(deployment, emptied(old))
    if (old.some(isRunning)) return { current }
    if (!current) return ensureCurrent(deployment, old)
    await writer.resize(deployment, [{ set: current, replicas: deployment.spec.replicas ?? 1 }])
    return { current }
  }

  /** One step; the change of a replica set's status leads to the next. */
  const step = async (
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
  ): Promise<Step> => {
    if (deployment.metadata.deletionTimestamp !== undefined) return { current: found }
    const current = found && (await writer.refresh(deployment, found, old))
    const all = current ? [...old, current] : old
    if (deployment.spec.paused || isScaled(deployment, all)) {
      await writer.resize(deployment, planScale(deployment, current, old))
      return { current }
    }
    if (deployment.spec.strategy?.type === 'Recreate') return recreate(deployment, current, old)
    if (!current) return ensureCurrent(deployment, old)
    await writer.resize(deployment, planRollingUpdate(deployment, current, old))
    return { current }
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const deployment = copies.get(key)
    if (!deployment) return 'done'
    // What is given to one set is taken from another: all of them have to be as they were written last.
    if (!expectations.areMet(key)) return { againInMs: catchUpMs }
    const owned = await ownedSets(deployment)
    const found = findCurrent(deployment, owned)
    const old = owned.filter((set) => set !== found)
    const { current, event } = await step(deployment, found, old)
    const now = clock.now()
    const all = current ? [...old, current] : old
    const counted = countReplicas(deployment, current, all, now)
    const status = withProgress(deployment, current, counted, event ?? pauseEvent(deployment), now)
    await writeStatus(client, deployments, deployment, status)
    if (isComplete(deployment, status) && !deployment.spec.paused) await writer.prune(deployment, old)
    const againInMs = deadlineIn(deployment, status, now)
    return againInMs === undefined ? 'done' : { againInMs }
  }

  const queue = createQueue(context, name, reconcile)

  /** With Recreate, the last old pod's end is what everything waits for. */
  const podGone = (set: ReplicaSet | undefined): void => {
    const controller = set && controllerOf(set)
    const key = controller && `${set.metadata.namespace}/${controller.name}`
    if (key && copies.get(key)?.spec.strategy?.type === 'Recreate') queue.add(key)
  }

  return {
    name,
    run: (signal) => {
      copies.onChange((key, current) => {
        if (!current) expectations.forget(key)
        queue.add(key)
      })
      followDependents({ owners: copies, dependents: sets, matcherOf }, queue.add)
      podCopies.onChange((_key, current, previous) => {
        const owner = previous && controllerOf(previous)
        if (owner && (!current || isFinished(current))) podGone(sets.by('uid', owner.uid)[0])
      })
      return queue.run(signal)
    },
  }
}
