/**
 * Makes the volumes of classes with our provisioner, and removes those whose claims have gone. What has to be done on the node
 * is done by a pod there, so that nobody else gets further rights. One key for each volume, `pvc-` and the uid of its claim.
 */

import type { Draft } from '../../../../api/client.ts'
import { deepEqual } from '../../../../api/deep-equal.ts'
import { errorText, isAlreadyExists, isNotFound } from '../../../../api/errors.ts'
import { referenceTo } from '../../../../api/event-recorder.ts'
import { isFinished } from '../../../../api/pods.ts'
import { nodes, persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../../../../api/resources.ts'
import type { Node, Pod } from '../../../../api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../../../api/types/kubernetes/storage-v1.ts'
import type { Outcome } from '../../../../api/work-queue.ts'
import { createQueue } from '../../../../controller/queue.ts'
import { chooseNode } from '../../../volumes/choose-node.ts'
import { annotationOf, classOf, modeOf, referenceToClaim, waitsForConsumer } from '../../../volumes/claims.ts'
import { folderOf, hostPathProvisioner } from '../../../volumes/host-path.ts'
import { provisionedBy, selectedNode, storageProvisioner } from '../../../volumes/names.ts'
import { type CreateController, recorderFor } from '../../controller.ts'
import { isVolumeName, type Task, taskOf, taskPod, volumeOfTask } from './tasks.ts'

const hostnameLabel = 'kubernetes.io/hostname'

/** A node that does not do it in this time is not asked any longer. */
const taskLimitMs = 120_000
/** What failed is tried again after so long. */
const retryMs = 15_000

const nameFor = ({ metadata }: PersistentVolumeClaim): string => `pvc-${metadata.uid ?? ''}`

export const createHostPathProvisioner: CreateController = (context) => {
  const { client, clock, informers } = context
  const claims = informers.of(persistentVolumeClaims)
  const volumes = informers.of(persistentVolumes)
  const classes = informers.of(storageClasses)
  const podCopies = informers.of(pods)
  const nodeCopies = informers.of(nodes)
  const events = recorderFor(context, hostPathProvisioner)

  const tasksOf = (volume: string): readonly Pod[] =>
    podCopies.by('namespace', 'kube-system').filter((pod) => volumeOfTask(pod) === volume)

  const drop = (pod: Pod): Promise<unknown> =>
    client
      .delete(pods, pod, {
        gracePeriodSeconds: isFinished(pod) ? 0 : 5,
        preconditions: { uid: pod.metadata.uid ?? '' },
      })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })

  /** When tasks failed last, by the names of their pods: that a failed one goes is no reason to begin the next at once. */
  const failures = new Map<string, number>()
  const hasJustFailed = (name: string): boolean => {
    const at = failures.get(name)
    return at !== undefined && clock.now() - at < retryMs
  }

  const noteFailure = (name: string): void => {
    for (const each of failures.keys()) if (!hasJustFailed(each)) failures.delete(each)
    failures.set(name, clock.now())
  }

  const isLate = (pod: Pod): boolean =>
    clock.now() - Date.parse(pod.metadata.creationTimestamp ?? '') > taskLimitMs ||
    pod.metadata.deletionTimestamp !== undefined

  /** `working` (or soon to be tried again), `done`, or why it has failed; a task that is over has gone by then. */
  const run = async (task: Task): Promise<'working' | 'done' | { readonly failure: string }> => {
    const draft = taskPod(task)
    const pod = podCopies.get(`kube-system/${draft.metadata.name}`)
    if (!pod) {
      if (hasJustFailed(draft.metadata.name)) return 'working'
      await client.create(pods, draft).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error
      })
      return 'working'
    }
    // What it says counts only when it is the one that was asked.
    if (!deepEqual(taskOf(pod), task)) return { failure: `pod kube-system/${draft.metadata.name} is another one` }
    if (pod.status?.phase === 'Succeeded') return 'done'
    if (!isFinished(pod) && !isLate(pod)) return 'working'
    noteFailure(draft.metadata.name)
    await drop(pod)
    const why = pod.status?.message ?? (isFinished(pod) ? 'the command failed' : 'no answer in time')
    return { failure: `pod kube-system/${draft.metadata.name} on node ${task.node}: ${why}` }
  }

  const tell = (
    about: PersistentVolume | PersistentVolumeClaim,
    type: 'Normal' | 'Warning',
    reason: string,
    text: string,
  ) => events.record(referenceTo(about), type, reason, text)

  const volumeFor = (
    claim: PersistentVolumeClaim,
    storageClass: StorageClass,
    node: Node,
  ): Draft<PersistentVolume> => ({
    metadata: { name: nameFor(claim), annotations: { [provisionedBy]: hostPathProvisioner } },
    spec: {
      accessModes: claim.spec.accessModes ?? [],
      capacity: { storage: claim.spec.resources.requests?.['storage'] ?? '0' },
      claimRef: referenceToClaim(claim),
      local: { path: `${folderOf(storageClass)}/${nameFor(claim)}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                {
                  key: hostnameLabel,
                  operator: 'In',
                  values: [node.metadata.labels?.[hostnameLabel] ?? node.metadata.name],
                },
              ],
            },
          ],
        },
      },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
      ...(storageClass.mountOptions ? { mountOptions: storageClass.mountOptions } : {}),
    },
    status: {},
  })

  /** The scheduler is to choose another node. */
  const giveBack = (claim: PersistentVolumeClaim): Promise<unknown> =>
    client.patch(persistentVolumeClaims, claim, {
      metadata: { resourceVersion: claim.metadata.resourceVersion, annotations: { [selectedNode]: null } },
    })

  const nodeFor = (claim: PersistentVolumeClaim, storageClass: StorageClass): Node => {
    const chosen = annotationOf(claim, selectedNode)
    if (chosen !== undefined) {
      const node = nodeCopies.get(chosen)
      if (!node) throw new Error(`node ${JSON.stringify(chosen)} not found`)
      return node
    }
    const node = chooseNode(storageClass, [...nodeCopies.values()], [...volumes.values()])
    if (!node) throw new Error('no node is ready for volumes of this class')
    return node
  }

  const provision = async (claim: PersistentVolumeClaim, storageClass: StorageClass): Promise<Outcome> => {
    const failed = async (why: string): Promise<Outcome> => {
      const className = JSON.stringify(storageClass.metadata.name)
      tell(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass ${className}: ${why}`)
      if (waitsForConsumer(storageClass)) await giveBack(claim)
      return { againInMs: retryMs }
    }
    if (modeOf(claim) !== 'Filesystem') return failed('only volumeMode Filesystem is supported')
    if (claim.spec.selector) return failed('claim.spec.selector is not supported by dynamic provisioning')
    let task: Task
    let node: Node
    try {
      node = nodeFor(claim, storageClass)
      task = { kind: 'make', volume: nameFor(claim), node: node.metadata.name, folder: folderOf(storageClass) }
    } catch (error) {
      return failed(errorText(error))
    }
    if (tasksOf(task.volume).length === 0)
      tell(
        claim,
        'Normal',
        'Provisioning',
        `External provisioner is provisioning volume for claim "${claim.metadata.namespace ?? ''}/${claim.metadata.name}"`,
      )
    const outcome = await run(task)
    if (outcome === 'working') return { againInMs: retryMs }
    if (outcome !== 'done') return failed(outcome.failure)
    await client.create(persistentVolumes, volumeFor(claim, storageClass, node)).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
    tell(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${task.volume}`)
    return { againInMs: 0 }
  }

  /** The one node that the volume is on, when it is one that we have made. */
  const placeOf = ({ metadata, spec }: PersistentVolume): Omit<Task, 'kind'> | undefined => {
    const [hostname] = spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values ?? []
    const node = [...nodeCopies.values()].find(
      ({ metadata: { name, labels } }) => (labels?.[hostnameLabel] ?? name) === hostname,
    )
    const path = spec.local?.path ?? ''
    if (!node || !path.endsWith(`/${metadata.name}`)) return undefined
    return { volume: metadata.name, node: node.metadata.name, folder: path.slice(0, -metadata.name.length - 1) }
  }

  const remove = async (volume: PersistentVolume): Promise<Outcome> => {
    const place = placeOf(volume)
    const outcome = place ? await run({ kind: 'remove', ...place }) : { failure: 'the node of the volume is gone' }
    if (outcome === 'working') return { againInMs: retryMs }
    if (outcome !== 'done') {
      tell(volume, 'Warning', 'VolumeFailedDelete', outcome.failure)
      return { againInMs: retryMs }
    }
    const { uid = '' } = volume.metadata
    await client.delete(persistentVolumes, volume, { preconditions: { uid } }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
    return 'done'
  }

  const isOurs = (volume: PersistentVolume): boolean => annotationOf(volume, provisionedBy) === hostPathProvisioner

  /** Released by the controller that binds, which has made sure that the claim has gone. */
  const isToRemove = ({ spec, status }: PersistentVolume): boolean =>
    spec.persistentVolumeReclaimPolicy === 'Delete' && status.phase === 'Released'

  const wantedBy = (volumeName: string): readonly [PersistentVolumeClaim, StorageClass] | undefined => {
    const [claim] = claims.by('uid', volumeName.slice('pvc-'.length))
    const storageClass = claim && classes.get(classOf(claim))
    if (!claim || storageClass?.provisioner !== hostPathProvisioner || claim.spec.volumeName) return undefined
    if (claim.metadata.deletionTimestamp !== undefined) return undefined
    const isAsked = annotationOf(claim, storageProvisioner) === hostPathProvisioner
    const isPlaced = !waitsForConsumer(storageClass) || annotationOf(claim, selectedNode) !== undefined
    return isAsked && isPlaced ? [claim, storageClass] : undefined
  }

  /** Tasks that are over go. A folder whose claim went while it was made is removed by its own node. */
  const tidy = async (volumeName: string, isKept: boolean): Promise<Outcome> => {
    const all = tasksOf(volumeName)
    for (const pod of all) {
      const task = taskOf(pod)
      if (isKept || task?.kind !== 'make' || (isFinished(pod) && pod.status?.phase !== 'Succeeded')) continue
      if (!isFinished(pod) && !isLate(pod)) return { againInMs: retryMs }
      const outcome = await run({ ...task, kind: 'remove' })
      if (outcome === 'working') return { againInMs: retryMs }
      // The pod stays until it is done: it alone says where the folder is.
      if (outcome !== 'done') throw new Error(outcome.failure)
    }
    for (const pod of all) if (isFinished(pod) || isLate(pod)) await drop(pod)
    return 'done'
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const volume = volumes.get(key)
    if (volume && !isOurs(volume)) return 'done'
    if (volume && isToRemove(volume)) return remove(volume)
    const wanted = volume ? undefined : wantedBy(key)
    if (wanted) return provision(...wanted)
    return tidy(key, volume !== undefined)
  }

  const queue = createQueue(context, hostPathProvisioner, reconcile)
  const add = (volumeName: string | undefined): void => {
    if (volumeName !== undefined && isVolumeName(volumeName)) queue.add(volumeName)
  }

  return {
    name: 'host-path-provisioner',
    run: (signal) => {
      claims.onChange((_key, current, previous) => {
        for (const claim of [current, previous]) if (claim) add(nameFor(claim))
      }, signal)
      volumes.onChange((key) => add(key), signal)
      podCopies.onChange((_key, current, previous) => {
        for (const pod of [current, previous]) if (pod) add(volumeOfTask(pod))
      }, signal)
      classes.onChange((key) => {
        for (const claim of claims.by('class', key)) add(nameFor(claim))
      }, signal)
      return queue.run(signal)
    },
  }
}
