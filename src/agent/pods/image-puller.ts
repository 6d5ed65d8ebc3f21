/** Fetches the images of containers, beside everything else, and tells of it. */
import type { Clock } from '../../api/clock.ts'
import type { EventType } from '../../api/event-recorder.ts'
import type { Pod } from '../../api/types/index.ts'
import type { RegistryLogin } from '../../images/registry/docker-config.ts'
import type { Images } from '../runtime/images.ts'
import type { PullState } from './images.ts'

export interface ImagePullerOptions {
  readonly clock: Clock
  readonly tell: (pod: Pod, type: EventType, reason: string, message: string, container: string) => void
  readonly loginsOf: (pod: Pod) => Promise<readonly RegistryLogin[]>
  /** A pull has ended, well or not. */
  readonly onChange: (uid: string) => void
}

export interface PullRequest {
  readonly pod: Pod
  /** The container that it is for. */
  readonly container: string
  readonly reference: string
  readonly images: Pick<Images, 'pull'>
}

export interface ImagePuller {
  /** Begins one, unless it is under way already. */
  pull(request: PullRequest): void
  stateOf(uid: string, reference: string): PullState
  /** What is under way for the pod is given up. */
  forget(uid: string): void
}

interface OfPod {
  readonly stop: AbortController
  readonly states: Map<string, PullState>
}

const none: PullState = { isRunning: false }

/** `1.234s`, as the field writes it. */
const seconds = (ms: number): string => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`)

export const createImagePuller = ({ clock, tell, loginsOf, onChange }: ImagePullerOptions): ImagePuller => {
  const pods = new Map<string, OfPod>()

  const fetch = async ({ pod, container, reference, images }: PullRequest, signal: AbortSignal): Promise<void> => {
    const began = clock.now()
    tell(pod, 'Normal', 'Pulling', `Pulling image "${reference}"`, container)
    const { sizeBytes } = await images.pull(reference, await loginsOf(pod), signal)
    const took = seconds(clock.now() - began)
    const message = `Successfully pulled image "${reference}" in ${took} (${took} including waiting). Image size: ${sizeBytes} bytes.`
    tell(pod, 'Normal', 'Pulled', message, container)
  }

  const run = async (request: PullRequest, { stop, states }: OfPod, before: PullState): Promise<void> => {
    const { pod, container, reference } = request
    try {
      await fetch(request, stop.signal)
      states.set(reference, { isRunning: false, pulledAt: clock.now() })
    } catch (error) {
      if (stop.signal.aborted) return
      const message = error instanceof Error ? error.message : String(error)
      const failure = { message, at: clock.now(), count: (before.failure?.count ?? 0) + 1 }
      states.set(reference, { isRunning: false, failure })
      tell(pod, 'Warning', 'Failed', `Failed to pull image "${reference}": ${message}`, container)
    }
    onChange(pod.metadata.uid ?? '')
  }

  return {
    pull: (request) => {
      const { uid = '' } = request.pod.metadata
      const ofPod = pods.get(uid) ?? { stop: new AbortController(), states: new Map() }
      pods.set(uid, ofPod)
      const before = ofPod.states.get(request.reference) ?? none
      if (before.isRunning) return
      ofPod.states.set(request.reference, { ...before, isRunning: true })
      void run(request, ofPod, before)
    },
    stateOf: (uid, reference) => pods.get(uid)?.states.get(reference) ?? none,
    forget: (uid) => {
      pods.get(uid)?.stop.abort()
      pods.delete(uid)
    },
  }
}
