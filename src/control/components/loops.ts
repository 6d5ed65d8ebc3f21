/** What this process knows of the loops it runs under leadership: controllers and the scheduler. */

import type { Clock } from '../../api/clock.ts'
import { errorText } from '../../api/errors.ts'

export interface Loops {
  /** A loop has failed; it is started anew. */
  failed(name: string, error: unknown): void
  /** Why loops have failed of late, by their names. */
  failures(): ReadonlyMap<string, string>
}

/** A loop that has run for so long since is well. */
const recentMs = 10_000

export const createLoops = (clock: Clock): Loops => {
  const found = new Map<string, { readonly why: string; readonly at: number }>()
  return {
    failed: (name, error) => {
      found.set(name, { why: errorText(error), at: clock.now() })
    },
    failures: () => {
      for (const [name, { at }] of found) if (clock.now() - at >= recentMs) found.delete(name)
      return new Map([...found].map(([name, { why }]) => [name, why]))
    },
  }
}
