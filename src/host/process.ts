/** Processes, told apart by pid and start time together, so that a reused pid is never taken for an old process. */
import { readdir, readFile } from 'node:fs/promises'

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

/** Direct children of its main thread, or of another one, oldest first. */
export const childrenOf = async (pid: number, task: number | string = pid): Promise<readonly number[]> => {
  const text = await readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(unlessGone)
  return text === undefined ? [] : text.split(' ').filter(Boolean).map(Number)
}

/** Children of all of its threads. */
const allChildrenOf = async (pid: number): Promise<readonly number[]> => {
  const tasks = (await readdir(`/proc/${pid}/task`).catch(unlessGone)) ?? []
  return (await Promise.all(tasks.map((task) => childrenOf(pid, task)))).flat()
}

/** A process and all that have come from it and still have a parent there, the oldest first. */
export const familyOf = async (pid: number): Promise<readonly number[]> => {
  const family = [pid]
  for (const member of family) family.push(...(await allChildrenOf(member)))
  return family
}

/**
 * Kills a process and all that have come from it, its process group among them. They are stopped first, so that none starts another
 * meanwhile; who has been stopped is killed also when it has lost its parent since, as nothing else would ever end it.
 */
export const killFamily = async (pid: number, childrenOfOne = allChildrenOf): Promise<void> => {
  const stopped = new Set<number>()
  for (let fresh: readonly number[] = [pid]; fresh.length > 0; ) {
    for (const member of fresh) {
      signalProcess(member, 'SIGSTOP')
      stopped.add(member)
    }
    const found = (await Promise.all([...stopped].map((member) => childrenOfOne(member)))).flat()
    fresh = found.filter((member) => !stopped.has(member))
  }
  for (const member of [...stopped].toReversed()) signalProcess(member, 'SIGKILL')
  // -1 would be everybody.
  if (pid > 1) signalProcess(-pid, 'SIGKILL')
}

/** Sends a signal to one process (or, with a negative pid, to a group); false when it is already gone. */
export const signalProcess = (pid: number, signal: NodeJS.Signals | number): boolean => {
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
