/** ControllerRevisions: what a workload's template was, as a patch that brings it back. Pure. */
import { deepEqual } from '../../../api/deep-equal.ts'
import { isJsonObject, sortFields } from '../../../api/json.ts'
import type { KubeObject, PodTemplateSpec } from '../../../api/types/index.ts'
import type { ControllerRevision } from '../../../api/types/kubernetes/apps-v1.ts'

/** A workload with a past. */
export interface Revisioned extends KubeObject {
  readonly spec: { readonly template: PodTemplateSpec; readonly revisionHistoryLimit?: number }
  readonly status?: { readonly collisionCount?: number }
}

/** The label of pods that says of which revision they are. */
export const revisionLabel = 'controller-revision-hash'

/**
 * What `kubectl rollout undo` sends as a strategic merge patch. Clients compare its bytes with those that they would make of a
 * workload: fields in order, and a time in metadata that is null.
 */
export const dataOf = ({ spec: { template } }: Revisioned): unknown =>
  sortFields({
    spec: { template: { ...template, metadata: { creationTimestamp: null, ...template.metadata }, $patch: 'replace' } },
  })

/** As much of a template as its readers rely on: the API checks a pod that is made of it as it checks any other. */
const isTemplate = (value: unknown): value is PodTemplateSpec =>
  isJsonObject(value) && isJsonObject(value['spec']) && Array.isArray(value['spec']['containers'])

/** Undefined when somebody has written a revision that is none of ours. */
export const templateOf = ({ data }: ControllerRevision): PodTemplateSpec | undefined => {
  const spec = isJsonObject(data) ? data['spec'] : undefined
  const given = isJsonObject(spec) ? spec['template'] : undefined
  if (!isJsonObject(given)) return undefined
  const { $patch: _, metadata, ...rest } = given
  const { creationTimestamp: __, ...kept } = isJsonObject(metadata) ? metadata : {}
  const template = { ...rest, ...(isJsonObject(metadata) ? { metadata: kept } : {}) }
  return isTemplate(template) ? template : undefined
}

/** Oldest first. */
export const byRevision = (revisions: readonly ControllerRevision[]): readonly ControllerRevision[] =>
  revisions.toSorted((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1))

export interface Past {
  /** That of the present template, when there is one: of several the newest. */
  readonly current: ControllerRevision | undefined
  /** All others, oldest first. */
  readonly old: readonly ControllerRevision[]
  /** The number of the present template: one more than any other has had. */
  readonly number: number
}

export const pastOf = (owner: Revisioned, revisions: readonly ControllerRevision[]): Past => {
  const sorted = byRevision(revisions)
  const data = dataOf(owner)
  const current = sorted.findLast((revision) => deepEqual(revision.data, data))
  const old = sorted.filter((revision) => revision !== current)
  const newest = old.at(-1)?.revision ?? 0
  return { current, old, number: Math.max(newest + 1, current?.revision ?? 0) }
}

/** What the history does not keep: the oldest of those that no pod is of. */
export const surplusOf = (
  { spec }: Revisioned,
  old: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
): readonly ControllerRevision[] => {
  const idle = old.filter((revision) => !isLive(revision))
  return idle.slice(0, Math.max(0, idle.length - (spec.revisionHistoryLimit ?? 10)))
}
