/** Which pods wait for a node, and who comes first. Pure. */
import type { Pod } from '../../api/types/index.ts'
import { defaultSchedulerName } from './config/configuration.ts'
import { priorityOf } from './fit.ts'

/** Whom the pod asks for a node. */
export const schedulerOf = ({ spec }: Pod): string => spec.schedulerName ?? defaultSchedulerName

export const isWithoutNode = ({ spec, metadata }: Pod): boolean =>
  !spec.nodeName && metadata.deletionTimestamp === undefined

export const isGated = ({ spec }: Pod): boolean => (spec.schedulingGates ?? []).length > 0

/** Important ones first, then first come, first served. */
export const inOrder = (all: readonly Pod[]): readonly Pod[] =>
  all.toSorted(
    (a, b) =>
      priorityOf(b) - priorityOf(a) ||
      ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1),
  )
