/** The place of a unix socket, before somebody listens there. */
import { lstat, rm } from 'node:fs/promises'
import { reportDamage } from './durable-file.ts'

/** Removes the socket of a process that was killed. Anything else that lies there is set aside, and told of in one sentence. */
export const clearSocketPath = async (path: string, onDamage: (message: string) => void): Promise<void> => {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found?.isSocket()) await rm(path, { force: true })
  else if (found) await reportDamage(path, 'is no socket', onDamage)
}
