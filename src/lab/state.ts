/** What a running lab tells about itself, in a file: written from inside, read by every `podway lab` command. */
import { readFile } from 'node:fs/promises'
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
  readonly published: readonly { readonly port: number; readonly host: string; readonly to: number }[]
}

const readJson = async <T>(file: string): Promise<T | undefined> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The lab's record, when its keeper is alive. Files of a lab that is no more are ignored. */
export const readLab = async (paths: LabPaths): Promise<LabRecord | undefined> => {
  const record = await readJson<LabRecord>(paths.state)
  return record && (await isRunning(record.keeper)) ? record : undefined
}
