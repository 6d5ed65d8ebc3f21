/**
 * Pods whose volumes are found, or made, on the node that was chosen for them: what has to be written is, and the pod gets its
 * node once all of its claims are bound. Until then it counts as being there.
 */

import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isFinished } from '../../api/pods.ts'
import { objectKey, persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../../api/resources.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import type { ControllerContext } from '../controllers/controller.ts'
import type { Informers } from '../controllers/informers.ts'
import { annotationOf, isBound, referenceToClaim } from '../volumes/claims.ts'
import { boundByController, selectedNode } from '../volumes/names.ts'
import { claimKeysOfPod } from '../volumes/pod-claims.ts'
import { type Placement, type PodVolumes, type VolumeWorld, volumesOfPod } from './framework/pod-volumes.ts'

/** kube-scheduler's bindTimeoutSeconds. */
const limitMs = 600_000

export interface VolumeBinding {
  readonly of: (pod: Pod) => PodVolumes
  /** Writes what is wanted for a node. Rejects when somebody else was faster. */
  begin(pod: Pod, node: string, placements: readonly Placement[]): Promise<void>
  /** Follows claims and volumes until `signal` aborts. */
  follow(signal: AbortSignal): void
}

export interface VolumeListener {
  /** All claims of a pod are bound. */
  bound(pod: Pod, node: string): void
  /** They will not be, for this node. */
  failed(pod: Pod): void
  /** Pods that fitted nowhere may fit now; `pods` at once. */
  changed(pods: readonly Pod[]): void
}

interface Waiting {
  readonly uid: string
  readonly node: string
  readonly cancel: () => void
}

const worldOf = (informers: Informers): VolumeWorld => {
  const claims = informers.of(persistentVolumeClaims)
  const volumes = informers.of(persistentVolumes)
  const classes = informers.of(storageClasses)
  const podCopies = informers.of(pods)
  return {
    claim: (key) => claims.get(key),
    volume: (name) => volumes.get(name),
    volumesOfClass: (name) => volumes.by('class', name),
    storageClass: (name) => classes.get(name),
    isTaken: (key, by) =>
      podCopies
        .by('claim', key)
        .some((pod) => pod.metadata.uid !== by.metadata.uid && pod.spec.nodeName && !isFinished(pod)),
  }
}

const write = async (client: Client, node: string, { claim, volume }: Placement): Promise<void> => {
  if (volume) {
    if (volume.spec.claimRef?.uid) return
    const { resourceVersion } = volume.metadata
    await client.patch(persistentVolumes, volume, {
      metadata: { resourceVersion, annotations: volume.spec.claimRef ? {} : { [boundByController]: 'yes' } },
      spec: { claimRef: referenceToClaim(claim) },
    })
  } else if (annotationOf(claim, selectedNode) !== node) {
    const { resourceVersion } = claim.metadata
    await client.patch(persistentVolumeClaims, claim, {
      metadata: { resourceVersion, annotations: { [selectedNode]: node } },
    })
  }
}

export const createVolumeBinding = (
  { client, informers, clock }: Pick<ControllerContext, 'client' | 'informers'> & { readonly clock: Clock },
  listener: VolumeListener,
): VolumeBinding => {
  const claims = informers.of(persistentVolumeClaims)
  const podCopies = informers.of(pods)
  const world = worldOf(informers)
  const waiting = new Map<string, Waiting>()

  const end = (key: string): Waiting | undefined => {
    const found = waiting.get(key)
    found?.cancel()
    waiting.delete(key)
    return found
  }

  const fail = (key: string): void => {
    const found = end(key)
    const pod = podCopies.get(key)
    if (found && pod?.metadata.uid === found.uid) listener.failed(pod)
  }

  const look = (key: string): void => {
    const found = waiting.get(key)
    const pod = podCopies.get(key)
    if (!found || !pod) return
    const isDone = claimKeysOfPod(pod).every((claimKey) => {
      const claim = claims.get(claimKey)
      return claim && isBound(claim)
    })
    if (!isDone) return
    end(key)
    listener.bound(pod, found.node)
  }

  /** Who was to make the volume has given the node back. */
  const isGivenBack = (claim: PersistentVolumeClaim | undefined, previous: PersistentVolumeClaim): boolean =>
    !claim ||
    (!isBound(claim) &&
      annotationOf(previous, selectedNode) !== undefined &&
      annotationOf(claim, selectedNode) === undefined)

  return {
    of: (pod) => volumesOfPod(pod, world),
    begin: async (pod, node, placements) => {
      const key = objectKey(pod)
      const cancel = clock.after(limitMs, () => fail(key))
      waiting.set(key, { uid: pod.metadata.uid ?? '', node, cancel })
      try {
        for (const placement of placements) await write(client, node, placement)
      } catch (error) {
        end(key)
        throw error
      }
      look(key)
    },
    follow: (signal) => {
      claims.onChange((key, claim, previous) => {
        const users = podCopies.by('claim', key)
        for (const pod of users) {
          if (previous && isGivenBack(claim, previous)) fail(objectKey(pod))
          else look(objectKey(pod))
        }
        const isNews = !claim || !previous || isBound(claim) !== isBound(previous)
        if (isNews) listener.changed(users)
      }, signal)
      informers.of(persistentVolumes).onChange(() => listener.changed([]), signal)
      informers.of(storageClasses).onChange(() => listener.changed([]), signal)
      podCopies.onChange((key, pod) => {
        if (!pod || pod.metadata.uid !== waiting.get(key)?.uid || pod.metadata.deletionTimestamp !== undefined) end(key)
      }, signal)
      signal.addEventListener('abort', () => {
        for (const { cancel } of waiting.values()) cancel()
      })
    },
  }
}
