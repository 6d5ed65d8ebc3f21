/**
 * Volumes that can be reached from the node, or made there. What has to be written for the node that was chosen is, and the pod goes
 * on once all of its claims are bound. Until then nobody else gets the volumes that were found for it.
 */
import type { Client } from '../../../api/client.ts'
import { isFinished } from '../../../api/pods.ts'
import { objectKey, persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../../../api/resources.ts'
import type { Node, Pod } from '../../../api/types/index.ts'
import type { PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import type { Informers } from '../../controllers/informers.ts'
import { annotationOf, isBound, referenceToClaim } from '../../volumes/claims.ts'
import { boundByController, selectedNode } from '../../volumes/names.ts'
import { claimKeysOfPod } from '../../volumes/pod-claims.ts'
import type { Reserve } from '../framework/binding.ts'
import type { PluginContext } from '../framework/context.ts'
import type { Filter } from '../framework/filter.ts'
import type { Plugin } from '../framework/plugin.ts'
import { noVolumes, type Placement, type PodVolumes, type VolumeWorld, volumesOfPod } from '../framework/pod-volumes.ts'

const uidOf = ({ metadata }: Pod): string => metadata.uid ?? ''

/** Volumes that pods on their way to their nodes have found, and what is to be written for each of these pods. */
interface Reservations extends Pick<VolumeWorld, 'isReserved'> {
  of(pod: Pod): readonly Placement[]
  set(pod: Pod, placements: readonly Placement[]): void
  /** Whether there were any. */
  delete(pod: Pod): boolean
}

const createReservations = (): Reservations => {
  const placementsOf = new Map<string, readonly Placement[]>()
  /** The key of the claim that each volume is for, by the volume's name. */
  const claimOf = new Map<string, string>()
  return {
    isReserved: (volume, claim) => (claimOf.get(volume) ?? claim) !== claim,
    of: (pod) => placementsOf.get(uidOf(pod)) ?? [],
    set: (pod, placements) => {
      placementsOf.set(uidOf(pod), placements)
      for (const { claim, volume } of placements) if (volume) claimOf.set(volume.metadata.name, objectKey(claim))
    },
    delete: (pod) => {
      for (const { volume } of placementsOf.get(uidOf(pod)) ?? []) if (volume) claimOf.delete(volume.metadata.name)
      return placementsOf.delete(uidOf(pod))
    },
  }
}

const worldOf = (informers: Pick<Informers, 'of'>, { isReserved }: Pick<VolumeWorld, 'isReserved'>): VolumeWorld => {
  const claims = informers.of(persistentVolumeClaims)
  const volumes = informers.of(persistentVolumes)
  const classes = informers.of(storageClasses)
  const podCopies = informers.of(pods)
  return {
    claim: (key) => claims.get(key),
    volume: (name) => volumes.get(name),
    volumesOfClass: (name) => volumes.by('class', name),
    storageClass: (name) => classes.get(name),
    isReserved,
    isTaken: (key, by) =>
      podCopies
        .by('claim', key)
        .some((pod) => pod.metadata.uid !== by.metadata.uid && pod.spec.nodeName && !isFinished(pod)),
  }
}

const filterOf = (of: (pod: Pod) => PodVolumes): Filter => ({
  helpedBy: ['node', 'volume', 'pod gone'],
  prepare: (pod) => {
    const volumes = of(pod)
    if (volumes === noVolumes) return undefined
    return {
      ...(volumes.refusal === undefined ? {} : { refusal: volumes.refusal }),
      check: ({ node }) => {
        const reasons = volumes.objections(node)
        return reasons.length > 0 ? { reasons, isFinal: true } : undefined
      },
    }
  },
})

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

/** Who was to make the volume has given the node back. */
const isGivenBack = (claim: PersistentVolumeClaim | undefined, previous: PersistentVolumeClaim): boolean =>
  !claim ||
  (!isBound(claim) &&
    annotationOf(previous, selectedNode) !== undefined &&
    annotationOf(claim, selectedNode) === undefined)

interface Waiting {
  readonly bound: () => void
  readonly failed: (error: Error) => void
}

export const createVolumeBinding = (
  informers: Pick<Informers, 'of'>,
  { client, signal: end, wake }: Pick<PluginContext, 'client' | 'signal' | 'wake'>,
): Plugin => {
  const claims = informers.of(persistentVolumeClaims)
  const podCopies = informers.of(pods)
  const reservations = createReservations()
  const world = worldOf(informers, reservations)
  /** By the uids of their pods. */
  const waiting = new Map<string, Waiting>()
  const of = (pod: Pod): PodVolumes => volumesOfPod(pod, world)

  const areBound = (pod: Pod): boolean =>
    claimKeysOfPod(pod).every((key) => {
      const claim = claims.get(key)
      return claim && isBound(claim)
    })

  claims.onChange((key, claim, previous) => {
    const users = podCopies.by('claim', key)
    for (const pod of users) {
      const found = waiting.get(uidOf(pod))
      if (previous && isGivenBack(claim, previous))
        found?.failed(
          new Error(`binding volumes: provisioning failed for PVC ${JSON.stringify(previous.metadata.name)}`),
        )
      else if (areBound(pod)) found?.bound()
    }
    const isNews = !claim || !previous || isBound(claim) !== isBound(previous)
    if (isNews) wake('volume', users)
  }, end)
  informers.of(persistentVolumes).onChange(() => wake('volume'), end)
  informers.of(storageClasses).onChange(() => wake('volume'), end)

  const reserve: Reserve = {
    reserve: (pod, node) => {
      const placements = of(pod).placements(node)
      if (placements.length > 0) reservations.set(pod, placements)
    },
    release: (pod) => {
      if (reservations.delete(pod)) wake('volume')
    },
  }

  const untilBound = async (pod: Pod, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted()
    if (areBound(pod)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    waiting.set(uidOf(pod), { bound: resolve, failed: reject })
    try {
      await promise
    } finally {
      waiting.delete(uidOf(pod))
      signal.removeEventListener('abort', stop)
    }
  }

  const bindVolumes = async (pod: Pod, node: Node, signal: AbortSignal): Promise<void> => {
    for (const placement of reservations.of(pod)) {
      signal.throwIfAborted()
      await write(client, node.metadata.name, placement)
    }
    await untilBound(pod, signal)
    reservations.delete(pod)
    const [objection] = of(pod).objections(node)
    if (objection !== undefined) throw new Error(`binding volumes: ${objection}`)
  }

  return {
    ...{ name: 'VolumeBinding', filter: filterOf(of), reserve },
    preBind: (pod, node, signal) => (reservations.of(pod).length === 0 ? undefined : bindVolumes(pod, node, signal)),
  }
}
