/** The writes of a rollout: replica sets made, resized, brought up to date, and thrown away. */
import { formatTime } from '../../../api/clock.ts'
import { deepEqual } from '../../../api/deep-equal.ts'
import { isAlreadyExists, isNotFound } from '../../../api/errors.ts'
import { type EventRecorder, referenceTo } from '../../../api/event-recorder.ts'
import { deployments, objectKey, replicaSets } from '../../../api/resources.ts'
import type { Deployment, ObjectMeta, ReplicaSet } from '../../../api/types/index.ts'
import type { Expectations } from '../../../controller/expectations.ts'
import { controllerReference, isControlledBy } from '../../../controller/ownership.ts'
import type { ControllerContext } from '../controller.ts'
import { templateHash } from '../template-hash.ts'
import { boundsOf } from './bounds.ts'
import { growthOf, type Resize } from './plan.ts'
import { currentAnnotations, nextRevision, revisionPatch, sizeAnnotations, surplusHistory } from './revisions.ts'
import { findCurrent, hashLabel } from './template.ts'

export interface ReplicaSetWriter {
  /** The set of the deployment's template, in its first size. */
  make(deployment: Deployment, old: readonly ReplicaSet[]): Promise<ReplicaSet>
  /** The sets as they are afterwards. */
  resize(deployment: Deployment, resizes: readonly Resize[]): Promise<void>
  /** Revision, inherited annotations and minReadySeconds of the current set, and the deployment's revision. */
  refresh(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Promise<ReplicaSet>
  /** Deletes what the history does not keep. */
  prune(deployment: Deployment, old: readonly ReplicaSet[]): Promise<void>
}

export const createReplicaSetWriter = (
  { client, clock }: Pick<ControllerContext, 'client' | 'clock'>,
  events: EventRecorder,
  expectations: Expectations,
): ReplicaSetWriter => {
  const tell = (deployment: Deployment, set: ReplicaSet, from: number, to: number): void => {
    const direction = to > from ? 'up' : 'down'
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`
    events.record(referenceTo(deployment), 'Normal', 'ScalingReplicaSet', message)
  }

  const draftOf = (deployment: Deployment, old: readonly ReplicaSet[]) => {
    const { metadata, spec } = deployment
    const hash = templateHash(spec.template, deployment.status?.collisionCount)
    const labels = { ...spec.template.metadata?.labels, [hashLabel]: hash }
    const bounds = boundsOf(deployment)
    return {
      metadata: {
        name: `${metadata.name}-${hash}`,
        namespace: metadata.namespace ?? '',
        labels,
        annotations: {
          ...currentAnnotations(deployment, undefined, nextRevision(old)),
          ...sizeAnnotations(deployment, bounds.surge),
        },
        ownerReferences: [controllerReference(deployment, deployments)],
      },
      spec: {
        replicas: growthOf(bounds, old, 0),
        minReadySeconds: spec.minReadySeconds ?? 0,
        selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
    }
  }

  /** The name is taken: by what we made a moment ago, or by another template with the same hash. */
  const takenBy = async (deployment: Deployment, name: string): Promise<ReplicaSet> => {
    const found = await client.get(replicaSets, name, deployment.metadata.namespace)
    if (isControlledBy(found, deployment) && findCurrent(deployment, [found])) return found
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
    const { uid } = deployment.metadata
    await client.patch(deployments, deployment, { metadata: { uid }, status: { collisionCount } }, 'status')
    throw new Error(`the name ${name} is taken by another ReplicaSet; trying the next (${formatTime(clock.now())})`)
  }

  const update = async (
    deployment: Deployment,
    set: ReplicaSet,
    annotations: ObjectMeta['annotations'],
    spec: Partial<ReplicaSet['spec']>,
  ): Promise<ReplicaSet> => {
    const { resourceVersion } = set.metadata
    const written = await client.patch(replicaSets, set, { metadata: { resourceVersion, annotations }, spec })
    expectations.updated(objectKey(deployment), written)
    return written
  }

  const resizeOne = async (deployment: Deployment, { set, replicas }: Resize): Promise<void> => {
    const annotations = sizeAnnotations(deployment, boundsOf(deployment).surge)
    const from = set.spec.replicas ?? 1
    const isSized = Object.entries(annotations).every(([key, value]) => set.metadata.annotations?.[key] === value)
    if (from === replicas && isSized) return
    await update(deployment, set, annotations, { replicas })
    if (from !== replicas) tell(deployment, set, from, replicas)
  }

  return {
    make: async (deployment, old) => {
      const draft = draftOf(deployment, old)
      try {
        const made = await client.create(replicaSets, draft)
        expectations.created(objectKey(deployment), made)
        if (draft.spec.replicas > 0) tell(deployment, made, 0, draft.spec.replicas)
        return made
      } catch (error) {
        if (isAlreadyExists(error)) return takenBy(deployment, draft.metadata.name)
        throw error
      }
    },

    resize: async (deployment, resizes) => {
      for (const resize of resizes) await resizeOne(deployment, resize)
    },

    refresh: async (deployment, current, old) => {
      const annotations = currentAnnotations(deployment, current, nextRevision(old))
      const minReadySeconds = deployment.spec.minReadySeconds ?? 0
      const isCurrent =
        deepEqual(annotations, current.metadata.annotations) && (current.spec.minReadySeconds ?? 0) === minReadySeconds
      const fresh = isCurrent ? current : await update(deployment, current, annotations, { minReadySeconds })
      const revision = revisionPatch(deployment, fresh)
      const { uid } = deployment.metadata
      if (revision) await client.patch(deployments, deployment, { metadata: { uid, annotations: revision } })
      return fresh
    },

    prune: async (deployment, old) => {
      for (const set of surplusHistory(deployment, old)) {
        const { uid = '', resourceVersion = '' } = set.metadata
        try {
          await client.delete(replicaSets, set, { preconditions: { uid, resourceVersion } })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
    },
  }
}
