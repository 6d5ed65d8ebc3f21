/** Why no node is available, in the words and the order of kube-scheduler. Pure. */

/** For one reason that stands against all of them. */
export const unavailable = (count: number, reason: string): string => `0/${count} nodes are available: ${reason}.`

/** How often each reason was given. `count`: of how many nodes, where not all were looked at. */
export const explain = (reasons: readonly (readonly string[])[], count = reasons.length): string => {
  if (count === 0) return 'no nodes available to schedule pods'
  const counts = Map.groupBy(reasons.flat(), (reason) => reason)
  const parts = [...counts].map(([reason, { length }]) => `${length} ${reason}`).sort()
  return unavailable(count, parts.join(', '))
}
