/** Containers run in sandboxes: each instance is started once, and ends. */
import type { StringMap } from '../../api/types/index.ts'
import type { CgroupLimits } from '../../host/cgroup.ts'
import type { Mount } from './mounts.ts'
import type { ContainerSecurity } from './security.ts'

/** What a container's root is made from. */
export interface ContainerImage {
  /** As `Image`. */
  readonly id: string
  readonly digest: string
  /** As the pod names it. */
  readonly name: string
}

/** A block device of the node. */
export interface Device {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

export interface ContainerLimits extends CgroupLimits {
  /** What it asks for: its share when the CPUs are busy, in thousandths of a CPU. */
  readonly cpuRequestMilli?: number
  /** By size of a page, in bytes. */
  readonly hugepages?: ReadonlyMap<number, number>
  /** Who is killed first when memory runs out, from -1000 to 1000. */
  readonly oomScoreAdjust?: number
}

export interface ContainerSpec extends ContainerSecurity {
  readonly name: string
  /** 0 for the first instance of this name in the pod, then 1, … */
  readonly attempt: number
  /** Missing where the runtime looks at no images. */
  readonly image?: ContainerImage
  readonly command: readonly string[]
  readonly env: StringMap
  readonly workingDir: string
  /** Both output streams are appended here. Its folder exists. */
  readonly logFile: string
  /** What this container sees besides the mounts of its sandbox. */
  readonly mounts: readonly Mount[]
  readonly devices?: readonly Device[]
  readonly limits: ContainerLimits
  /** As `SIGQUIT`: what asks the main process to end; `SIGTERM` when missing. */
  readonly stopSignal?: string
  /** Somebody may type; `once`: stdin ends with the first who has. Without it stdin is empty. */
  readonly stdin?: 'once' | 'kept'
  /** The command runs at a terminal. */
  readonly tty?: boolean
  /** Where it may leave its last words, for `ContainerExit`; the end of its log stands in for them if it fails without any. */
  readonly terminationMessage?: { readonly path: string; readonly fallBackToLogs: boolean }
  /** A container of the pod that runs: its processes are seen by this one, too. */
  readonly target?: string
  readonly labels: StringMap
}

/** The container whose processes another one shall see does not run. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
}

/** The instance that runs. Throws `TargetError`. */
export const targetIn = <C extends Pick<ContainerRecord, 'name' | 'exit'>>(
  containers: readonly C[],
  name: string,
): C => {
  const found = containers.findLast((each) => each.name === name)
  if (!found) throw new TargetError(`unable to find target container ${JSON.stringify(name)}`)
  if (found.exit) throw new TargetError(`target container ${JSON.stringify(name)} is not running`)
  return found
}

export interface ContainerExit {
  /** 128 + n for an end by signal n. */
  readonly code: number
  readonly oomKilled: boolean
  /** Milliseconds since 1970. */
  readonly finishedAt: number
  /** Why the command was never run: not found, no such folder, … */
  readonly startError?: string
  /** What it has left as its last words, where the runtime takes them. */
  readonly message?: string
}

/** One instance of a container. */
export interface ContainerRecord {
  readonly id: string
  /** How the API shows it, `containerd://…`, where the runtime has an id of its own. */
  readonly apiId?: string
  readonly name: string
  readonly attempt: number
  /** What it was started from; missing where the runtime looks at no images. */
  readonly image?: ContainerImage
  readonly logFile: string
  /** How its lines are written: by a container runtime; as the container has said them, when missing. */
  readonly logFormat?: 'cri'
  readonly labels: StringMap
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Missing while it runs. */
  readonly exit?: ContainerExit
}

/** They are listed with their sandboxes. */
export interface Containers {
  /**
   * A command that cannot be run comes back ended, with code 128 and `startError`. Of each name the last two instances
   * stay listed. Throws when the sandbox does not run, and `TargetError`.
   */
  start(sandbox: string, spec: ContainerSpec): Promise<ContainerRecord>
  /**
   * TERM asks the main process to end (by its own stop signal), KILL ends all of it. Nothing happens to one that has ended
   * or is unknown.
   */
  signal(container: string, signal: 'TERM' | 'KILL'): Promise<void>
  /** Where the runtime writes the logs: that of this container goes on with a new file in the place of one that was renamed. */
  reopenLog?(container: string): Promise<void>
}
