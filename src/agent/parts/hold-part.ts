import { sleep } from '../../api/clock.ts'
import type { Takeover } from '../takeover.ts'

/** For so long a part may take to serve before the one that it replaces is ended. */
const warmMs = 10_000

/** Runs until `signal` aborts or another process takes the part. `onReady` is to be called once the part serves. */
export type RunHeld = (signal: AbortSignal, onReady: () => void) => Promise<void>

export interface HeldPart {
  readonly name: string
  /** It can serve beside another process: it starts before that one ends, so that no question goes unanswered. */
  readonly isWarm: boolean
  readonly run: RunHeld
}

/** Runs a part in the place of whoever has it. Resolves when it has ended here. */
export const holdPart = async (
  takeover: Takeover,
  { name, isWarm, run }: HeldPart,
  signal: AbortSignal,
): Promise<void> => {
  const claim = await takeover.claim(name)
  const either = AbortSignal.any([signal, claim.signal])
  const ready = Promise.withResolvers<void>()
  const replace = async (): Promise<void> => {
    if (isWarm && (await claim.hasOthers())) await Promise.race([ready.promise, sleep(warmMs, either)])
    if (!either.aborted) await claim.replaceOthers()
  }
  try {
    if (!isWarm) await replace()
    if (!either.aborted) await Promise.all([run(either, ready.resolve), isWarm ? replace() : undefined])
  } finally {
    await claim.end()
  }
}
