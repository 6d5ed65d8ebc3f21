/** Which logs there are to forward: those of containers that the runtimes know, and those that were set aside when their pods went. */
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { SandboxRecord } from '../../runtime/sandboxes.ts'

export interface ForwardedLog {
  /** `NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log`: the same wherever the file lies. */
  readonly key: string
  readonly file: string
  /** Nothing more will be written. */
  readonly isOver: boolean
}

export interface LogPlace {
  readonly namespace: string
  readonly pod: string
  readonly uid: string
  readonly container: string
}

/** Undefined for what is no log of a container. */
export const placeOf = (key: string): LogPlace | undefined => {
  const found = /^([^_/]+)_([^_/]+)_([^_/]+)\/([^/]+)\/\d+\.log$/.exec(key)
  const [, namespace, pod, uid, container] = found ?? []
  if (namespace === undefined || pod === undefined || uid === undefined || container === undefined) return undefined
  return { namespace, pod, uid, container }
}

/** No folder holds nothing. */
const entriesOf = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

/** The logs below a folder that is laid out as the pods' own. */
export const logsBelow = async (folder: string): Promise<readonly ForwardedLog[]> => {
  const found: ForwardedLog[] = []
  for (const pod of await entriesOf(folder))
    for (const container of await entriesOf(join(folder, pod)))
      for (const name of await entriesOf(join(folder, pod, container))) {
        const key = join(pod, container, name)
        if (placeOf(key)) found.push({ key, file: join(folder, key), isOver: true })
      }
  return found
}

export const logsOfSandboxes = (logDir: string, sandboxes: readonly SandboxRecord[]): readonly ForwardedLog[] =>
  sandboxes.flatMap(({ containers, running }) =>
    containers.flatMap(({ logFile, exit }) => {
      const key = relative(logDir, logFile)
      return placeOf(key) ? [{ key, file: logFile, isOver: exit !== undefined || !running }] : []
    }),
  )
