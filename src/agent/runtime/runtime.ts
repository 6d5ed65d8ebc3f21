/** What runs pods: sandboxes that hold a pod's namespaces, and containers in them. */
import type { Readable, Writable } from 'node:stream'
import type { StringMap } from '../../api/types/index.ts'
import type { CgroupLimits } from '../../host/cgroup.ts'

/** A file of the host that the pod sees in place of another, or a folder that it sees and cannot write to. */
export interface Mount {
  readonly source: string
  readonly target: string
  readonly folder?: boolean
}

export interface SandboxSpec {
  /** The pod's uid. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly hostname: string
  /** Shares the node's network and host name. */
  readonly hostNetwork: boolean
  readonly mounts: readonly Mount[]
  /** Kept with the sandbox, for whoever finds it after a restart. */
  readonly labels: StringMap
}

export interface ContainerSpec {
  readonly name: string
  /** 0 for the first instance of this name in the pod, then 1, … */
  readonly attempt: number
  readonly command: readonly string[]
  readonly env: StringMap
  readonly workingDir: string
  /** Both output streams are appended here. Its folder exists. */
  readonly logFile: string
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Supplementary groups. */
  readonly groups?: readonly number[]
  /** As `net_bind_service`, or all that the node has; the usual ones when missing. */
  readonly capabilities?: readonly string[] | 'all'
  /** Somebody may type; `once`: stdin ends with the first who has. Without it stdin is empty. */
  readonly stdin?: 'once' | 'kept'
  /** The command runs at a terminal. */
  readonly tty?: boolean
  /** The processes cannot gain rights, not by set-user-id programs either. */
  readonly noNewPrivileges?: boolean
  readonly limits: CgroupLimits
  readonly labels: StringMap
}

export interface ContainerExit {
  /** 128 + n for an end by signal n. */
  readonly code: number
  readonly oomKilled: boolean
  /** Milliseconds since 1970. */
  readonly finishedAt: number
  /** Why the command was never run: not found, no such folder, … */
  readonly startError?: string
}

/** One instance of a container. */
export interface ContainerRecord {
  readonly id: string
  readonly name: string
  readonly attempt: number
  readonly logFile: string
  readonly labels: StringMap
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Missing while it runs. */
  readonly exit?: ContainerExit
}

export interface SandboxRecord {
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly hostNetwork: boolean
  readonly labels: StringMap
  readonly running: boolean
  /** A process in the pod's network namespace; meaningless when it does not run. */
  readonly pid: number
  /** By name, then attempt. */
  readonly containers: readonly ContainerRecord[]
}

export interface ExecResult {
  readonly exitCode: number
  /** The beginning of both streams together. */
  readonly output: string
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** A command that runs beside a container, and whoever talks with it. */
export interface RunningCommand {
  /** With a terminal it is the keyboard. */
  readonly stdin: Writable
  readonly stdout: Readable
  /** Missing with a terminal, which has one output. */
  readonly stderr: Readable | undefined
  /** The exit code, 128 + n for an end by signal n; what was said may still be read. */
  readonly ended: Promise<number>
  /** Nothing happens without a terminal. */
  resize(size: TerminalSize): void
  /** Ends the command and all that it has started. */
  kill(): Promise<void>
}

/** What a container that runs already is told by its user. */
export interface ContainerInput {
  /** Goes nowhere when the container has no stdin. Its end is the end of stdin where that is for one user only. */
  readonly stdin: Writable
  /** Nothing happens without a terminal. */
  resize(size: TerminalSize): void
}

export interface CommandOptions {
  /** Without it stdin is empty. */
  readonly stdin: boolean
  readonly tty: boolean
}

/**
 * Sandboxes and containers outlive the agent: `list` tells of those an earlier agent started, and of exits it missed.
 * A factory takes `onChange`, which is called with the sandbox's id when a container or the sandbox ends by itself.
 */
export interface Runtime {
  list(): Promise<readonly SandboxRecord[]>
  /** Starts one, or replaces one that died; the containers of a dead one stay listed as ended. Throws when it runs. */
  startSandbox(spec: SandboxSpec): Promise<SandboxRecord>
  /**
   * A command that cannot be run comes back ended, with code 128 and `startError`. Of each name the last two instances
   * stay listed. Throws when the sandbox does not run.
   */
  startContainer(sandbox: string, spec: ContainerSpec): Promise<ContainerRecord>
  /** TERM asks the main process, KILL ends all of it. Nothing happens to one that has ended or is unknown. */
  signal(container: string, signal: 'TERM' | 'KILL'): Promise<void>
  /** Runs a command beside the container. Throws `ExecTimeout`, and an Error when the container does not run. */
  exec(container: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>
  /** Runs a command beside the container for somebody who talks with it. Throws when the container does not run. */
  open(container: string, command: readonly string[], options: CommandOptions): Promise<RunningCommand>
  /** Throws when the container does not run. */
  attach(container: string): Promise<ContainerInput>
  /** Kills all that runs in the sandbox; `forget` drops its records too. Safe to repeat, also for unknown ones. */
  end(sandbox: string, records: 'keep' | 'forget'): Promise<void>
}

export type OnChange = (sandbox: string) => void

/** Told in one sentence of a pod whose files are damaged: it is ended, and forgotten. */
export type OnDamage = (message: string) => void

/** Makes a runtime. `run` notices ends until `signal` aborts. */
export type RuntimeFactory = (
  onChange: OnChange,
  onDamage: OnDamage,
) => Runtime & { run(signal: AbortSignal): Promise<void> }

/** A command in a container took too long and was killed. */
export class ExecTimeout extends Error {
  override readonly name = 'ExecTimeout'

  constructor(command: readonly string[], timeoutMs: number) {
    super(`command ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s`)
  }
}

/** An instance's id: unique on the node, a file name, and put together from what no part of it can hold. */
export const containerId = (sandbox: string, name: string, attempt: number): string => `${sandbox}_${name}_${attempt}`

/** The sandbox a container's id belongs to. */
export const sandboxOf = (container: string): string => container.slice(0, container.indexOf('_'))

/** By name, then attempt. */
export const byNameAndAttempt = (a: ContainerRecord, b: ContainerRecord): number =>
  a.name === b.name ? a.attempt - b.attempt : a.name < b.name ? -1 : 1
