/** The control plane's own certificates, looked at every day: a process may run for longer than they are good for. */
import { type Clock, sleep } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import type { Logger } from '../../host/log.ts'
import type { Pki } from './pki.ts'

const lookEveryMs = 86_400_000
const retryMs = 3_600_000

export interface KeepCertificatesOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly current: Pki
  /** Reads them, and makes those anew that end soon. */
  readonly open: () => Promise<Pki>
  /** Everybody uses these from now on. */
  readonly use: (pki: Pki) => Promise<void>
}

/** Runs until `signal` aborts. What fails is told, and tried again within the hour: there are weeks left. */
export const keepCertificates = async (options: KeepCertificatesOptions, signal: AbortSignal): Promise<void> => {
  const { clock, log, open, use } = options
  let { current } = options
  for (let waitMs = lookEveryMs; !signal.aborted; ) {
    await sleep(waitMs, signal, clock)
    if (signal.aborted) return
    try {
      const found = await open()
      if (!deepEqual(found, current)) {
        await use(found)
        current = found
        log.info('certificates of the control plane renewed')
      }
      waitMs = lookEveryMs
    } catch (error) {
      log.warn({ err: error, retryInMs: retryMs }, 'cannot renew the certificates of the control plane')
      waitMs = retryMs
    }
  }
}
