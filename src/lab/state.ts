/** What a running lab tells about itself, in a file: written from inside, read by every `podway lab` command. */
import { basename } from 'node:path'
import { DamagedFile, jsonOf, readDurable } from '../host/durable-file.ts'
import { isRunning, type ProcessId } from '../host/process.ts'
import type { HostRole, LabPaths } from './plan.ts'

export type LabPhase = 'starting' | 'running' | 'failed'

export interface HostState {
  readonly name: string
  readonly role: HostRole
  readonly address: string
  readonly state: 'up' | 'killed'
  /** Of the lab's own pid namespace. */
  readonly pid?: number
  /** The daemon that runs on it; missing on `client`. */
  readonly daemon?: {
    readonly name: string
    readonly state: 'running' | 'restarting' | 'killed'
    readonly pid?: number
    /** How it ended last; only when that was just now. */
    readonly lastEnd?: string
  }
  /** SHA-256 of the certificate of the authority that its daemon trusts; missing before it has one. */
  readonly authority?: string
}

/** Written by the keeper, which sees the machine's own pids. */
export interface LabRecord {
  readonly name: string
  /** The process outside that keeps the published ports and cleans up after the lab. */
  readonly keeper: ProcessId
  /** Pid 1 of the lab: killing it ends everything. Missing while it starts. */
  readonly universe?: ProcessId
  readonly rootless: boolean
  readonly kubeconfig: string
  /** The keeper's /proc/self/cgroup: the lab's groups are below. */
  readonly cgroups: string
  readonly published: readonly { readonly port: number; readonly host: string; readonly to: number }[]
}

const isProcess = (value: unknown): value is ProcessId =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as ProcessId).pid === 'number' &&
  typeof (value as ProcessId).startTime === 'string'

const isRecord = (value: unknown): value is LabRecord =>
  typeof value === 'object' &&
  value !== null &&
  isProcess((value as LabRecord).keeper) &&
  ((value as LabRecord).universe === undefined || isProcess((value as LabRecord).universe)) &&
  typeof (value as LabRecord).kubeconfig === 'string' &&
  Array.isArray((value as LabRecord).published)

/** The file's state, whether the lab lives or not. */
export const readRecord = (paths: LabPaths) => readDurable(paths.state, jsonOf('the state of a lab', isRecord))

/** How to be rid of a lab whose files cannot be read. */
export const labCure = (name: string): string => `end the lab, which works all the same: podway lab down --name ${name}`

/** The lab's record, when its keeper is alive. Files of a lab that is no more are ignored. Throws `DamagedFile`. */
export const readLab = async (paths: LabPaths): Promise<LabRecord | undefined> => {
  const found = await readRecord(paths)
  if (found.state === 'damaged') throw new DamagedFile(paths.state, found.why, labCure(basename(paths.folder)))
  return found.state === 'read' && (await isRunning(found.value.keeper)) ? found.value : undefined
}
