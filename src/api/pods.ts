/** What several rooms ask of a Pod. Pure. */
import type { Container, ContainerStatus, EphemeralContainer, Pod, PodCondition } from './types/index.ts'

/** Init containers first. Ephemeral ones, which come later, are not among them. */
export const allContainers = ({ spec }: Pod): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
]

export const ephemeralContainersOf = ({ spec }: Pod): readonly EphemeralContainer[] => spec.ephemeralContainers ?? []

/** Those that belong to the pod, and those that were added to look into it. */
export const withEphemeralContainers = (pod: Pod): readonly Container[] => [
  ...allContainers(pod),
  ...ephemeralContainersOf(pod),
]

/** What the API shows of all of them. */
export const containerStatusesOf = ({ status = {} }: Pod): readonly ContainerStatus[] => [
  ...(status.initContainerStatuses ?? []),
  ...(status.containerStatuses ?? []),
  ...(status.ephemeralContainerStatuses ?? []),
]

/** Of the pod that the API shows for one that its node runs without being told to. */
export const mirrorAnnotation = 'kubernetes.io/config.mirror'

export const isMirrorPod = ({ metadata }: Pod): boolean => metadata.annotations?.[mirrorAnnotation] !== undefined

export const conditionOf = (pod: Pod, type: string): PodCondition | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type)

export const isReady = (pod: Pod): boolean => conditionOf(pod, 'Ready')?.status === 'True'

/** Nothing of it runs any longer, or ever will. */
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
