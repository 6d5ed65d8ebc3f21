/** A pod as the agent knows it from one look to the next. */
import type { Pod } from '../../api/types/index.ts'
import type { NoRuntimeError } from '../runtime/choose-runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import type { PodEnding } from './ending.ts'
import type { ContainerImageView } from './images.ts'
import type { StartFailure } from './view.ts'

export interface KnownPod {
  readonly uid: string
  /** As the API had it last; missing for one that nobody remembers. */
  pod: Pod | undefined
  /** As it was found last. */
  sandbox: SandboxRecord | undefined
  /** What runs it, or why nothing does; missing when there is no pod. */
  runtime: Runtime | NoRuntimeError | undefined
  /** Of the containers that do not run, by name; none where no images are looked at. */
  images: ReadonlyMap<string, ContainerImageView>
  /** Those it has, or had last. */
  lastAddresses: readonly string[] | undefined
  /** Whether the node was asked if it takes the pod. */
  isAdmitted: boolean
  /** Why the node ends it. */
  ending: PodEnding | undefined
  /** By container name; that of the sandbox under `sandboxFailure`. */
  readonly failures: Map<string, StartFailure>
  /** Keys of the complaints that were made. */
  readonly told: Set<string>
}

export const newlyKnown = (uid: string): KnownPod => ({
  ...{ uid, pod: undefined, sandbox: undefined, runtime: undefined, images: new Map(), lastAddresses: undefined },
  ...{ isAdmitted: false, ending: undefined },
  ...{ failures: new Map(), told: new Set() },
})
