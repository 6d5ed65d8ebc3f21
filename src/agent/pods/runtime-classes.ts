/** What RuntimeClasses say: fetched when a pod names one, and remembered for a while. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isNotFound } from '../../api/errors.ts'
import { runtimeClasses } from '../../api/resources.ts'

/** A handler cannot be changed, but a class can be made anew. */
const freshMs = 60_000

/** The handler of a class; undefined when there is none of this name. Rejects when the API cannot be asked. */
export const createRuntimeClasses = (client: Client, clock: Clock): ((name: string) => Promise<string | undefined>) => {
  const known = new Map<string, { readonly handler: string; readonly at: number }>()

  return async (name) => {
    const before = known.get(name)
    if (before && clock.now() - before.at < freshMs) return before.handler
    known.delete(name)
    try {
      const { handler } = await client.get(runtimeClasses, name)
      known.set(name, { handler, at: clock.now() })
      return handler
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}
