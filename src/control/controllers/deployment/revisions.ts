/** Revisions: the numbered history that `kubectl rollout undo` goes back in. Pure. */
import { lastAppliedAnnotation } from '../../../api/last-applied.ts'
import type { Deployment, ReplicaSet, StringMap } from '../../../api/types/index.ts'

const revisionAnnotation = 'deployment.kubernetes.io/revision'
const historyAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas'

/** A deployment's annotations that are its own matter and not its replica sets'. */
const notInherited: ReadonlySet<string> = new Set([
  lastAppliedAnnotation,
  'deprecated.deployment.rollback.to',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
])

const maxRevision = 2n ** 63n - 1n

/** An integer of 64 bits, as annotations may say; 0 when it has none. */
export const revisionOf = ({ metadata }: Deployment | ReplicaSet): bigint => {
  const text = metadata.annotations?.[revisionAnnotation] ?? ''
  const revision = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n
  return revision > maxRevision ? 0n : revision
}

/** The number of the newest revision, when `old` are the others. */
export const nextRevision = (old: readonly ReplicaSet[]): bigint =>
  (old
    .map(revisionOf)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .at(-1) ?? 0n) + 1n

const inherited = ({ metadata }: Deployment): StringMap =>
  Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !notInherited.has(key)))

const sizes = (deployment: Deployment, surge: number): StringMap => {
  const desired = deployment.spec.replicas ?? 1
  return { [desiredAnnotation]: String(desired), [maxAnnotation]: String(desired + surge) }
}

/** The annotations that a scaled replica set carries: what it was scaled for. */
export const sizeAnnotations = sizes

/** The annotations of the current replica set; an older one that becomes current again remembers what it was. */
export const currentAnnotations = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  revision: bigint,
): StringMap => {
  const before = current ? revisionOf(current) : 0n
  const known = current?.metadata.annotations ?? {}
  if (before >= revision) return { ...known, ...inherited(deployment) }
  const history = [known[historyAnnotation], before > 0n ? String(before) : undefined].filter((part) => part)
  return {
    ...known,
    ...inherited(deployment),
    ...(history.length > 0 ? { [historyAnnotation]: history.join(',') } : {}),
    [revisionAnnotation]: String(revision),
  }
}

/** The deployment's own annotation when it is not yet that of its current replica set. */
export const revisionPatch = (deployment: Deployment, current: ReplicaSet): StringMap | undefined => {
  const revision = current.metadata.annotations?.[revisionAnnotation]
  if (revision === undefined || deployment.metadata.annotations?.[revisionAnnotation] === revision) return undefined
  return { [revisionAnnotation]: revision }
}

/** The old, empty replica sets that are more than the history keeps; lowest revision first. */
export const surplusHistory = (deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] => {
  const empty = old.filter(
    ({ metadata, spec, status }) =>
      metadata.deletionTimestamp === undefined &&
      spec.replicas === 0 &&
      (status?.replicas ?? 0) === 0 &&
      (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  )
  const surplus = empty.length - (deployment.spec.revisionHistoryLimit ?? 10)
  return surplus > 0 ? empty.toSorted((a, b) => Number(revisionOf(a) - revisionOf(b))).slice(0, surplus) : []
}
