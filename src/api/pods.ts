/** What several rooms ask of a Pod. Pure. */
import type { Container, Pod, PodCondition } from './types/index.ts'

/** Init containers first. Ephemeral ones, which come later, are not among them. */
export const allContainers = ({ spec }: Pod): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
]

export const conditionOf = (pod: Pod, type: string): PodCondition | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type)

export const isReady = (pod: Pod): boolean => conditionOf(pod, 'Ready')?.status === 'True'
