/** What a rolling update notes in its two controllers, so that whoever comes after an interruption can go on. Pure. */
import type { StringMap } from '../../api/types/index.ts'
import type { ReplicationController } from '../../api/types/kubernetes/core-v1.ts'

/** At the controller that grows: `NAME:UID` of the one that it replaces. */
export const sourceIdAnnotation = 'kubectl.kubernetes.io/update-source-id'
/** At the controller that grows: how many pods it is to have. */
export const desiredReplicasAnnotation = 'kubectl.kubernetes.io/desired-replicas'
/** At the old one: how many pods it had. */
export const originalReplicasAnnotation = 'kubectl.kubernetes.io/original-replicas'
/** At the old one: the name of the new one. */
export const nextControllerAnnotation = 'kubectl.kubernetes.io/next-controller-id'
/** At the old one, when it is to become the new one: all that the new one is. The new one is deleted only after this is there. */
export const renameAnnotation = 'podway.dev/rolling-update-rename'

const own: readonly string[] = [
  sourceIdAnnotation,
  desiredReplicasAnnotation,
  originalReplicasAnnotation,
  nextControllerAnnotation,
  renameAnnotation,
]

/** A merge patch that takes away what an update has noted. */
export const noNotes: Readonly<Record<string, null>> = Object.fromEntries(own.map((name) => [name, null]))

/** What others have noted. */
export const withoutNotes = (annotations: StringMap = {}): StringMap =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => !own.includes(name)))

export const sourceIdOf = ({ metadata }: ReplicationController): string => `${metadata.name}:${metadata.uid ?? ''}`

/** A number of pods that somebody has noted; undefined when it is none. */
export const notedReplicas = ({ metadata }: ReplicationController, annotation: string): number | undefined => {
  const text = metadata.annotations?.[annotation] ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
