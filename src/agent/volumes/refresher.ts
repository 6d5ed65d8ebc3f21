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

/** Runs until `signal` aborts. */
export const createVolumeRefresher =
  ({ volumes, clock, pods, onError }: VolumeRefresherOptions) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await sleep(everyMs, signal, clock)
      for (const pod of signal.aborted ? [] : await pods())
        await volumes.refresh(pod).catch((error: unknown) => onError(pod, error))
    }
  }
