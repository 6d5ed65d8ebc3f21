/** Processes, told apart by pid and start time together, so that a reused pid is never taken for an old process. */
import { readFile } from 'node:fs/promises'

export interface ProcessId {
  readonly pid: number
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string
}

const unlessGone = (error: unknown): undefined => {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ESRCH') return undefined
  throw error
}

/** The fields of /proc/PID/stat after the name, which may itself hold spaces and brackets. */
const statFields = async (pid: number): Promise<readonly string[] | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(unlessGone)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The identity of a running process; undefined when there is none, or only a zombie. */
export const identify = async (pid: number): Promise<ProcessId | undefined> => {
  const fields = await statFields(pid)
  const [state] = fields ?? []
  const startTime = fields?.[19]
  return state === undefined || state === 'Z' || startTime === undefined ? undefined : { pid, startTime }
}

export const isRunning = async (id: ProcessId): Promise<boolean> => (await identify(id.pid))?.startTime === id.startTime

/** Direct children, oldest first. */
export const childrenOf = async (pid: number): Promise<readonly number[]> => {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(unlessGone)
  return text === undefined ? [] : text.split(' ').filter(Boolean).map(Number)
}

/** Sends a signal to one process (or, with a negative pid, to a group); false when it is already gone. */
export const signalProcess = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Resident memory in bytes; undefined when the process is gone. */
export const residentBytes = async (pid: number): Promise<number | undefined> => {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(unlessGone)
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(text ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}
