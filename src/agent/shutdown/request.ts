/** That this machine is about to stop: told to the agent by a file of its state folder, which does not outlive the boot. */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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

/** Says which shutdown is over: its `startedAt`. */
const endedFile = (file: string): string => `${file}.ended`

/** All pods have ended. */
export const tellEnded = (file: string, startedAt: number): Promise<void> =>
  writeFileAtomic(endedFile(file), String(startedAt))

export const hasEnded = async (file: string, startedAt: number): Promise<boolean> =>
  (await readFile(endedFile(file), 'utf8').catch(() => '')) === String(startedAt)

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
