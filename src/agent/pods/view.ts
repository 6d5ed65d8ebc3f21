/** A pod as the pure parts see it: what is wanted, what is there, and what is known about why they differ. */
import { isFinished } from '../../api/pods.ts'
import type { Container, Pod } from '../../api/types/index.ts'
import type { ProbeResult } from '../probes/prober.ts'
import type { ContainerRecord } from '../runtime/containers.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import type { PodEnding } from './ending.ts'
import type { ContainerImageView } from './images.ts'

/** Why something could not be started. */
export interface StartFailure {
  readonly reason: string
  readonly message: string
  /** When it is worth another try, milliseconds since 1970. */
  readonly retryAt: number
}

/** What is known of the postStart hook of a container; `none` also when it has succeeded. */
export type PostStart = 'none' | 'running' | { readonly failed: string }

/** No container has this name. */
export const sandboxFailure = ''

export interface PodView {
  readonly pod: Pod
  /** With its addresses once it is on the network. */
  readonly sandbox: SandboxRecord | undefined
  /** The name of the runtime that runs it, or will. */
  readonly runtime: string
  /** Those it has, or had last. */
  readonly lastAddresses: readonly string[] | undefined
  readonly hostIPs: readonly string[]
  /** What is wrong with its network, and cannot be put right. */
  readonly networkTrouble?: string | undefined
  readonly probe: (containerId: string) => ProbeResult
  readonly postStart: (containerId: string) => PostStart
  /** By container name; that of the sandbox under `sandboxFailure`. */
  readonly failures: ReadonlyMap<string, StartFailure>
  /** By container name: of those that do not run, where images are looked at. */
  readonly images: ReadonlyMap<string, ContainerImageView>
  /** The node wants to be rid of it. */
  readonly ending?: PodEnding | undefined
  /** Fields this node cannot honour. */
  readonly unsupported: readonly string[]
  /** The same of single ephemeral containers, by name; the others run all the same. */
  readonly unsupportedOf: ReadonlyMap<string, readonly string[]>
}

/** Which life of a pod's sandbox a container belongs to: init containers have to run again in a new one. */
export const lifeLabel = 'sandbox-life'

/** That a pod's sandbox was made for a file of the node: the API has no say in it. */
export const fileLabel = 'of-file'

/** All instances of a container, the latest last. */
export const instancesOf = ({ sandbox }: PodView, name: string): readonly ContainerRecord[] =>
  sandbox?.containers.filter((each) => each.name === name) ?? []

export const latestOf = (view: PodView, name: string): ContainerRecord | undefined => instancesOf(view, name).at(-1)

/** The latest instance, unless it belongs to a sandbox that is gone. */
export const currentOf = (view: PodView, name: string): ContainerRecord | undefined => {
  const latest = latestOf(view, name)
  const isCurrent = view.sandbox?.running && latest?.labels[lifeLabel] === view.sandbox.labels[lifeLabel]
  return isCurrent ? latest : undefined
}

export const isRunning = (record: ContainerRecord | undefined): boolean => record !== undefined && !record.exit

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

/** Those that run to their end before the others start. */
export const initsOf = ({ pod }: PodView): readonly Container[] => pod.spec.initContainers ?? []

/** Whether an ephemeral container has been started, here or by the word of the API: it is not started again. */
export const hasStarted = (view: PodView, name: string): boolean => {
  const { ephemeralContainerStatuses = [] } = view.pod.status ?? {}
  const known = ephemeralContainerStatuses.find((each) => each.name === name)
  return known?.containerID !== undefined || latestOf(view, name) !== undefined
}

export const isTerminating = ({ pod }: PodView): boolean => pod.metadata.deletionTimestamp !== undefined

export const isOver = ({ pod }: PodView): boolean => isFinished(pod)

/** `main` in `web_shop(uid)`, as messages about back-off name them. */
export const podLabel = ({ metadata }: Pod): string =>
  `${metadata.name}_${metadata.namespace ?? ''}(${metadata.uid ?? ''})`
