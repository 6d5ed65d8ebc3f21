/** What every container finds in its environment unless it says otherwise. */
import { dirname } from 'node:path'
import type { StringMap } from '../../api/types/index.ts'

const standard = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * `launcherDir` holds the podway command, so that `podway echo` runs in any container; the Node that runs us comes last, for
 * when it stands where no other program does.
 */
export const containerDefaults = (launcherDir: string): StringMap => ({
  PATH: `${launcherDir}:${standard}:${dirname(process.execPath)}`,
  HOME: '/root',
})
