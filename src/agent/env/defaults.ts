/** What every container finds in its environment unless it says otherwise. */
import type { StringMap } from '../../api/types/index.ts'

/** `launcherDir` holds the podway command, so that `podway echo` runs in any container. */
export const containerDefaults = (launcherDir: string): StringMap => ({
  PATH: `${launcherDir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  HOME: '/root',
})
