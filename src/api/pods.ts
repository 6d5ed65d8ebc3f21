/** What several rooms ask of a Pod. Pure. */
import type { Container, Pod } from './types/index.ts'

/** Init containers first. Ephemeral ones, which come later, are not among them. */
export const allContainers = ({ spec }: Pod): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
]
