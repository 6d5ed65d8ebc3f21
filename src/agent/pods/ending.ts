/** Why the node ends a pod that nobody has asked it to end, or does not take it at all. */

export interface PodEnding {
  readonly reason: string
  readonly message: string
  /** How long its containers may take; missing: as long as the pod itself says. */
  readonly graceMs?: number
  /** The pod could have gone on elsewhere: who replaces it need not count it as failed by itself. */
  readonly isDisruption: boolean
}

/** Of two reasons to end a pod the first is told, and the shorter grace holds. */
export const hastened = (before: PodEnding | undefined, next: PodEnding): PodEnding => {
  if (!before) return next
  const graces = [before.graceMs, next.graceMs].filter((each) => each !== undefined)
  return graces.length === 0 ? before : { ...before, graceMs: Math.min(...graces) }
}
