/** The conditions of a status. Pure. */
import { formatTime } from './clock.ts'

interface Stated {
  readonly type: string
  readonly status: string
  readonly reason?: string
}

interface Since {
  readonly lastTransitionTime?: string | null
}

/** The conditions with this one in the place of what was said of its type. It is so since its status changed last. */
export const withCondition = <F extends Stated, C extends Stated & Since>(
  conditions: readonly C[] | undefined,
  finding: F,
  now: number,
): readonly (C | (F & { readonly lastTransitionTime: string }))[] => {
  const before = conditions ?? []
  const known = before.find(({ type }) => type === finding.type)
  const since = known?.status === finding.status ? known.lastTransitionTime : undefined
  const made = { ...finding, lastTransitionTime: since ?? formatTime(now) }
  return known ? before.map((each) => (each === known ? made : each)) : [...before, made]
}

/** Whether it is so already, and for the same reason. */
export const isSaid = (conditions: readonly Stated[] | undefined, { type, status, reason }: Stated): boolean =>
  (conditions ?? []).some((each) => each.type === type && each.status === status && each.reason === reason)
