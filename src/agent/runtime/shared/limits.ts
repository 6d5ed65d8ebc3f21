/** Limits on containers, where the machine lets us set any. */
import { type Cgroups, openCgroups } from '../../../host/cgroup.ts'
import type { Logger } from '../../../host/log.ts'

/**
 * Control groups under `parent`, a name that belongs to this node alone. Undefined where there are none to be had: that is
 * said once, and the runtime goes on without limits.
 */
export const openLimits = async (parent: string, log: Logger): Promise<Cgroups | undefined> => {
  try {
    return await openCgroups({ parent })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    log.warn(`the limits of containers are not enforced: no control groups here (${why})`)
    return undefined
  }
}
