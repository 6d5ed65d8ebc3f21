/** Unix sockets at a well-known path, of which the last process to listen has the name. */
import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { dirname } from 'node:path'
import { reportDamage } from './durable-file.ts'

const lookAt = (path: string) =>
  lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

export interface ListeningSocket {
  /** Gives the name up, unless a successor has it. Whoever is connected stays so. */
  release(): Promise<void>
}

/**
 * Listens at `path`, for root alone. There is no moment without a listener: who listened there before keeps its
 * connections, and loses the name. What is no socket is set aside, and told of in one sentence.
 */
export const listenAtPath = async (
  server: Server,
  path: string,
  onDamage: (message: string) => void,
): Promise<ListeningSocket> => {
  await mkdir(dirname(path), { recursive: true })
  // Node removes the name that a server was bound to when it closes: not the one that others have by then.
  const own = `${path}.${process.pid}`
  await rm(own, { force: true })
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(own, listening.resolve)
  await listening.promise
  server.off('error', listening.reject)
  await chmod(own, 0o600)
  const { ino, dev } = await lstat(own)
  const found = await lookAt(path)
  if (found && !found.isSocket()) await reportDamage(path, 'is no socket', onDamage)
  await rename(own, path)
  return {
    release: async () => {
      const now = await lookAt(path)
      if (now?.ino === ino && now.dev === dev) await rm(path, { force: true })
    },
  }
}
