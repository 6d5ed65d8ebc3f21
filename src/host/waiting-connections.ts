/** What becomes of connections that wait in a listener's queue when it ends. */
import type { Logger } from './log.ts'
import { readSysctl, writeSysctl } from './sysctl.ts'

const key = 'net.ipv4.tcp_migrate_req'

/**
 * They go over to another listener of the same port (SO_REUSEPORT), which is a successor's: by default the kernel resets them.
 * For both IP families, and since Linux 5.14; without it a handover may cost a client its connection.
 */
export const keepWaitingConnections = async (log: Logger): Promise<void> => {
  try {
    if ((await readSysctl(key)) !== undefined) await writeSysctl(key, '1')
  } catch (error) {
    log.info({ err: error }, 'a connection that nobody has accepted yet is reset when another agent takes over')
  }
}
