import { sleep } from '../../api/clock.ts'
import type { Takeover } from '../takeover.ts'

/** For so long a part may take to serve before the one that it replaces is ended. */
const warmMs = 10_000

/** How a part comes to the place of another process' one. */
export interface Succession {
  /** To be called once the part serves. */
  readonly onReady: () => void
  /** Resolves when no other process serves any more, or is waited for. */
  readonly alone: Promise<void>
}

/** Runs until `signal` aborts or another process takes the part. */
export type RunHeld = (signal: AbortSignal, succession: Succession) => Promise<void>

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
  const alone = Promise.withResolvers<void>()
  const replace = async (): Promise<void> => {
    if (isWarm && (await claim.hasOthers())) await Promise.race([ready.promise, sleep(warmMs, either)])
    alone.resolve()
    if (!either.aborted) await claim.replaceOthers()
  }
  try {
    if (!isWarm) await replace()
    if (!either.aborted)
      await Promise.all([run(either, { onReady: ready.resolve, alone: alone.promise }), isWarm ? replace() : undefined])
  } finally {
    await claim.end()
  }
}
