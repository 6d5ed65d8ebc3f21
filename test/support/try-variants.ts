/** Tries hostile objects one after another, and tells of the first few that do harm. */
import type { Test } from 'tap'
import type { HostileVariant } from './hostile-objects.ts'
import { seedOr } from './rounds.ts'

const toldFaults = 5

export interface Trial {
  /** One of so many variants is tried, always the same; no attack and no field may come round with it. */
  readonly stride: number
  /** Fewer variants would mean nothing. */
  readonly atLeast: number
}

/** `faultOf` says what is wrong, or throws; undefined: nothing is. */
export const tryVariants = async (
  t: Test,
  variants: Iterable<HostileVariant>,
  { stride, atLeast }: Trial,
  faultOf: (variant: HostileVariant) => string | undefined | Promise<string | undefined>,
): Promise<void> => {
  let count = 0
  let faults = 0
  for (const variant of variants) {
    if (count++ % stride !== seedOr(0) % stride) continue
    const fault = await Promise.resolve()
      .then(() => faultOf(variant))
      .catch((error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)))
    if (fault === undefined) continue
    if (++faults <= toldFaults) t.fail(`${variant.kind} ${variant.path}, ${variant.attack}: ${fault}`)
  }
  t.ok(count >= atLeast, `${count} variants`)
  t.equal(faults, 0)
}
