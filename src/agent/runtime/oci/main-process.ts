/** The main process of a container, as the node sees it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { familyOf } from '../../../host/process.ts'
import { pidName } from './program.ts'

/** The pids of a process in its namespaces, from ours down; 0 when it has gone. */
const pidsOf = async (pid: number): Promise<readonly number[]> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return (/^NSpid:\s+(.*)$/m.exec(status)?.[1] ?? '').split(/\s+/).map(Number)
}

export interface MainProcess {
  /** As the node sees it. */
  readonly pid: number
  /** As the runtime program sees it. */
  readonly noted: number
}

/** Undefined when it is not there (any more). `level`: how many namespaces below ours the runtime program has its pids. */
export const mainProcess = async (shim: number, bundle: string, level: 0 | 1): Promise<MainProcess | undefined> => {
  const noted = Number(await readFile(join(bundle, pidName), 'utf8').catch(() => '0'))
  if (noted === 0) return undefined
  // Only what comes from the shim: the number may be another process's by now.
  for (const pid of await familyOf(shim)) if ((await pidsOf(pid))[level] === noted) return { pid, noted }
  return undefined
}
