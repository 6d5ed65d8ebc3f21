/** What the files below a folder take on their disk: volumes have no quota that would tell. */
import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface FolderUsage {
  readonly usedBytes: number
  readonly inodesUsed: number
}

/** A folder with more files than this is not walked to its end: what it has told until then is told. */
const mostFiles = 10_000

const gone = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ESTALE'].includes((error as NodeJS.ErrnoException).code ?? '')

const ifThere = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work
  } catch (error) {
    if (gone(error)) return undefined
    throw error
  }
}

/** Links are not followed, and other filesystems below it not entered. */
export const folderUsage = async (folder: string): Promise<FolderUsage> => {
  let usedBytes = 0
  let inodesUsed = 0
  const count = ({ blocks }: Stats): void => {
    usedBytes += blocks * 512
    inodesUsed++
  }
  const top = await ifThere(lstat(folder))
  if (!top) return { usedBytes, inodesUsed }
  count(top)
  const folders = top.isDirectory() ? [folder] : []
  for (const place of folders) {
    const entries: readonly Dirent[] = (await ifThere(readdir(place, { withFileTypes: true }))) ?? []
    for (const { name } of entries) {
      if (inodesUsed >= mostFiles) return { usedBytes, inodesUsed }
      const found = await ifThere(lstat(join(place, name)))
      if (!found || found.dev !== top.dev) continue
      count(found)
      if (found.isDirectory()) folders.push(join(place, name))
    }
  }
  return { usedBytes, inodesUsed }
}
