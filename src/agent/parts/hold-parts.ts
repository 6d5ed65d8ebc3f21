/** Runs parts in the place of whoever has them. */
import { sleep } from '../../api/clock.ts'
import type { Claim, Takeover } from '../takeover.ts'
import type { Part } from './part.ts'

/** For so long parts may take to serve before those that they replace are ended. */
const warmMs = 10_000

const anyHasOthers = async (claims: readonly Claim[]): Promise<boolean> =>
  (await Promise.all(claims.map((claim) => claim.hasOthers()))).includes(true)

/**
 * Runs parts that belong together, until `signal` aborts, or another process takes one of them: then all end. Those that can
 * serve beside another process start before it ends, the others when it has. Rejects when one does; then none is left.
 */
export const holdParts = async (takeover: Takeover, parts: readonly Part[], signal: AbortSignal): Promise<void> => {
  const claims = await Promise.all(parts.map(({ name }) => takeover.claim(name)))
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal, ...claims.map((claim) => claim.signal)])
  const ready = new Map(parts.filter(({ isWarm }) => isWarm).map((part) => [part, Promise.withResolvers<void>()]))
  const alone = Promise.withResolvers<void>()

  const replace = async (): Promise<void> => {
    if (ready.size > 0 && (await anyHasOthers(claims))) {
      const all = Promise.all([...ready.values()].map(({ promise }) => promise))
      await Promise.race([all, sleep(warmMs, either)])
    }
    alone.resolve()
    if (!either.aborted) await Promise.all(claims.map((claim) => claim.replaceOthers()))
  }
  const replacing = replace()
  const run = async (part: Part): Promise<void> => {
    const succession = { onReady: () => ready.get(part)?.resolve(), alone: alone.promise }
    if (!part.isWarm) await replacing
    if (!either.aborted) await part.run(either, succession)
  }

  const all = [replacing, ...parts.map(run)]
  try {
    await Promise.all(all)
  } finally {
    stop.abort()
    await Promise.allSettled(all)
    await Promise.all(claims.map((claim) => claim.end()))
  }
}
