/** That this machine is about to stop: told to the agent by a file of its state folder, which does not outlive the boot. */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isJsonObject } from '../../api/json.ts'
import { jsonOf, readDurable } from '../../host/durable-file.ts'
import { writeFileAtomic } from '../../host/files.ts'

export interface ShutdownRequest {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** How long pods may take in all. */
  readonly graceMs: number
  /** How much of that is kept for critical ones. */
  readonly criticalMs: number
  readonly bootID: string
}

export const shutdownFile = (stateDir: string): string => join(stateDir, 'node-shutdown.json')

/** How far an agent is with a shutdown. */
export interface ShutdownProgress {
  /** Of the request. */
  readonly startedAt: number
  /** The pods of which something runs, in whatever runtime, as `namespace/name`. */
  readonly running: readonly string[]
}

const progressFile = (file: string): string => `${file}.progress`

const isProgress = (value: unknown): value is ShutdownProgress =>
  isJsonObject(value) &&
  typeof value['startedAt'] === 'number' &&
  Array.isArray(value['running']) &&
  value['running'].every((each) => typeof each === 'string')

export const writeProgress = (file: string, progress: ShutdownProgress): Promise<void> =>
  writeFileAtomic(progressFile(file), JSON.stringify(progress))

/** The pods that run still; undefined when the agent has said nothing of this shutdown. */
export const readProgress = async (file: string, startedAt: number): Promise<readonly string[] | undefined> => {
  const found = await readDurable(progressFile(file), jsonOf('how far a shutdown is', isProgress))
  return found.state === 'read' && found.value.startedAt === startedAt ? found.value.running : undefined
}

const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0

const isRequest = (value: unknown): value is ShutdownRequest => {
  if (typeof value !== 'object' || value === null) return false
  const { startedAt, graceMs, criticalMs, bootID }: Partial<Record<keyof ShutdownRequest, unknown>> = value
  return [startedAt, graceMs, criticalMs].every(isTime) && typeof bootID === 'string'
}

/** Of this boot of the machine. */
export const readBootID = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()

/** A file of another boot says nothing, and neither does one that cannot be read. */
export const readShutdown = async (file: string): Promise<ShutdownRequest | undefined> => {
  const found = await readDurable(file, jsonOf('a shutdown', isRequest))
  return found.state === 'read' && found.value.bootID === (await readBootID()) ? found.value : undefined
}

export const writeShutdown = async (file: string, request: ShutdownRequest): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o755 })
  await writeFileAtomic(file, JSON.stringify(request))
}

export const cancelShutdown = (file: string): Promise<void> => rm(file, { force: true })
