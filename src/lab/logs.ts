/** The logs of a lab that could not be started outlive it: whoever is told to look at them finds them. */
import { existsSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabPaths } from './plan.ts'

const unlessMissing = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}

/** Moves the logs out of the lab's folder. Those of an earlier start that failed are replaced. */
export const keepLogs = async (paths: LabPaths): Promise<void> => {
  // The keeper may have moved them already.
  if (!existsSync(paths.logs)) return
  await rm(paths.failedLogs, { recursive: true, force: true })
  await rename(paths.logs, paths.failedLogs).catch(unlessMissing)
}

/** Where the logs are now, and the last lines of the lab's own. */
export const lastWords = async (paths: LabPaths, count = 5): Promise<string> => {
  for (const folder of [paths.logs, paths.failedLogs]) {
    const text = await readFile(join(folder, 'lab.log'), 'utf8').catch(unlessMissing)
    if (text !== undefined) return `see the logs in ${folder}\n${text.trim().split('\n').slice(-count).join('\n')}`
  }
  return 'it has left no logs'
}
