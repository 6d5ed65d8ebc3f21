/** Sandboxes hold the namespaces of a pod. */
import type { StringMap } from '../../api/types/index.ts'
import type { ContainerRecord } from './containers.ts'
import type { Mount } from './mounts.ts'

export interface SandboxSpec {
  /** The pod's uid. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  /** The name of the runtime that shall run it, where there are several: the node's default one when missing. */
  readonly runtime?: string
  /** Which of its ways the runtime takes, where it has several: the name in a RuntimeClass. */
  readonly handler?: string
  /** Holds the logs of its containers, for runtimes that write them. */
  readonly logDir?: string
  /** Some container of it is to be privileged. */
  readonly privileged?: boolean
  readonly hostname: string
  /** Shares the node's network and host name. */
  readonly hostNetwork: boolean
  /** Shares the node's processes. */
  readonly hostPID?: boolean
  /** Shares the node's System V and POSIX message queues and memory. */
  readonly hostIPC?: boolean
  /** All containers see each other's processes, with one first process for all. */
  readonly shareProcessNamespace?: boolean
  /** Of the pod's own namespaces: `net.ipv4.ip_local_port_range` and its value. */
  readonly sysctls?: StringMap
  /** What every container sees. Where containers share a root, that is all they see (see `Feature`). */
  readonly mounts: readonly Mount[]
  /** Of the pod. */
  readonly annotations?: StringMap
  /** Kept with the sandbox, for whoever finds it after a restart. */
  readonly labels: StringMap
}

export interface SandboxRecord {
  readonly id: string
  readonly namespace: string
  readonly name: string
  /** The name of the runtime that has it. */
  readonly runtime: string
  readonly hostNetwork: boolean
  readonly labels: StringMap
  readonly running: boolean
  /** A process in the pod's network namespace; meaningless when it does not run. */
  readonly pid: number
  /** Present when the runtime itself has given the pod its network; otherwise somebody attaches it by its pid. */
  readonly addresses?: readonly string[]
  /** By name, then attempt. */
  readonly containers: readonly ContainerRecord[]
}

/** They outlive the agent: `list` tells of those an earlier agent started, and of exits it missed. */
export interface Sandboxes {
  list(): Promise<readonly SandboxRecord[]>
  /** Starts one, or replaces one that died; the containers of a dead one stay listed as ended. Throws when it runs. */
  start(spec: SandboxSpec): Promise<SandboxRecord>
  /** Kills all that runs in the sandbox; `forget` drops its records too. Safe to repeat, also for unknown ones. */
  end(id: string, records: 'keep' | 'forget'): Promise<void>
}
