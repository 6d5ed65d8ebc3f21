/** Which logs there are to forward: those of containers that the runtimes know, and those that were set aside when their pods went. */
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { SandboxRecord } from '../../runtime/sandboxes.ts'
import { isEntry } from '../cri-lines.ts'
import { indexFile } from '../log-index.ts'
import type { LogFormat } from '../segments.ts'

export interface ForwardedLog {
  /** `NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log`: the same wherever the file lies. */
  readonly key: string
  readonly file: string
  readonly format?: LogFormat | undefined
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

/** Of a log whose container nobody knows any longer: what containers write themselves has an index beside it. */
const formatOf = async (file: string): Promise<LogFormat | undefined> => {
  if ((await entriesOf(dirname(file))).includes(basename(indexFile(file)))) return undefined
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0)
    return isEntry(buffer.subarray(0, bytesRead)) ? 'cri' : undefined
  } finally {
    await handle.close()
  }
}

/** The logs below a folder that is laid out as the pods' own. */
export const logsBelow = async (folder: string): Promise<readonly ForwardedLog[]> => {
  const found: ForwardedLog[] = []
  for (const pod of await entriesOf(folder))
    for (const container of await entriesOf(join(folder, pod)))
      for (const name of await entriesOf(join(folder, pod, container))) {
        const key = join(pod, container, name)
        const file = join(folder, key)
        if (!placeOf(key)) continue
        try {
          found.push({ key, file, format: await formatOf(file), isOver: true })
        } catch (error) {
          // It was removed while we looked.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        }
      }
  return found
}

export const logsOfSandboxes = (logDir: string, sandboxes: readonly SandboxRecord[]): readonly ForwardedLog[] =>
  sandboxes.flatMap(({ containers, running }) =>
    containers.flatMap(({ logFile, logFormat: format, exit }) => {
      const key = relative(logDir, logFile)
      return placeOf(key) ? [{ key, file: logFile, format, isOver: exit !== undefined || !running }] : []
    }),
  )
