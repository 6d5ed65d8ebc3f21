/** Looks again and again at the volumes of the pods that run: tokens are renewed, and ConfigMaps and Secrets change. */
import { type Clock, sleep } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PodVolumes } from './pod-volumes.ts'

/** As often as the kubelet does. */
const everyMs = 60_000

export interface VolumeRefresherOptions {
  readonly volumes: Pick<PodVolumes, 'refresh'>
  readonly clock: Clock
  readonly pods: () => Promise<readonly Pod[]>
  /** What is there stays as it is, and the next look tries again. */
  readonly onError: (pod: Pod, error: unknown) => void
}

/** For so long the next pod waits for one; what takes longer goes on beside the others. */
const patienceMs = 1_000

/** Runs until `signal` aborts. */
export const createVolumeRefresher =
  ({ volumes, clock, pods, onError }: VolumeRefresherOptions) =>
  async (signal: AbortSignal): Promise<void> => {
    const refresh = async (pod: Pod): Promise<void> => {
      const isDone = new AbortController()
      const done = volumes
        .refresh(pod)
        .catch((error: unknown) => onError(pod, error))
        .finally(() => isDone.abort())
      await Promise.race([done, sleep(patienceMs, AbortSignal.any([signal, isDone.signal]), clock)])
    }
    while (!signal.aborted) {
      await sleep(everyMs, signal, clock)
      for (const pod of signal.aborted ? [] : await pods()) await refresh(pod)
    }
  }
